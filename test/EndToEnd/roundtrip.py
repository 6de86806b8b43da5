#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every level of every example survives being printed and parsed, and every stream its way through
text: what is encoded again has the same bytes.
"""

import pathlib
import sys

import harness

LEVELS = ("attention", "scheduled", "tiled", "stream")
MACHINES = ("s", "m", "l", "s-paper-widths")
SCHEDULES = ("paper", "dense")


def check_levels(report, model):
    for schedule in SCHEDULES:
        for level in LEVELS:
            # The option itself compares before and after, through text and through bytecode.
            options = f"--sprint-compile=arch=s schedule={schedule} level={level}"
            done = harness.run("sprint-opt", options, "--verify-roundtrip", model, check=False)
            report.check(done.returncode == 0,
                         f"{model.name}, {schedule}, {level}: {done.stderr[-500:]}")


def check_stream(report, model, machine, schedule, directory):
    isa = directory / "isa.mlir"
    streams = [directory / "first.stream", directory / "second.stream"]
    text = directory / "text.mlir"
    harness.run("sprint-opt", f"--sprint-compile=arch={machine} schedule={schedule}", model, "-o",
                isa)
    harness.run("sprint-translate", "--sprint-isa-to-stream", isa, "-o", streams[0])
    harness.run("sprint-translate", "--stream-to-sprint-isa", streams[0], "-o", text)
    harness.run("sprint-translate", "--sprint-isa-to-stream", text, "-o", streams[1])
    report.check(streams[0].read_bytes() == streams[1].read_bytes(),
                 f"{model.name}, {machine}, {schedule}: encoded again, the stream differs")


def main():
    report = harness.Report()
    # What other producers write is for the exporter.
    models = sorted([*(path for path in harness.EXAMPLES.rglob("*.mlir")
                       if path.parent.name != "producers"),
                     *(harness.ROOT / "test" / "Inputs").glob("*.mlir")])
    harness.in_parallel(lambda model: check_levels(report, model), models, report)

    def check_streams(model):
        with harness.temporary_directory() as directory:
            # A program that is written by hand has the widths of its machine in it.
            by_hand = "sprint.program" in model.read_text()
            for machine in MACHINES[:-1] if by_hand else MACHINES:
                for schedule in SCHEDULES:
                    check_stream(report, model, machine, schedule, pathlib.Path(directory))

    harness.in_parallel(check_streams, models, report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
