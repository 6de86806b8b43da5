#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Thresholds that sprint-run calibrates on several inputs suit all of them together.

A model of dynamic length runs on three inputs. What the thresholds that it wrote keep is counted by
the NumPy reference: of each head's scores over all inputs for a prune rate, of each head's softmax
for a mass to keep. The same file gives the same bytes when it is read again. Masks
that a model adds at run time prune no less of the other scores than boolean ones.
"""

import dataclasses
import json
import pathlib
import sys

import numpy as np

import harness
from sprint import reference, testing

HEADS = 3
LENGTHS = (40, 64, 97)
RATE = 0.5
MASS = 0.9
#: One score of a head's is about 1 / 15,000 of them; thresholds of several inputs have 10 bits.
RATE_TOLERANCE = 0.01


def make_cases():
    return [testing.random_case(f"length{length}", HEADS, length, length, 32, seed=length)
            for length in LENGTHS]


def read(path, kind, fraction, report):
    """The thresholds of a file, which has to say what it is."""
    written = json.loads(path.read_text())
    report.check(written["attentions"] == ["attention"], f"{path.name}: expected the program's name")
    report.check(written["calibration"] == {kind: fraction, "inputs": len(LENGTHS)},
                 f"{path.name}: expected what was asked for, got {written['calibration']}")
    return written["thresholds"][0]


def kept_mass(case, kept):
    """The part of each row's softmax on its kept keys, `[heads, queries]`, of exact scores of the
    codes.
    """
    query, key = (reference.quantize(tensor) for tensor in (case.query, case.key))
    logits = case.scale * np.einsum(
        "bhic,bhjc->bhij", query.codes.astype(float) * query.steps[..., None, None],
        key.codes.astype(float) * key.steps[..., None, None])[0]
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (weights * kept).sum(axis=-1) / weights.sum(axis=-1)


def check_added_masks(report):
    """A bias of any number that masks half of the keys is as good as a boolean mask."""
    layer = [np.load(harness.EXAMPLES / "minilm" / f"layer3_{name}.npy") for name in "qkv"]
    case = testing.Case("layer3", *layer, scale=32.0**-0.5)
    kept = np.random.default_rng(1).random(layer[1].shape[2]) < 0.5

    def run(**masks):
        masked = dataclasses.replace(case, **masks)
        with harness.temporary_directory() as name:
            directory = pathlib.Path(name)
            model = directory / "model.mlir"
            model.write_text(harness.attention_mlir(masked))
            harness.run("sprint-run", model, f"--prune-rate={RATE}", f"--output-dir={directory}",
                        f"--stats={directory / 'stats.json'}",
                        *harness.write_inputs(directory, *masked.inputs()))
            return np.load(directory / "0.npy"), json.loads((directory / "stats.json").read_text())

    expected, boolean = run(mask=kept[None, None, None])
    for number in (-1e4, -1e9, -np.inf, np.finfo(np.float32).min):
        bias = np.where(kept, np.float32(0), np.float32(number))
        output, stats = run(bias=bias[None, None, None])
        what = f"mask of {number:g} added"
        report.same(what, output, expected)
        report.check(abs(stats["pruned_fraction"] - RATE) < 0.02,
                     f"{what}: expected to prune {RATE}, got {stats['pruned_fraction']}")
        for key in ("allowed_scores", "kept_scores", "fetched_bytes"):
            report.check(stats[key] == boolean[key],
                         f"{what}: {key}: expected {boolean[key]}, got {stats[key]}")
        report.check(abs(stats["cycles"] / boolean["cycles"] - 1) < 0.02,
                     f"{what}: expected {boolean['cycles']} cycles, got {stats['cycles']}")


def main():
    report = harness.Report()
    check_added_masks(report)
    cases = make_cases()
    with harness.temporary_directory() as name:
        directory = pathlib.Path(name)
        model = directory / "model.mlir"
        model.write_text(harness.attention_mlir(cases[0], dynamic=True))
        inputs = []
        for case in cases:
            folder = directory / case.name
            folder.mkdir()
            for index, tensor in enumerate(case.inputs()):
                np.save(folder / f"{index}.npy", tensor)
            inputs.append(f"--input={folder}")

        def run(output, *options):
            harness.run("sprint-run", model, *inputs, f"--output-dir={directory / output}",
                        f"--stats={directory / output}.json", *options)
            return [np.load(directory / output / str(index) / "0.npy")
                    for index in range(len(cases))]

        for kind, fraction in (("prune_rate", RATE), ("keep_mass", MASS)):
            file = directory / f"{kind}-thresholds.json"
            outputs = run(kind, f"--{kind.replace('_', '-')}={fraction}", f"--calibrate={file}")
            thresholds = read(file, kind, fraction, report)
            launches = [reference.launch(case.query, case.key, case.value, case.scale, thresholds)
                        for case in cases]
            for index, (output, launch) in enumerate(zip(outputs, launches)):
                report.same(f"{kind}, run {index}", output, launch.output)
            kept = [launch.kept.reshape(HEADS, length, length)
                    for launch, length in zip(launches, LENGTHS)]
            if kind == "prune_rate":
                rates = 1 - sum(mask.sum(axis=(1, 2)) for mask in kept) / \
                    sum(length**2 for length in LENGTHS)
                report.check(np.abs(rates - RATE).max() < RATE_TOLERANCE,
                             f"expected every head to drop {RATE}, got {rates}")
            else:
                masses = np.concatenate([kept_mass(case, mask)
                                         for case, mask in zip(cases, kept)], axis=1).mean(axis=1)
                report.check(masses.min() >= MASS and masses.max() < MASS + 0.02,
                             f"expected every head to keep {MASS} and hardly more, got {masses}")
            for index, (output, again) in enumerate(
                    zip(outputs, run("again", f"--thresholds={file}"))):
                report.same(f"{kind}, run {index}, thresholds read again", again, output)

        stats = json.loads((directory / "again.json").read_text())
        report.check([launch["run"] for launch in stats["attentions"]] == [0, 1, 2],
                     "expected a launch of each run in the statistics")
        other = directory / "other.json"
        other.write_text(json.dumps({"thresholds": [[0.0]], "attentions": ["another"]}))
        refused = harness.run("sprint-run", model, *inputs, f"--thresholds={other}", check=False)
        report.check(refused.returncode == 1 and "other.json" in refused.stderr,
                     f"expected thresholds of another model to be refused, got {refused.stderr}")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
