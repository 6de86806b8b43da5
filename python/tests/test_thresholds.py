# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Learned thresholds: pruned attention against PyTorch's own, learning against thresholds of one
rate for all heads, and what the command line says of wrong input.
"""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(pathlib.Path(__file__).resolve().parent)]

from sprint.export import cli as export_cli  # noqa: E402
from sprint.thresholds import cli  # noqa: E402
from torch_packages import MISSING, needs_torch  # noqa: E402

if not MISSING:
    import torch

    import export_models
    from sprint.export import models
    from sprint.thresholds import attention, learning

    attend = torch.nn.functional.scaled_dot_product_attention

MODEL = ["export_models:TwoHeads", "--inputs=export_models:tokens"]


@needs_torch
class PrunedAttention(unittest.TestCase):
    """scaled_dot_product_attention with pruning, against PyTorch's."""

    def setUp(self):
        generator = torch.Generator().manual_seed(0)
        self.query = torch.randn(2, 4, 5, 8, generator=generator)
        self.key = torch.randn(2, 4, 7, 8, generator=generator)
        self.value = torch.randn(2, 4, 7, 3, generator=generator)

    def test_multihead_attention(self):
        """Of layers as well, with weights that somebody reads."""
        module = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval()
        layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
        tokens = self.query[:, 0]
        with torch.no_grad():
            expected = (*module(tokens, tokens, tokens), layer(tokens))
            with attention.prune(attention.Pruning()) as heads:
                actual = (*module(tokens, tokens, tokens), layer(tokens))
        self.assertEqual(heads, [2, 2])
        torch.testing.assert_close(actual, expected)
        self.assertTrue(torch.backends.mha.get_fastpath_enabled())

    def check(self, *arguments, **options):
        """Thresholds below every score change nothing, and neither do key offsets."""
        expected = attend(*arguments, **options)
        offset = torch.randn(arguments[1].shape[1], 8, generator=torch.Generator().manual_seed(2))
        everything = [attention.Selection(torch.full((4,), -1e6), offset)]
        for pruning in (attention.Pruning(), attention.HardPruning(everything),
                        attention.SoftPruning(everything, 4.0), attention.Moments()):
            with attention.prune(pruning) as heads:
                actual = torch.nn.functional.scaled_dot_product_attention(*arguments, **options)
            self.assertEqual(heads, [4])
            torch.testing.assert_close(actual, expected)
        self.assertIs(torch.nn.functional.scaled_dot_product_attention, attend)

    def test_plain(self):
        self.check(self.query, self.key, self.value)

    def test_scale(self):
        self.check(self.query, self.key, self.value, scale=0.7)

    def test_causal(self):
        self.check(self.query, self.key, self.value, is_causal=True)

    def test_boolean_mask(self):
        mask = torch.rand(2, 1, 5, 7, generator=torch.Generator().manual_seed(1)) > 0.4
        mask[0, 0, 2] = False
        self.check(self.query, self.key, self.value, attn_mask=mask)

    def test_bias_that_masks(self):
        mask = torch.randn(4, 5, 7, generator=torch.Generator().manual_seed(1))
        mask[:, :, 3] = torch.finfo(torch.float32).min
        mask[:, :, 4] = -torch.inf
        self.check(self.query, self.key, self.value, attn_mask=mask)

    def test_half_precision(self):
        mask = torch.zeros(1, 1, 5, 7, dtype=torch.half)
        mask[..., 6] = torch.finfo(torch.half).min
        self.check(self.query.half(), self.key.half(), self.value.half(), is_causal=True)
        self.check(self.query.half(), self.key.half(), self.value.half(), attn_mask=mask)

    def test_shared_key_heads(self):
        self.check(self.query, self.key[:, :2], self.value[:, :2], enable_gqa=True)

    def test_thresholds(self):
        """Against scores compared one by one; a row whose scores are all too low keeps its best."""
        thresholds = torch.tensor([0.0, 0.5, -1.0, 1e6])
        offset = torch.randn(4, 8, generator=torch.Generator().manual_seed(2))
        scores = self.query @ (self.key + offset[:, None]).transpose(-1, -2) * 8**-0.5
        expected = torch.zeros(2, 4, 5, 3)
        total = 0
        for batch, head, row in np.ndindex(2, 4, 5):
            own = scores[batch, head, row]
            kept = [key for key in range(7) if own[key] >= thresholds[head]]
            kept = kept or [int(own.argmax())]
            weights = torch.exp(own[kept])
            values = self.value[batch, head, kept]
            expected[batch, head, row] = (weights[:, None] * values).sum(0) / weights.sum()
            total += len(kept)
        pruning = attention.HardPruning([attention.Selection(thresholds, offset)])
        with attention.prune(pruning):
            actual = torch.nn.functional.scaled_dot_product_attention(self.query, self.key,
                                                                      self.value)
        torch.testing.assert_close(actual, expected)
        self.assertEqual((pruning.kept, pruning.allowed), (total, 2 * 4 * 5 * 7))

    def test_moments(self):
        moments = attention.Moments()
        for query in self.query.split(1):
            with attention.prune(moments):
                torch.nn.functional.scaled_dot_product_attention(query, self.key[:1],
                                                                 self.value[:1])
        scores = (self.query @ self.key[:1].transpose(-1, -2) * 8**-0.5).transpose(0, 1).flatten(1)
        torch.testing.assert_close(moments.means(), [scores.mean(1)])
        torch.testing.assert_close(moments.deviations(), [scores.std(1, correction=0)])
        self.assertEqual(moments.allowed(), scores.numel())
        torch.testing.assert_close(moments.key_norms(), [self.key[0].square().mean((1, 2)).sqrt()])


@needs_torch
class Learning(unittest.TestCase):

    def setUp(self):
        generator = torch.Generator().manual_seed(0)
        # Tokens have much in common, so that scores differ more from query to query than from key
        # to key.
        inputs = [(torch.randn(1, length, 16, generator=generator) + 1,)
                  for length in (12, 17, 24)]
        model = export_models.TwoHeads().requires_grad_(False)
        self.learner = learning.Learner(lambda tokens: (model(tokens),), inputs)

    def learn(self, steps, **options):
        selections = self.learner.learn(0.75, steps, **options)
        measured = self.learner.measure(selections)
        self.assertAlmostEqual(measured.pruned, 0.75, delta=0.01)
        return selections[0], measured.error

    def test_beats_one_rate_for_all_heads(self):
        """The second head hardly matters to the result, so it is the one to prune."""
        _, same = self.learn(steps=0)
        learned, error = self.learn(steps=60)
        self.assertLess(error, 0.7 * same)
        self.assertGreater(learned.threshold[1], learned.threshold[0])
        self.assertTrue((learned.key_offset == 0).all())

    def test_key_offsets_make_it_better(self):
        _, without = self.learn(steps=60)
        learned, error = self.learn(steps=60, with_key_offsets=True)
        self.assertLess(error, 0.6 * without)
        self.assertEqual(learned.key_offset.shape, (2, 8))


@needs_torch
class CommandLine(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sprint-thresholds-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.output = self.folder / "thresholds.json"
        self.input = self.folder / "input"
        self.input.mkdir()
        np.save(self.input / "0.npy", np.random.default_rng(0).normal(size=(1, 20, 16))
                .astype(np.float32))

    def run_cli(self, *arguments):
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = cli.main([*arguments, "-o", str(self.output)])
        return code, output.getvalue(), errors.getvalue()

    def assert_refused(self, expected, *arguments):
        code, output, errors = self.run_cli(*arguments)
        self.assertEqual((code, output), (1, ""))
        self.assertRegex(errors, rf"\Aerror: [^\n]*{expected}[^\n]*\n\Z")
        self.assertFalse(self.output.exists())

    def test_writes_a_file(self):
        code, output, errors = self.run_cli(*MODEL, f"--input={self.input}", "--prune-rate=0.6",
                                            "--steps=5")
        self.assertEqual((code, errors), (0, ""))
        self.assertRegex(output, r"\Aattentions: 1\npruned: (59\.[5-9]|60\.[0-4])\d %\n"
                         r"error of the results: \d+\.\d\d %\n\Z")
        written = json.loads(self.output.read_text())
        self.assertEqual(written["calibration"], {"prune_rate": 0.6, "inputs": 1})
        self.assertEqual([len(thresholds) for thresholds in written["thresholds"]], [2])

    def test_takes_what_the_exporter_wrote(self):
        """Also where it left an argument out; and nn.MultiheadAttention is attention."""
        model = ["export_models:Layers", "--inputs=export_models:layer_inputs"]
        inputs = self.folder / "inputs"
        with contextlib.redirect_stdout(io.StringIO()) as output:
            code = export_cli.main([*model, "-o", str(self.folder / "model.mlir"),
                                    f"--inputs-dir={inputs}"])
        self.assertEqual(code, 0)
        self.assertIn("no argument: 1,", output.getvalue())
        self.assertEqual(sorted(path.name for path in inputs.iterdir()),
                         ["0.npy", "reference0.npy"])
        code, output, errors = self.run_cli(*model, f"--input={inputs}", "--prune-rate=0.6",
                                            "--steps=5")
        self.assertEqual((code, errors), (0, ""))
        self.assertRegex(output, r"\Aattentions: 2\n")
        self.assertEqual([len(row) for row in json.loads(self.output.read_text())["thresholds"]],
                         [2, 4])

    def test_outputs_destroy_nothing(self):
        before = (self.input / "0.npy").read_bytes()
        self.output = self.input / "0.npy"
        code, _, errors = self.run_cli(*MODEL, f"--input={self.input}", "--prune-rate=0.6")
        self.assertEqual((code, self.output.read_bytes()), (1, before))
        self.assertIn("0.npy: is read as well, and would be replaced", errors)
        self.output = self.folder / "thresholds.json"
        self.assert_refused("is the file of another output", *MODEL, f"--input={self.input}",
                            "--prune-rate=0.6", f"--key-offsets={self.output}")

    def test_key_offsets(self):
        """The exporter puts them into the model, which computes what it did; what pruning makes of
        it is what the command line said.
        """
        offsets = self.folder / "offsets.npz"
        code, output, _ = self.run_cli(*MODEL, f"--input={self.input}", "--prune-rate=0.6",
                                       "--steps=20", f"--key-offsets={offsets}")
        self.assertEqual(code, 0)
        given = models.Request(model=MODEL[0], inputs="export_models:tokens")
        plain = models.load(given).model.module
        given.key_offsets = offsets
        module = models.load(given).model.module
        tokens = torch.from_numpy(np.load(self.input / "0.npy"))
        expected = plain(tokens)[0]
        torch.testing.assert_close(module(tokens)[0], expected)
        thresholds = torch.tensor(json.loads(self.output.read_text())["thresholds"][0])
        pruning = attention.HardPruning([attention.Selection(thresholds, torch.zeros(2, 8))])
        with attention.prune(pruning):
            error = (module(tokens)[0] - expected).norm() / expected.norm()
        self.assertIn(f"pruned: {100 * (1 - pruning.kept / pruning.allowed):.2f} %", output)
        self.assertIn(f"results: {100 * error:.2f} %", output)

    def test_refuses_key_offsets(self):
        path = self.folder / "offsets.npz"
        for arrays, message in (([], "expected key offsets of 1 attentions, got 0|to be enough"),
                                ([np.zeros((2, 8), np.float32)] * 2,
                                 "expected key offsets of 1 attentions, got 2"),
                                ([np.zeros((2, 7), np.float32)],
                                 r"expected key offsets for keys of \[1, 2, 12, 8\] in attention 0, "
                                 r"got \[2, 7\]"),
                                ([np.zeros((2, 8))], "got .2, 8. of float64"),
                                ([np.full((2, 8), np.nan, np.float32)], "of finite float32")):
            np.savez(path, **{str(index): array for index, array in enumerate(arrays)})
            self.assert_export_refused(message, path)
        path.write_bytes(b"PK no archive")
        self.assert_export_refused(r"offsets.npz: expected key offsets, arrays 0, 1, ... in an "
                                   ".npz", path)

    def assert_export_refused(self, message, offsets):
        errors = io.StringIO()
        model = self.folder / "model.mlir"
        with contextlib.redirect_stderr(errors):
            code = export_cli.main([*MODEL, "-o", str(model), f"--key-offsets={offsets}"])
        self.assertEqual(code, 1)
        self.assertRegex(errors.getvalue(), rf"\Aerror: [^\n]*({message})[^\n]*\n\Z")
        self.assertFalse(model.exists())

    def test_refuses(self):
        given = f"--input={self.input}"
        self.assert_refused("--prune-rate: expected a number between 0 and 1, got '1'", *MODEL,
                            given, "--prune-rate=1")
        self.assert_refused("--steps: expected a number, 0 or more, got 'x'", *MODEL, given,
                            "--prune-rate=0.5", "--steps=x")
        self.assert_refused("nowhere: expected 1 files", *MODEL,
                            f"--input={self.folder / 'nowhere'}", "--prune-rate=0.5")
        self.assert_refused("expected attentions by scaled_dot_product_attention, got none",
                            "export_models:Buffered", "--inputs=export_models:tokens", given,
                            "--prune-rate=0.5")

    def test_refuses_arrays(self):
        for array, message in ((np.zeros((1, 20, 16)), "expected 3 dimensions of torch.float32 "
                                "for 0, got 3 of torch.float64"),
                               (np.zeros((20, 16), np.float32), "expected 3 dimensions"),
                               (np.zeros((1, 20, 15), np.float32), "TwoHeads: ")):
            np.save(self.input / "0.npy", array)
            self.assert_refused(message, *MODEL, f"--input={self.input}", "--prune-rate=0.5")
        (self.input / "0.npy").write_bytes(b"no array")
        self.assert_refused("0.npy: ", *MODEL, f"--input={self.input}", "--prune-rate=0.5")


if __name__ == "__main__":
    unittest.main()
