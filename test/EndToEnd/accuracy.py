#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What sprint-run makes of real tensors: layers 0, 3 and 5 of MiniLM, with all keys kept and with
50 % and 75 % pruned.

Holds the output against a float softmax over exactly the kept keys (2 %; with all kept that is
PyTorch's output), against one over the same 8-bit codes (0.3 %), the pruned fraction against what was
asked for (0.01), and the bytes against the NumPy reference. Prints a table, with the errors of the
paper's widths beside those of the default ones. The dense baseline and the float level are held
against the same outputs.
"""

import json
import pathlib
import sys

import numpy as np

import harness
from sprint import reference
from sprint.reference import Widths

LAYERS = (0, 3, 5)
RATES = (0.5, 0.75)
MODEL = harness.EXAMPLES / "minilm" / "attention.mlir"
DENSE_BOUND = 0.02
CODES_BOUND = 0.003
RATE_BOUND = 0.01
FLOAT_BOUND = 1e-5


class Run:
    """One run of sprint-run on a layer."""

    def __init__(self, layer, scale, arch="s", rate=None):
        paths = {name: MODEL.parent / f"layer{layer}_{name}.npy" for name in "qkvo"}
        q, k, v, self.dense = (np.load(paths[name]) for name in "qkvo")
        with harness.temporary_directory() as name:
            directory = pathlib.Path(name)
            harness.run("sprint-run", MODEL, f"--arch={arch}",
                        "--threshold=-inf" if rate is None else f"--prune-rate={rate}",
                        *(f"--input={paths[name]}" for name in "qkv"),
                        f"--output-dir={directory}", f"--stats={directory / 'stats.json'}",
                        f"--dump-masks={directory / 'masks.npy'}")
            self.output = np.load(directory / "0.npy")
            self.masks = np.load(directory / "masks.npy")
            self.stats = json.loads((directory / "stats.json").read_text())
        thresholds = self.stats["attentions"][0]["thresholds"]
        # JSON has no infinity: what keeps everything may be given as nothing at all.
        thresholds = [-np.inf if t is None else float(t) for t in thresholds]
        widths = Widths.paper() if arch == "s-paper-widths" else Widths.default()
        self.expected = reference.launch(q, k, v, scale, thresholds, widths=widths)
        codes = (self.expected.query, self.expected.key, self.expected.value)
        self.dense_error = reference.relative_error(self.output, self.dense)
        self.codes_error = reference.relative_error(
            self.output, reference.softmax_over_codes(*codes, scale, self.masks))
        self.kept_error = reference.relative_error(self.output,
                                                   masked_softmax(q, k, v, scale, self.masks))
        self.pruned = 1 - self.masks.mean()


def masked_softmax(q, k, v, scale, kept):
    """Float attention of one batch element over the kept keys."""
    logits = np.where(kept, q[0].astype(np.float64) @ k[0].transpose(0, 2, 1) * scale, -np.inf)
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (exponents / exponents.sum(axis=-1, keepdims=True) @ v[0])[None]


def check_others(report, layer, scale):
    """The dense baseline's bytes, and the float level."""
    paths = {name: MODEL.parent / f"layer{layer}_{name}.npy" for name in "qkvo"}
    q, k, v, dense = (np.load(paths[name]) for name in "qkvo")
    inputs = [f"--input={paths[name]}" for name in "qkv"]
    with harness.temporary_directory() as name:
        harness.run("sprint-run", MODEL, "--schedule=dense", *inputs, f"--output-dir={name}")
        report.same(f"layer {layer}, dense baseline", np.load(pathlib.Path(name) / "0.npy"),
                    reference.launch(q, k, v, scale, dense=True).output)
        harness.run("sprint-run", MODEL, "--level=attention", *inputs, f"--output-dir={name}")
        error = reference.relative_error(np.load(pathlib.Path(name) / "0.npy"), dense)
        report.check(error < FLOAT_BOUND, f"layer {layer}, floats: expected an error below "
                                          f"{FLOAT_BOUND}, got {error}")


def main():
    report = harness.Report()
    try:
        scale = harness.raised_scale(MODEL)
    except harness.Failure as failure:
        report.fail(str(failure))
        return report.exit_code()
    report.check(abs(scale - 32**-0.5) < 1e-6, f"raised scale: expected 32^-0.5, got {scale}")
    print("| layer | asked for | pruned | error against dense floats | against the kept keys "
          "| against softmax over the codes | paper's widths: against dense | against codes |")
    print("| --- " * 8 + "|")
    for layer in LAYERS:
        check_others(report, layer, scale)
        for rate in (None, *RATES):
            what = f"layer {layer}, " + ("all kept" if rate is None else f"prune rate {rate}")
            try:
                run = Run(layer, scale, rate=rate)
                paper = Run(layer, scale, "s-paper-widths", rate)
            except harness.Failure as failure:
                report.fail(f"{what}: {failure}")
                continue
            print(f"| {layer} | {'all kept' if rate is None else rate} | {run.pruned:.4f} "
                  f"| {run.dense_error:.3%} | {run.kept_error:.3%} "
                  f"| {run.codes_error:.4%} "
                  f"| {paper.dense_error:.2%} | {paper.codes_error:.2%} |", flush=True)
            report.check(run.codes_error < CODES_BOUND,
                         f"{what}: expected an error below {CODES_BOUND:.1%} against the softmax "
                         f"over the codes, got {run.codes_error:.4%}")
            report.check(run.kept_error < DENSE_BOUND,
                         f"{what}: expected an error below {DENSE_BOUND:.0%} against the floats' "
                         f"softmax over the kept keys, got {run.kept_error:.3%}")
            if rate is None:
                report.check(run.dense_error < DENSE_BOUND,
                             f"{what}: expected an error below {DENSE_BOUND:.0%} against the dense "
                             f"output, got {run.dense_error:.3%}")
            report.check(abs(run.pruned - (rate or 0)) <= (RATE_BOUND if rate else 0),
                         f"{what}: expected a pruned fraction of {rate or 0}, got {run.pruned}")
            for name, one in (("default", run), ("paper", paper)):
                report.same(f"{what}, {name} widths: output", one.output, one.expected.output)
                report.same(f"{what}, {name} widths: masks", one.masks, one.expected.kept)
                reported = one.stats["pruned_fraction"]
                report.check(abs(reported - one.pruned) < 1e-9,
                             f"{what}, {name} widths: expected pruned_fraction {one.pruned}, as in "
                             f"the masks, got {reported}")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
