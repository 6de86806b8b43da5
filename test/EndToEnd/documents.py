#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Packed sequences from torch's text to the simulated value: each query attends to the keys of its
own document, and nothing of the size queries times keys is left.
"""

import json
import pathlib
import sys

import numpy as np

import harness
from sprint import reference, testing
from sprint.reference import Band

#: scaled_dot_product_attention with the mask `ids[:, :, None] == ids[:, None, :]`, ids of i64, and with
#: a triangle beside, as torch-mlir prints them.
MODELS = {"documents": None, "documents_causal": Band(upper=0)}
INPUTS = harness.ROOT / "test" / "Inputs"


def run(directory, model, case, ids, *options, **how):
    return harness.run("sprint-run", INPUTS / f"{model}.mlir", f"--output-dir={directory}",
                       *options,
                       *harness.write_inputs(directory, case.query, case.key, case.value, ids),
                       **how)


def check_model(job):
    name, band, report = job
    # Ids that tell documents apart by more than their last bits.
    ids = np.array([[7] * 9 + [-3] * 30 + [7] * 9, [2**31 - 1] * 20 + [-2**31] * 28], np.int64)
    case = testing.random_case(name, 4, 48, 48, 32, batches=2, band=band, thresholds=0.5)
    case.query_segments = case.key_segments = ids.astype(np.int32)
    case.scale = harness.raised_scale(INPUTS / f"{name}.mlir")
    raised = harness.run("sprint-opt", "--convert-linalg-to-sprint", INPUTS / f"{name}.mlir").stdout
    report.check("48x48" not in raised, f"{name}: a tensor of queries times keys is left")
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        done = run(directory, name, case, ids, "--threshold=-inf",
                   f"--stats={directory / 'stats.json'}")
        kind = "causal+documents" if band else "documents"
        report.check(f" {kind} " in done.stdout, f"{name}: expected {kind}, got {done.stdout}")
        stats = json.loads((directory / "stats.json").read_text())
        report.check(stats["host_quadratic_bytes"] == 0, f"{name}: expected nothing quadratic")
        report.check(stats["attentions"][0]["inputs"] == ["query_segments", "key_segments"],
                     f"{name}: inputs {stats['attentions'][0]['inputs']}")
        allowed = case.launch(dense=True).kept
        floats = reference.dense_float(case.query, case.key, case.value, case.scale, allowed)
        error = reference.relative_error(np.load(directory / "0.npy"), floats)
        report.check(error < 0.02, f"{name}: error {error}")

        expected = case.launch()
        for level in ("scheduled", "tiled", "stream"):
            for options in (["--threshold=0.5"], ["--schedule=dense"]):
                run(directory, name, case, ids, f"--level={level}", *options)
                wanted = expected if options == ["--threshold=0.5"] else case.launch(dense=True)
                report.same(f"{name}, level {level}, {options}", np.load(directory / "0.npy"),
                            wanted.output)

        # Equal in the lowest 32 bits.
        ids[0, 0] += 2**32
        refused = run(directory, name, case, ids, "--threshold=0.5", check=False)
        report.check(refused.returncode == 1 and
                     "expected segments that 32 bits hold" in refused.stderr,
                     f"{name}: expected ids of 33 bits to be refused, got {refused.stderr}")


def main():
    report = harness.Report()
    harness.in_parallel(check_model, [(*model, report) for model in MODELS.items()], report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
