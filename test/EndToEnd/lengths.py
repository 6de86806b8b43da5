#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A stream does not know lengths: one stream runs at every length, and static compiles differ only
in their parameters.

Compiles examples/sdpa_dyn.mlir once and runs the stream at several lengths against the NumPy
reference, in the long tests up to 16,384; compiles examples/sdpa.mlir for 128 and for 100,000
tokens and compares disassembly and size.
"""

import argparse
import pathlib
import re
import sys

import numpy as np

import harness
from sprint import reference

HEADS = 4
HEAD_DIM = 64
LENGTHS = (1, 2, 127, 300, 4096)
#: Prunes about 80 % of the scores of normal data.
THRESHOLD = 0.85


def check_dynamic(report, directory, lengths):
    model = harness.EXAMPLES / "sdpa_dyn.mlir"
    stream = directory / "dynamic.stream"
    harness.compile_stream(model, stream)
    scale = harness.raised_scale(model)
    report.check(abs(scale - HEAD_DIM**-0.5) < 1e-6, f"raised scale: expected 0.125, got {scale}")
    rng = np.random.default_rng(0)
    for length in lengths:
        q, k, v = (rng.standard_normal((1, HEADS, length, HEAD_DIM), dtype=np.float32)
                   for _ in range(3))
        output_directory = directory / f"length{length}"
        thresholds = [THRESHOLD + 0.1 * h for h in range(HEADS)]
        harness.run("sprint-sim", stream, *harness.write_inputs(directory, q, k, v),
                    harness.write_thresholds(directory / "thresholds.json", thresholds),
                    f"--output-dir={output_directory}", timeout=1800)
        output = np.load(output_directory / "0.npy")
        report.check(output.shape == q.shape,
                     f"length {length}: expected shape {q.shape}, got {output.shape}")
        # Heads one by one: masks of all of them at once would take a gigabyte.
        for h in range(HEADS):
            head = slice(h, h + 1)
            expected = reference.launch(q[:, head], k[:, head], v[:, head], scale, thresholds[h])
            report.same(f"length {length}, head {h}", output[:, head], expected.output)


def without_parameters(text):
    """A disassembly with the numbers of its static launch parameters blanked; and how many lines
    had any.
    """
    return re.subn(r"parameters\([^)]*\)", lambda m: re.sub(r"\d+", "N", m.group()), text)


def check_static(report, directory):
    model = (harness.EXAMPLES / "sdpa.mlir").read_text()
    texts, sizes = [], []
    for length in (128, 100000):
        path = directory / f"static{length}.mlir"
        path.write_text(re.sub(r"(?<!\d)128(?!\d)", str(length), model))
        stream = directory / f"static{length}.stream"
        texts.append(harness.compile_stream(path, stream))
        sizes.append(stream.stat().st_size)
        report.check(f"queries = {length}" in texts[-1] and f"keys = {length}" in texts[-1],
                     f"static {length}: the disassembly's parameters do not hold the length")
    (short, short_programs), (long, long_programs) = map(without_parameters, texts)
    report.check(short_programs == long_programs == 1,
                 f"expected one program each, got {short_programs} and {long_programs}")
    report.check(short == long, "static compiles for 128 and 100,000 differ beyond `parameters`:\n"
                 + "\n".join(f"  {a}\n  {b}" for a, b in zip(short.splitlines(), long.splitlines())
                             if a != b))
    report.check(sizes[0] == sizes[1],
                 f"expected streams of one size, got {sizes[0]} and {sizes[1]} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--length", type=int, action="append", help="run these lengths instead")
    options = parser.parse_args()
    report = harness.Report()
    with harness.temporary_directory() as name:
        for check in (lambda: check_static(report, pathlib.Path(name)),
                      lambda: check_dynamic(report, pathlib.Path(name),
                                            options.length or LENGTHS)):
            try:
                check()
            except harness.Failure as failure:
                report.fail(str(failure))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
