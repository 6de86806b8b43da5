#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long raising takes: `sprint-opt --convert-linalg-to-sprint` against stock
`mlir-opt --canonicalize --cse` on the same file.

Runs the two alternately, whole processes with parsing and printing to nowhere, and prints the
median wall time of each and the ratio of the medians.
"""

import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parents[2]


def seconds(command: Sequence[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="a model as torch-mlir prints it")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    mlir_opt = shutil.which("mlir-opt", path="/usr/lib/llvm-22/bin") or shutil.which("mlir-opt")
    if not mlir_opt:
        sys.exit("error: expected mlir-opt of LLVM 22, found none")

    quiet = [str(arguments.model), "-o", "/dev/null"]
    commands = {
        "sprint-opt --convert-linalg-to-sprint":
            [str(arguments.build / "bin" / "sprint-opt"), "--convert-linalg-to-sprint", *quiet],
        "mlir-opt --canonicalize --cse": [mlir_opt, "--canonicalize", "--cse", *quiet],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(arguments.runs):
        for name, command in commands.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name}: {median:.2f} s (of {arguments.runs}: "
              f"{min(times[name]):.2f} .. {max(times[name]):.2f})")
    ours, stock = medians.values()
    print(f"ratio: {ours / stock:.2f}")


if __name__ == "__main__":
    main()
