#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model of each producer but PyTorch, from its own form through sprint.export and sprint-run:
every attention runs on the device, and with every key kept results are within 2 % of what the
producer, or the formula, computes.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
EXAMPLES = ROOT / "examples" / "producers"
ERROR_BOUND = 0.02


def attention(query, key, value):
    """The formula, in f64."""
    query, key, value = (array.astype(np.float64) for array in (query, key, value))
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1])
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True) @ value


class Producers(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sprint-producers-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.inputs = self.folder / "inputs"

    def export(self, *options):
        subprocess.run([sys.executable, "-m", "sprint.export", *map(str, options), "-o",
                        str(self.folder / "model.mlir")], check=True, cwd=ROOT,
                       env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
                       stdout=subprocess.DEVNULL)

    def heads(self, *shape):
        """Writes a query, a key and a value, and what their attention is."""
        self.inputs.mkdir()
        generator = np.random.default_rng(0)
        arrays = [generator.standard_normal(shape).astype(np.float32) for _ in range(3)]
        for index, array in enumerate(arrays):
            np.save(self.inputs / f"{index}.npy", array)
        np.save(self.inputs / "reference0.npy", attention(*arrays))

    def check(self):
        """Runs the model, whose one attention must be on the device."""
        stats = self.folder / "stats.json"
        done = subprocess.run(
            [os.environ["SPRINT_RUN"], str(self.folder / "model.mlir"), f"--input={self.inputs}",
             "--threshold=-inf", f"--output-dir={self.folder / 'out'}", f"--stats={stats}"],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        expected = np.load(self.inputs / "reference0.npy")
        error = np.linalg.norm(np.load(self.folder / "out" / "0.npy") - expected)
        self.assertLess(error, ERROR_BOUND * np.linalg.norm(expected))
        statistics = json.loads(stats.read_text())
        self.assertEqual(len(statistics["attentions"]), 1, done.stderr)
        return statistics["attentions"][0]

    def test_jax(self):
        self.export("examples.producers.jax_layer:layer", "--from=jax",
                    "--inputs=examples.producers.jax_layer:example", f"--inputs-dir={self.inputs}")
        launch = self.check()
        heads = launch["batches"] * launch["heads"]
        self.assertEqual((heads, launch["queries"], launch["inputs"]), (8, 48, []))

    def test_onnx(self):
        import onnx
        from sprint.zoo import onnx_forms

        model = self.folder / "model.onnx"
        onnx.save(onnx_forms.FORMS["projections"].model(), model)
        self.export(model, f"--inputs-dir={self.inputs}")
        self.check()

    def test_stablehlo(self):
        import jax

        self.heads(2, 4, 24, 16)
        text = jax.jit(lambda query, key, value: jax.nn.softmax(
            query @ key.swapaxes(-1, -2) / 4.0) @ value).lower(
                *(np.load(self.inputs / f"{index}.npy") for index in range(3))).as_text()
        (self.folder / "stablehlo.mlir").write_text(text)
        self.export(self.folder / "stablehlo.mlir")
        self.check()

    def test_tosa(self):
        self.heads(4, 24, 16)
        self.export(EXAMPLES / "tosa.mlir")
        self.check()

    def test_softmax_by_mlir(self):
        self.heads(4, 24, 16)
        self.export(EXAMPLES / "softmax.mlir")
        self.check()

    def test_softmax_by_iree(self):
        for tool in ("iree", "iree-fused"):
            with self.subTest(tool):
                if not self.inputs.exists():
                    self.heads(4, 24, 16)
                self.export(EXAMPLES / "softmax.mlir", f"--softmax={tool}")
                self.check()


if __name__ == "__main__":
    unittest.main()
