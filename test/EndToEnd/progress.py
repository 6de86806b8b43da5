#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What sprint-run is at stands on a terminal while it is at it, and nowhere else."""

import os
import pathlib
import pty
import subprocess
import sys

import harness
from sprint import testing

WIPED = "\r\x1b[K"


def run_on_terminal(command):
    """What a command prints on a terminal as standard error, and on standard output."""
    terminal, error = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=error) as process:
        os.close(error)
        shown = b""
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # The other end is closed.
                break
            shown += part
        output = process.stdout.read()
    os.close(terminal)
    return process.returncode, shown.decode(), output.decode()


def main():
    report = harness.Report()
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        case = testing.random_case("progress", 1, 8, 8, 8)
        model = directory / "model.mlir"
        model.write_text(harness.attention_mlir(case))
        inputs = harness.write_inputs(directory, case.query, case.key, case.value)
        command = [harness.tool("sprint-run"), str(model), "--threshold=0", *inputs]
        code, shown, output = run_on_terminal(command)
        report.check(code == 0, f"exit code {code}, {shown!r}")
        for stage in ("parsing", "compiling", "0 of 1 launches"):
            report.check(f"{model}: {stage}" in shown, f"{stage} in {shown!r}")
        report.check(shown.endswith(WIPED), f"the last line stays: {shown!r}")
        report.check(output.startswith("attention ") and WIPED not in output, f"output {output!r}")

        # A message stands in a line of its own.
        (directory / "two.json").write_text('{"thresholds": [[1], [2]]}')
        command[2] = f"--thresholds={directory / 'two.json'}"
        code, shown, _ = run_on_terminal(command)
        report.check(code == 1 and "sprint-run: " in shown.rsplit(WIPED, 1)[-1] and
                     "compiling" not in shown.rsplit(WIPED, 1)[-1], f"an error: {shown!r}")

        piped = subprocess.run(command[:2] + ["--threshold=0"] + inputs, capture_output=True,
                               text=True)
        report.check(piped.returncode == 0 and piped.stderr == "", f"piped: {piped.stderr!r}")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
