#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""sprint-run takes and gives every element type, in tensors and as numbers, and refuses what an
argument does not hold.
"""

import pathlib
import sys

import numpy as np

import harness

#: MLIR's type; what is given, what is expected back. NumPy has no bf16: f32 stands for it.
TYPES = {
    "i1": (np.array([True, False, True]), np.bool_),
    "i8": (np.array([-128, 0, 127], np.int64), np.int8),
    "i16": (np.array([-32768, 1, 32767], np.int32), np.int16),
    "i32": (np.array([-2**31, 2, 2**31 - 1], np.int64), np.int32),
    "i64": (np.array([-2**63, 3, 2**63 - 1], np.int64), np.int64),
    "f16": (np.array([0.1, -65504, 6e-8], np.float32), np.float16),
    "bf16": (np.array([1.0, 1.00390625, 1.01171875], np.float32), np.float32),
    "f32": (np.array([0.1, -2.5, 1e30], np.float64), np.float32),
    "f64": (np.array([0.1, -2.5, 1e300], np.float64), np.float64),
    "complex<f32>": (np.array([0.1 + 2j, -1j, 1e30]), np.complex64),
    "complex<f64>": (np.array([0.1 + 2j, -1j, 1e300]), np.complex128),
}
#: Ties between two bf16, which go to the even one.
ROUNDED_BF16 = np.array([1.0, 1.0, 1.015625], np.float32)
BEYOND = {"i1": 2, "i8": 128, "i16": -32769, "i32": 2**31}
#: An array that an argument does not take, and what the message says of it.
REFUSED = [
    ("f32", np.float32([1]), "expected an array of shape (), got (1,)"),
    ("f32", np.int32(1), "expected numbers that are f32, got int32"),
    ("i32", np.float64(1), "expected numbers that are i32, got float64"),
    ("i8", np.int64(1000), "expected numbers that i8 holds, got 1000"),
    ("index", np.complex64(1), "expected numbers that are index, got complex64"),
    ("tensor<f32>", np.zeros((1, 1), np.float32), "expected an array of shape (), got (1, 1)"),
    ("tensor<2x?xf32>", np.zeros((3, 4), np.float32),
     "expected an array of shape (2, ?), got (3, 4)"),
    ("tensor<3xcomplex<f32>>", np.zeros(3), "expected numbers that are complex<f32>, got float64"),
]


def identity(types):
    """A function that returns its arguments."""
    names = [f"%a{index}" for index in range(len(types))]
    arguments = ", ".join(f"{name}: {kind}" for name, kind in zip(names, types))
    return (f"func.func @main({arguments}) -> ({', '.join(types)}) {{\n"
            f"  return {', '.join(names)} : {', '.join(types)}\n}}\n")


def check_identity(report, directory, what, types, numbers):
    """Runs a function that returns its arguments, and compares them with what is expected."""
    model, output = directory / "model.mlir", directory / what
    model.write_text(identity(types))
    inputs = harness.write_inputs(directory, *(given for given, _ in numbers))
    harness.run("sprint-run", model, *inputs, f"--output-dir={output}")
    for index, (kind, (_, expected)) in enumerate(zip(types, numbers)):
        report.same(f"{what}, {kind}", np.load(output / f"{index}.npy"), expected)


def main():
    report = harness.Report()
    with harness.temporary_directory() as name:
        directory = pathlib.Path(name)
        arrays = [(given, ROUNDED_BF16 if kind == "bf16" else given.astype(expected))
                  for kind, (given, expected) in TYPES.items()]
        check_identity(report, directory, "tensors", [f"tensor<3x{kind}>" for kind in TYPES],
                       arrays)
        # Numbers are arrays without dimensions, in tensors and on their own.
        numbers = [(given[1], np.asarray(expected[1])) for given, expected in arrays]
        check_identity(report, directory, "tensors of rank 0",
                       [f"tensor<{kind}>" for kind in TYPES], numbers)
        check_identity(report, directory, "numbers", [*TYPES, "index"],
                       [*numbers, (np.int32(-7), np.asarray(-7))])

        model = directory / "model.mlir"
        for kind, number in BEYOND.items():
            model.write_text(identity([f"tensor<3x{kind}>"]))
            inputs = harness.write_inputs(directory, np.array([0, number, 0]))
            refused = harness.run("sprint-run", model, *inputs, check=False)
            report.check(refused.returncode == 1 and f"got {number}" in refused.stderr,
                         f"{kind}: expected {number} to be refused, got {refused.stderr!r}")
        for kind, array, message in REFUSED:
            model.write_text(identity(["i64", kind]))
            inputs = harness.write_inputs(directory, np.int64(1), array)
            refused = harness.run("sprint-run", model, *inputs, check=False)
            expected = f"input1.npy: {message} (argument 1 of 'main', a {kind})\n"
            report.check(refused.returncode == 1 and refused.stderr.endswith(expected),
                         f"{kind}: expected {expected!r}, got {refused.stderr!r}")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
