#!/usr/bin/env python3
# Part of the Sprint project.
"""sprint-run takes and gives every element type, and refuses numbers that a type does not hold."""

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
}
#: Ties between two bf16, which go to the even one.
ROUNDED_BF16 = np.array([1.0, 1.0, 1.015625], np.float32)
BEYOND = {"i1": 2, "i8": 128, "i16": -32769, "i32": 2**31}


def identity(types):
    """A function that returns its arguments."""
    tensors = [f"tensor<3x{kind}>" for kind in types]
    names = [f"%a{index}" for index in range(len(types))]
    arguments = ", ".join(f"{name}: {tensor}" for name, tensor in zip(names, tensors))
    return (f"func.func @main({arguments}) -> ({', '.join(tensors)}) {{\n"
            f"  return {', '.join(names)} : {', '.join(tensors)}\n}}\n")


def main():
    report = harness.Report()
    with harness.temporary_directory() as name:
        directory = pathlib.Path(name)
        model = directory / "model.mlir"
        model.write_text(identity(TYPES))
        inputs = harness.write_inputs(directory, *(given for given, _ in TYPES.values()))
        harness.run("sprint-run", model, *inputs, f"--output-dir={directory / 'out'}")
        for index, (kind, (given, expected)) in enumerate(TYPES.items()):
            wanted = ROUNDED_BF16 if kind == "bf16" else given.astype(expected)
            report.same(kind, np.load(directory / "out" / f"{index}.npy"), wanted)

        for kind, number in BEYOND.items():
            model.write_text(identity([kind]))
            inputs = harness.write_inputs(directory, np.array([0, number, 0]))
            refused = harness.run("sprint-run", model, *inputs, check=False)
            report.check(refused.returncode == 1 and f"got {number}" in refused.stderr,
                         f"{kind}: expected {number} to be refused, got {refused.stderr!r}")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
