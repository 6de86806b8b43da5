#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/compiler.md shows what the compiler really prints, and names files that exist.

The page follows one attention down the levels. Its first block is the model; each later block
names the passes that made it, in a comment in front, and holds what sprint-opt prints of it, from
the line that holds a pattern on. `--update` writes the blocks anew. Its last section answers where
to add what, each answer with the files.
"""

import argparse
import pathlib
import re
import sys

import harness

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "compiler.md"
#: <!-- passes: PASSES; of: OP --> and the block behind it.
SHOWN = re.compile(r"<!-- passes: (?P<passes>.*?); of: (?P<op>\S+) -->\n```mlir\n(?P<text>.*?)```\n",
                   re.DOTALL)
MODEL = re.compile(r"<!-- model -->\n```mlir\n(.*?)```\n", re.DOTALL)
#: The section of answers, what each is about, and the files that it names.
ANSWERS = re.compile(r"^## Where to add what\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
ANSWER = re.compile(r"^### ([^\n]*)\n(.*?)(?=^### |\Z)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
QUESTIONS = ("A mask kind", "A command", "A schedule", "A machine parameter", "A statistic")


def cut(text, op):
    """The op named `op` at the outermost level of what was printed, with its region."""
    lines = text.splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith(f"  {op} "))
    last = next(index for index in range(first, len(lines))
                if lines[index] == "  }" or (index == first and not lines[index].endswith("{")))
    return "".join(line[2:] + "\n" for line in lines[first:last + 1])


def check_answers(page, report):
    """Each of the questions has an answer with files, and every file that is named exists."""
    answers = dict(ANSWER.findall(ANSWERS.search(page).group(1)))
    for question in QUESTIONS:
        report.check(LINK.search(answers.get(question, "")),
                     f"docs/compiler.md: expected files under '{question}'")
    for question, answer in answers.items():
        for path in LINK.findall(answer):
            report.check((PAGE.parent / path).is_file(),
                         f"docs/compiler.md: under '{question}': there is no file {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--update", action="store_true", help="write the page's blocks anew")
    options = parser.parse_args()
    page = PAGE.read_text()
    report = harness.Report()
    check_answers(page, report)
    with harness.temporary_directory() as name:
        model = pathlib.Path(name) / "model.mlir"
        model.write_text(MODEL.search(page).group(1))

        def replace(block):
            printed = harness.run("sprint-opt", model, block["passes"]).stdout
            text = cut(printed, block["op"])
            report.check(options.update or text == block["text"],
                         f"docs/compiler.md does not show what {block['passes']} prints; run "
                         f"{pathlib.Path(__file__).name} --update")
            return (f"<!-- passes: {block['passes']}; of: {block['op']} -->\n"
                    f"```mlir\n{text}```\n")

        updated, count = SHOWN.subn(replace, page)
        report.check(count >= 5, f"expected a block for each level, got {count}")
    if options.update:
        PAGE.write_text(updated)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
