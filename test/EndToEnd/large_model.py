#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The memory that a model takes on its way, a decoder with nearly all of its parameters in large
weights: export to bytecode takes at most 10 bytes a parameter, and sprint-run, which maps the file,
little more than the 4 that an f32 has. benchmarks/large_model has the same at TinyLlama's sizes.
"""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "large_model"))

import large_model  # noqa: E402
from large_model import Sizes  # noqa: E402

#: What a process takes without a model counts as none of the model's.
SMALL = Sizes(layers=2, hidden=64, intermediate=128, heads=2, key_heads=1, vocabulary=512)
LARGE = Sizes(layers=4, hidden=768, intermediate=2048, heads=12, key_heads=2)
LENGTH = 64
MOST_TO_EXPORT = 10
#: A second copy would make it 8.
MOST_TO_RUN = 6
LARGEST_ERROR = 0.02


class LargeModel(unittest.TestCase):

    def test_memory(self):
        peaks = []
        for sizes in (SMALL, LARGE):
            with tempfile.TemporaryDirectory(prefix="sprint-") as name:
                folder = pathlib.Path(name)
                exported = large_model.export(sizes, LENGTH, folder)
                self.assertIn(f"attentions: {sizes.layers}\n", exported.output)
                self.assertLess((folder / "model.mlirbc").stat().st_size,
                                4 * sizes.parameters() + 100_000)
                ran = large_model.execute(sizes, folder)
                self.assertEqual(ran.output.count("causal"), sizes.layers)
                self.assertLessEqual(large_model.error(ran), LARGEST_ERROR)
                peaks.append((exported.peak, ran.peak))
        parameters = LARGE.parameters() - SMALL.parameters()
        for (small, large), most in zip(zip(*peaks), (MOST_TO_EXPORT, MOST_TO_RUN)):
            print(f"{(large - small) / parameters:.2f} bytes a parameter")
            self.assertLessEqual((large - small) / parameters, most)


if __name__ == "__main__":
    unittest.main()
