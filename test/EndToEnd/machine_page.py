#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/machine.md says how long every command takes that the reference page of commands has."""

import pathlib
import re
import sys

import harness

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
#: The headings of commands in the reference page.
COMMAND = re.compile(r"^## `(\w+)` \(0x", re.MULTILINE)
#: The section with a paragraph a command, and the commands that begin one.
SECTION = re.compile(r"^## Commands, one by one\n(.*?)(?=^## )", re.DOTALL | re.MULTILINE)
PARAGRAPH = re.compile(r"(?:^|,\s|\sand\s)\*\*`(\w+)`\*\*", re.MULTILINE)


def main():
    report = harness.Report()
    commands = COMMAND.findall((DOCS / "reference" / "commands.md").read_text())
    paragraphs = PARAGRAPH.findall(SECTION.search((DOCS / "machine.md").read_text()).group(1))
    report.check(commands, "docs/reference/commands.md: expected commands")
    for command in commands:
        report.check(command in paragraphs, f"docs/machine.md: no paragraph begins with {command}")
    for command in paragraphs:
        report.check(command in commands, f"docs/machine.md: there is no command {command}")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
