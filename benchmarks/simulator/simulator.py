#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long the simulator takes for a head, against PyTorch's attention in the same run.

A head has d = 64 and as many queries as keys; the threshold leaves about a quarter of the keys.
sprint-sim is timed from outside, with values, cycles and energy, at two numbers of heads in turn
with PyTorch: the difference is what the heads take, without the start of the process. Printed are
medians, the ratio to PyTorch, rows simulated a second, how much faster two threads are than one,
beside what two processes at once gain over one after the other, and the peak of memory. Ends with 1
where a ratio is above --limit.
"""

import argparse
import concurrent.futures
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Dict, List, Tuple

# Before PyTorch is loaded.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "bin"
CHANNELS = 64
# Three quarters of normally distributed logits are below.
THRESHOLD = 0.674
MODEL = """
func.func @main(%q: TENSOR, %k: TENSOR, %v: TENSOR, %out: TENSOR) -> TENSOR {
  %0 = sprint.attention ins(%q, %k, %v : TENSOR, TENSOR, TENSOR) outs(%out : TENSOR) scale(0.125) -> TENSOR
  return %0 : TENSOR
}
"""

# Prints the seconds that a command takes, and its peak of memory.
TIMED = """
import resource, subprocess, sys, time
begin = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def compile_stream(folder: pathlib.Path, heads: int) -> pathlib.Path:
    """The stream of one attention of any number of tokens."""
    stream = folder / f"attention_{heads}.stream"
    if stream.exists():
        return stream
    model, lowered = folder / "model.mlir", folder / "lowered.mlir"
    model.write_text(MODEL.replace("TENSOR", f"tensor<1x{heads}x?x{CHANNELS}xf32>"))
    subprocess.run([BIN / "sprint-opt", "--sprint-compile=arch=s", model, "-o", lowered], check=True)
    subprocess.run([BIN / "sprint-translate", "--sprint-isa-to-stream", lowered, "-o", stream],
                   check=True)
    return stream


def make_inputs(folder: pathlib.Path, heads: int, tokens: int) -> List[pathlib.Path]:
    random = np.random.default_rng(heads * tokens)
    paths = []
    for name in "qkv":
        paths.append(folder / f"{name}_{heads}_{tokens}.npy")
        np.save(paths[-1], random.standard_normal((1, heads, tokens, CHANNELS), dtype=np.float32))
    return paths


def run_simulator(inputs: List[pathlib.Path], heads: int, threads: int) -> Tuple[float, int]:
    """Seconds that sprint-sim takes, seen from outside, and its peak of memory in KiB."""
    stream = compile_stream(inputs[0].parent, heads)
    command = [BIN / "sprint-sim", stream, f"--threshold={THRESHOLD}", f"--threads={threads}",
               f"--stats={stream.parent / 'statistics.json'}", f"--output-dir={stream.parent / 'out'}"]
    # From a process of its own: memory of this one would count as that of its children.
    command += [f"--input={path}" for path in inputs]
    words = subprocess.run([sys.executable, "-c", TIMED, *map(str, command)], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    return float(words[0]), int(words[1])


def run_pytorch(inputs: List[pathlib.Path]) -> float:
    """Seconds that PyTorch takes for the attention alone."""
    query, key, value = (torch.from_numpy(np.load(path)) for path in inputs)
    with torch.no_grad():
        begin = time.perf_counter()
        torch.nn.functional.scaled_dot_product_attention(query, key, value)
        return time.perf_counter() - begin


def measure(folder: pathlib.Path, tokens: int, few: int, many: int,
            rounds: int) -> Dict[str, float]:
    """Milliseconds a head of both, medians over rounds in which all take turns."""
    inputs = {heads: make_inputs(folder, heads, tokens) for heads in (few, many)}
    times: Dict[str, List[float]] = {"sprint": [], "pytorch": []}
    run_pytorch(inputs[few])
    for _ in range(rounds):
        simulated = {heads: run_simulator(inputs[heads], heads, 1)[0] for heads in (few, many)}
        attended = {heads: run_pytorch(inputs[heads]) for heads in (few, many)}
        for name, seconds in (("sprint", simulated), ("pytorch", attended)):
            times[name].append((seconds[many] - seconds[few]) / (many - few) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=float, help="largest ratio to PyTorch that is good enough")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    worst = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        print("| tokens | PyTorch, ms a head | sprint-sim, ms a head | ratio | rows a second |")
        print("| --- | --- | --- | --- | --- |")
        for tokens, few, many in ((1024, 2, 14), (4096, 1, 4)):
            result = measure(folder, tokens, few, many, arguments.rounds)
            ratio = result["sprint"] / result["pytorch"]
            worst = max(worst, ratio)
            print(f"| {tokens:,} | {result['pytorch']:.2f} | {result['sprint']:.2f} | {ratio:.2f} | "
                  f"{tokens / result['sprint'] * 1000:,.0f} |", flush=True)

        twelve = make_inputs(folder, 12, 1024)
        seconds: Dict[str, List[float]] = {"one": [], "two": [], "both": []}
        for _ in range(arguments.rounds):
            seconds["one"].append(run_simulator(twelve, 12, 1)[0])
            seconds["two"].append(run_simulator(twelve, 12, 2)[0])
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                begin = time.perf_counter()
                list(pool.map(lambda _: run_simulator(twelve, 12, 1), range(2)))
                seconds["both"].append(time.perf_counter() - begin)
        one, two, both = (statistics.median(seconds[name]) for name in ("one", "two", "both"))
        print(f"\nTwelve heads of 1,024 tokens: {one:.3f} s on one thread, {two:.3f} s on two, "
              f"{one / two:.2f} times as fast; two processes at once are {2 * one / both:.2f} times "
              "as fast as one after the other.")
        for tokens in (4096, 16384):
            peak = run_simulator(make_inputs(folder, 1, tokens), 1, 1)[1]
            print(f"Peak memory, one head of {tokens:,} tokens: {peak / 1024:.0f} MiB.")
    return 1 if arguments.limit is not None and worst > arguments.limit else 0


if __name__ == "__main__":
    sys.exit(main())
