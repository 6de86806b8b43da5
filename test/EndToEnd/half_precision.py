#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A masked model costs the same in f16, bf16 and f32: what masks in the arithmetic of one type is no
number to count with in another.

Models of one set of weights, eager and by scaled_dot_product_attention, padded left and right, and
attentions written by hand whose masks are constants that a type absorbs. With every key kept the
result is PyTorch's, or NumPy's, in the same type; with half of the allowed scores dropped, each
attention's pruned fraction and cycles are those of f32 within 0.02 and 2 %.
"""

import json
import os
import pathlib
import unittest

import numpy as np

import harness
import spelled_attention
import spelling_axes

RATE = 0.5
FRACTION_BOUND = 0.02
CYCLES_BOUND = 0.02
VALUE_BOUNDS = {"f32": 0.02, "f16": 0.02, "bf16": 0.05}
PADDINGS = ("left", "right")
SIZES = {"vocab_size": 96}
#: Small, with more than one head and layer.
MODELS = {
    "llama": {**SIZES, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
              "num_key_value_heads": 2, "intermediate_size": 96, "max_position_embeddings": 64},
    "gpt2": {**SIZES, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 64,
             "bos_token_id": 1, "eos_token_id": 2},
    "bert": {**SIZES, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
             "intermediate_size": 96, "max_position_embeddings": 64},
}
ATTENTIONS = 2
BATCH, LENGTH = 3, 48


class Costs(unittest.TestCase):
    """Runs a model in several types and compares what it costs."""

    def setUp(self):
        temporary = harness.temporary_directory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def statistics(self, model, inputs, *options):
        path = self.folder / "stats.json"
        harness.run("sprint-run", model, *(f"--input={i}" for i in inputs), f"--stats={path}",
                    *options)
        return json.loads(path.read_text())

    def check_values(self, kind, model, inputs, references):
        out = self.folder / "out"
        self.statistics(model, inputs, "--threshold=-inf", f"--output-dir={out}")
        for number, reference in enumerate(references):
            actual = np.load(out / f"{number}.npy").astype(np.float64)
            error = np.linalg.norm(actual - reference) / np.linalg.norm(reference)
            self.assertLess(error, VALUE_BOUNDS[kind], f"result {number}")

    def check_costs(self, costs, attentions):
        """`costs` are the statistics of each type; those of f32 come first."""
        expected = costs["f32"]["attentions"]
        self.assertEqual(len(expected), attentions, "attentions on the device in f32")
        for kind, statistics in costs.items():
            with self.subTest(type=kind):
                self.assertEqual(len(statistics["attentions"]), attentions,
                                 "attentions on the device")
                for want, got in zip(expected, statistics["attentions"]):
                    self.assertEqual(got["allowed_scores"], want["allowed_scores"],
                                     "allowed scores")
                    self.assertAlmostEqual(got["pruned_fraction"], want["pruned_fraction"],
                                           delta=FRACTION_BOUND, msg="pruned fraction")
                    self.assertAlmostEqual(got["cycles"], want["cycles"],
                                           delta=CYCLES_BOUND * want["cycles"], msg="cycles")


class HandWritten(Costs):
    """Attentions whose masks are constants that are added, or stand for the scores."""

    MASKS = ("1e4", "lowest", "select-1e4")

    def test_masks(self):
        for mask in self.MASKS:
            for side in PADDINGS:
                with self.subTest(mask=mask, padding=side):
                    self.check(f"pad-{side}-{mask}")

    def check(self, mask):
        costs = {}
        for kind in spelling_axes.AXES["type"]:
            element = kind.split("-")[0]
            # The lowest bf16 as text.
            here = mask.replace("lowest", "3e38") if element == "bf16" else mask
            spelling = {**spelling_axes.default(), "sizes": "long", "type": kind, "mask": here}
            # The name gives the inputs.
            case = spelled_attention.case(mask, spelling)
            model = self.folder / "model.mlir"
            model.write_text(case.text)
            inputs = []
            for number, array in enumerate(case.inputs):
                inputs.append(self.folder / f"{number}.npy")
                np.save(inputs[-1], array.astype(np.float32) if array.dtype == np.float64
                        else array)
            with self.subTest(type=kind):
                self.check_values(element, model, inputs, case.results)
            costs[kind] = self.statistics(model, inputs, f"--prune-rate={RATE}")
        self.assertEqual(costs["f32"]["allowed_scores"], case.allowed_scores, "in f32")
        self.check_costs(costs, 1)


class Models(Costs):
    """Models of transformers."""

    def test_llama(self):
        self.check("llama")

    def test_gpt2(self):
        self.check("gpt2")

    def test_bert(self):
        self.check("bert")

    def check(self, model):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        for attention in ("eager", "sdpa"):
            for padding in PADDINGS:
                with self.subTest(attention=attention, padding=padding):
                    self.check_types(model, attention, padding)

    def check_types(self, model, attention, padding):
        costs = {}
        for kind in ("f32", "f16", "bf16"):
            path, folder = self.export(model, attention, padding, kind)
            inputs = sorted(folder.glob("[0-9].npy"))
            with self.subTest(type=kind):
                self.check_values(kind, path, inputs, [np.load(folder / "reference0.npy")])
            costs[kind] = self.statistics(path, inputs, f"--prune-rate={RATE}")
        self.check_costs(costs, ATTENTIONS)

    def export(self, model, attention, padding, kind):
        from sprint.export.exporting import Destination, export
        from sprint.export.inputs import Sizes
        from sprint.export.models import Request, load

        path, folder = self.folder / f"{kind}.mlir", self.folder / kind
        request = Request(model=model, config=dict(MODELS[model]), attention=attention,
                          dtype=kind, sizes=Sizes(BATCH, LENGTH, padding, seed=0))
        export(load(request), Destination(path, folder))
        return path, folder


if __name__ == "__main__":
    if "SPRINT_RUN" in os.environ:
        folder = pathlib.Path(os.environ["SPRINT_RUN"]).parent
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
    unittest.main()
