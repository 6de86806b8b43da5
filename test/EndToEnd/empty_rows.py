#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Queries without an allowed key give what the source gives: at the level of attentions, of programs and
on the simulator, those of the NumPy reference; the other rows are not touched.
"""

import dataclasses
import pathlib
import sys

import numpy as np

import harness
from sprint import reference, testing


def compare(job):
    case, level, dynamic, report = job
    what = f"{case.name}, level {level}" + (", dynamic" if dynamic else "")
    expected = case.launch()
    rows = expected.output
    if level == "attention":
        everything = dataclasses.replace(case, thresholds=testing.KEEP_ALL).launch()
        rows = reference.dense_float(case.query, case.key, case.value, case.scale, everything.kept,
                                     case.bias)
    filled, is_empty = case.fill_empty_rows(rows)
    with harness.temporary_directory() as name:
        directory = pathlib.Path(name)
        model = directory / "model.mlir"
        model.write_text(harness.attention_mlir(case, dynamic))
        done = harness.run("sprint-run", model, f"--level={level}",
                           f"--threshold={case.thresholds!r}", f"--output-dir={directory}",
                           *harness.write_inputs(directory, *case.inputs()))
        output = np.load(directory / "0.npy")
    if level == "stream":
        # In those with a mask it is not the bias alone that masks.
        is_finite = np.zeros(1, bool) if case.bias is None else np.isfinite(case.bias).any(axis=3)
        count = np.count_nonzero(is_empty & is_finite)
        said = f"{count} rows without a key, as every finite bias masks" in done.stdout
        others = (case.mask, case.key_valid, case.query_segments)
        report.check(any(mask is not None for mask in others) or said == (count > 0),
                     f"{what}: expected to hear of {count} rows, got {done.stdout}")
    report.check(is_empty.any() and not is_empty.all(), f"{what}: expected both kinds of rows")
    tolerance = 1e-5 if level == "attention" else 0
    for kind, chosen, limit in (("other", ~is_empty, tolerance), ("empty", is_empty, 1e-5)):
        agree = np.isclose(output[chosen], filled[chosen], rtol=0, atol=limit, equal_nan=True)
        report.check(agree.all(), f"{what}: {np.count_nonzero(~agree)} numbers of {kind} rows "
                     "differ")


def main():
    report = harness.Report()
    jobs = [(case, level, dynamic, report) for case in testing.empty_rows()
            for level in ("attention", "scheduled", "stream")
            for dynamic in ((False, True) if level != "scheduled" else (False,))]
    harness.in_parallel(compare, jobs, report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
