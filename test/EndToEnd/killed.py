#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs that a signal ends while they write, at random times.

Each of 200 runs of sprint-sim replaces the outputs of a whole one, among them a timeline of
megabytes, and gets a signal. Whichever it is and whenever it comes, what has a final name is what
the whole run left, to the byte; behind SIGINT and SIGTERM there is nothing else; and what SIGKILL
left, the next run has removed. --runs and --seed say how many and which.
"""

import argparse
import json
import pathlib
import random
import signal
import subprocess
import sys
import time

import harness
from sprint import testing

OUTPUTS = ("0.npy", "stats.json", "trace.json", "masks.npy", "codes.npy")


def contents(folder):
    """What the outputs hold, without the simulator's own time."""
    files = {}
    for name in OUTPUTS:
        data = (folder / name).read_bytes()
        if name == "stats.json":
            statistics = json.loads(data)
            for part in (statistics, *statistics["attentions"]):
                del part["simulation_seconds"]
            data = statistics
        files[name] = data
    return files


def others(folder):
    """Names in the folder beside those of outputs."""
    return sorted(path.name for path in folder.iterdir() if path.name not in OUTPUTS)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    times = random.Random(arguments.seed)
    report = harness.Report()
    left = {kind: 0 for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)}
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        case = testing.random_case("killed", 2, 192, 192, 32)
        (directory / "model.mlir").write_text(harness.attention_mlir(case))
        harness.compile_stream(directory / "model.mlir", directory / "stream")
        folder = directory / "out"
        command = [harness.tool("sprint-sim"), directory / "stream",
                   *harness.write_inputs(directory, *case.inputs()), "--prune-rate=0.5",
                   f"--output-dir={folder}", f"--stats={folder / 'stats.json'}",
                   f"--trace={folder / 'trace.json'}", f"--dump-masks={folder / 'masks.npy'}",
                   f"--dump-codes={folder / 'codes.npy'}"]
        durations = []
        for _ in range(3):
            begin = time.monotonic()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            durations.append(time.monotonic() - begin)
        whole = contents(folder)
        report.check(not others(folder), f"a whole run left {others(folder)}")

        for number in range(arguments.runs):
            kind = times.choice(list(left))
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
            time.sleep(times.uniform(0, max(durations)))
            process.send_signal(kind)
            stderr = process.communicate()[1]
            report.check(process.returncode in (0, -kind) and not stderr,
                         f"run {number}: {kind.name}: exit code {process.returncode}, {stderr!r}")
            report.check(contents(folder) == whole, f"run {number}: {kind.name}: other outputs")
            if others(folder):
                left[kind] += 1
                report.check(kind == signal.SIGKILL,
                             f"run {number}: {kind.name} left {others(folder)}")
                # Those of a run that was killed go with the next one.
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                report.check(not others(folder), f"run {number}: still {others(folder)}")
    print(f"{arguments.runs} runs, {left[signal.SIGKILL]} of which SIGKILL ended while they wrote")
    report.check(left[signal.SIGKILL] > 0, "expected some runs to be killed while they wrote")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
