# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The NumPy reference against a scalar one, against the float softmax on real tensors, and against
its own mutations.
"""

import dataclasses
import itertools
import pathlib
import re
import sys
import unittest
from fractions import Fraction

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(pathlib.Path(__file__).resolve().parent)]

import scalar  # noqa: E402
from sprint import exponent_tables, reference, testing  # noqa: E402
from sprint.reference import Band, Widths  # noqa: E402

MINILM = ROOT / "examples" / "minilm"
#: Both factors of the exported scale, sqrt(sqrt(1 / 32)), squared.
MINILM_SCALE = 32.0**-0.5
PRESETS = {"default": Widths.default(), "paper": Widths.paper()}


def minilm_layer(layer):
    return [np.load(MINILM / f"layer{layer}_{name}.npy") for name in "qkvo"]


def tiny_cases():
    """Cases whose every number the scalar implementation can afford."""
    bands = {
        "none": None,
        "causal": Band(upper=0),
        "window": Band(lower=-2, upper=1),
        "end": Band(upper=0, align="end"),
        "empty": Band(lower=9, upper=9),
    }
    cases = [testing.random_case(f"tiny_{name}", 2, 5, 4, 3, value_dim=2, batches=2, band=band)
             for name, band in bands.items()]
    cases += [testing.random_case("tiny_wide", 1, 4, 30, 20, thresholds=theta, seed=seed)
              for theta in (-0.5, 0.5, 2.0, 1e30, -np.inf) for seed in (6, 7)]
    return cases + tiny_masks() + testing.roundings()


def tiny_masks():
    """Masks and biases of every shape, with 4 heads that share 2 key heads."""
    rng = np.random.default_rng(11)
    cases = []
    shapes = list(itertools.product((1, 2), (1, 4), (1, 5)))
    for index, shape in enumerate(shapes):
        case = testing.random_case(f"tiny_masks_{index}", 4, 5, 9, 3, value_dim=2, batches=2,
                                   seed=index, key_heads=2,
                                   band=Band(lower=-3) if index % 2 else None)
        if index % 3:
            case.key_valid = testing.padding([index % 9, 9], 9)
        case.mask = rng.random(shape + (9,)) < 0.7
        if index:
            case.bias = rng.standard_normal(shapes[-index] + (9,)).astype(np.float32) * 4
            case.bias[rng.random(case.bias.shape) < 0.2] = rng.choice([-np.inf, -1e38, -(2.0**20)])
        cases.append(case)
    return cases


class AgainstScalar(unittest.TestCase):
    def test_every_number(self):
        for preset, widths in PRESETS.items():
            for case in tiny_cases():
                with self.subTest(case=case.name, widths=preset):
                    self.check(case, widths)

    def check(self, case, widths):
        got = case.launch(widths=widths)
        batches, heads, queries, _ = case.query.shape
        key_heads, keys = case.key.shape[1:3]
        whole = (batches, heads, queries, keys)
        offset = keys - queries if case.band and case.band.align == "end" else 0
        lower = -10**9 if not case.band or case.band.lower is None else case.band.lower
        upper = 10**9 if not case.band or case.band.upper is None else case.band.upper
        thetas = np.broadcast_to(np.asarray(case.thresholds, np.float32), heads)
        mask = None if case.mask is None else np.broadcast_to(case.mask, whole).tolist()
        bias = None if case.bias is None else np.broadcast_to(case.bias, whole).tolist()
        for b, h in np.ndindex(batches, heads):
            g = h * key_heads // heads

            def allows(i, j):
                return (lower <= j - i - offset <= upper and (not mask or mask[b][h][i][j]) and
                        (case.key_valid is None or bool(case.key_valid[b, j])) and
                        (case.query_segments is None or
                         int(case.query_segments[b, i]) == int(case.key_segments[b, j])))

            outputs, codes, masks, retries = scalar.head(
                case.query[b, h].tolist(), case.key[b, g].tolist(), case.value[b, g].tolist(),
                case.scale, float(thetas[h]), allows,
                (lambda i, j: bias[b][h][i][j]) if bias else None, widths)
            self.assertEqual(got.kept[b * heads + h].tolist(), masks)
            self.assertEqual(got.retries[b * heads + h].tolist(), retries)
            self.assertEqual(got.codes[b, h].tolist(), codes)
            actual = [[Fraction(x) for x in row] for row in got.output[b, h].tolist()]
            self.assertEqual(actual, outputs)


class Tables(unittest.TestCase):
    def test_reference_holds_the_rounded_exponentials(self):
        self.assertEqual(list(exponent_tables.HIGH), scalar.H)
        self.assertEqual(list(exponent_tables.LOW), scalar.L)

    def test_runtime_holds_the_same_numbers(self):
        header = ROOT / "runtime" / "include" / "SprintRuntime" / "ExponentTables.h"
        text = re.sub(r"//.*", "", header.read_text())
        tables = [[int(n) for n in re.findall(r"\d+", body)]
                  for body in re.findall(r"=\s*\{+([\d\s,]+)\}", text)]
        self.assertEqual(tables, [scalar.H, scalar.L])


class Mutations(unittest.TestCase):
    """A change of any one rounding shows in the bytes of the output, or in what is kept."""

    def test_each_mutation_shows(self):
        def bits(got):
            return got.output.tobytes(), got.kept.tobytes()

        cases = testing.roundings()
        right = {(case.name, preset): bits(case.launch(widths=widths))
                 for case in cases for preset, widths in PRESETS.items()}
        for name, rounding in reference.mutations():
            with self.subTest(mutation=name):
                self.assertTrue(any(
                    bits(case.launch(widths=widths, rounding=rounding)) != right[case.name, preset]
                    for case in cases for preset, widths in PRESETS.items()))

    def test_unknown_choice_is_refused(self):
        with self.assertRaisesRegex(ValueError, "expected code in .* got 'half_odd'"):
            reference.Rounding(code="half_odd")


class EmptyRows(unittest.TestCase):
    def test_logits_are_those_of_the_type(self):
        rng = np.random.default_rng(16)
        query = (6 * rng.standard_normal((1, 2, 9, 4))).astype(np.float16)
        key, value = rng.standard_normal((2, 1, 2, 30, 4)).astype(np.float16)
        scale = np.float16(0.5)
        with np.errstate(over="ignore"):
            for masked in (np.float16(-1e4), np.float16(-65504)):
                scores = (query.astype(np.float32) @ key.astype(np.float32).swapaxes(2, 3))
                logits = (scores.astype(np.float16) * scale + masked).astype(np.float64)
                self.assertLess(len(np.unique(logits)), 12)
                weights = np.exp(logits - logits.max(axis=3, keepdims=True))
                expected = weights @ value / weights.sum(axis=3, keepdims=True)
                got, is_empty = reference.fill_empty_rows(
                    np.zeros((1, 2, 9, 4), np.float32), *(tensor.astype(np.float32) for tensor in (
                        query, key, value)), 0.5, reference.EmptyRow("nan", float(masked), "f16"),
                    key_valid=np.zeros((1, 30), bool))
                self.assertTrue(is_empty.all())
                np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)

    def test_bf16_rounds_half_to_even(self):
        rounded = reference.EmptyRow("nan", -1.0, "bf16").rounded
        numbers = np.array([-9999, -9952, -10016, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 3.4e38, -np.inf])
        self.assertEqual(rounded(numbers).tolist(),
                         [-9984, -9984, -9984, 1, 1 + 2.0**-6, np.inf, -np.inf])

    def test_biases_that_absorb_the_scores_share_among_the_largest(self):
        case = testing.random_case("absorbed", 1, 4, 6, 8)
        bias = np.full((1, 1, 4, 6), np.finfo(np.float32).min)
        bias[..., ::2] /= 2
        bias[:, :, 1] = -np.inf
        bias[:, :, 2, 3] = 0
        case.bias = bias
        for kind, nothing in (("zero", 0), ("nan", np.nan)):
            case.empty_row = reference.EmptyRow(kind, -np.inf)
            got, is_empty = case.fill_empty_rows(np.ones((1, 1, 4, 8), np.float32))
            self.assertEqual(is_empty[0, 0].tolist(), [True, True, False, True])
            mean = case.value[0, 0, ::2].mean(axis=0)
            np.testing.assert_allclose(got[0, 0, [0, 3]], [mean, mean], atol=1e-6)
            np.testing.assert_array_equal(got[0, 0, 1], np.full(8, nothing))
            np.testing.assert_array_equal(got[0, 0, 2], 1)


class AgainstFloats(unittest.TestCase):
    def test_keeping_all_is_the_dense_output(self):
        for layer in (0, 3, 5):
            q, k, v, o = minilm_layer(layer)
            got = reference.launch(q, k, v, MINILM_SCALE)
            over_codes = reference.softmax_over_codes(got.query, got.key, got.value, MINILM_SCALE)
            with self.subTest(layer=layer):
                self.assertLess(reference.relative_error(
                    reference.dense_float(q, k, v, MINILM_SCALE), o), 1e-5)
                self.assertLess(reference.relative_error(got.output, o), 0.02)
                self.assertLess(reference.relative_error(got.output, over_codes), 0.003)
                self.assertEqual(got.pruned_fraction, 0)

    def test_pruning_is_the_softmax_over_kept_keys(self):
        q, k, v, _ = minilm_layer(3)
        got = reference.launch(q, k, v, MINILM_SCALE, thresholds=1.0)
        self.assertGreater(got.pruned_fraction, 0.3)
        over_codes = reference.softmax_over_codes(got.query, got.key, got.value, MINILM_SCALE,
                                                  got.kept)
        self.assertLess(reference.relative_error(got.output, over_codes), 0.003)

    def test_masks_and_biases_are_the_softmax_over_kept_keys(self):
        for case in testing.masks():
            with self.subTest(case=case.name):
                got = case.launch()
                over_codes = reference.softmax_over_codes(got.query, got.key, got.value, case.scale,
                                                          got.kept, case.bias)
                self.assertLess(reference.relative_error(got.output, over_codes), 0.003)
                dense = case.launch(dense=True)
                floats = reference.dense_float(case.query, case.key, case.value, case.scale,
                                               dense.kept, case.bias)
                self.assertLess(reference.relative_error(dense.output, floats), 0.03)
                self.assertEqual(np.count_nonzero(dense.kept), got.allowed_scores)

    def test_shared_key_heads_are_as_good_as_copies(self):
        shared = testing.random_case("shared", 6, 20, 40, 32, key_heads=2, batches=2)
        copied = dataclasses.replace(shared, key=np.repeat(shared.key, 3, axis=1),
                                     value=np.repeat(shared.value, 3, axis=1))
        self.assertEqual(shared.launch().output.tobytes(), copied.launch().output.tobytes())

    def test_masks_are_as_good_as_biases_that_mask(self):
        case = testing.random_case("masked", 2, 20, 40, 32, thresholds=0.5)
        mask = np.random.default_rng(12).random((1, 2, 20, 40)) < 0.5
        as_mask = dataclasses.replace(case, mask=mask).launch()
        bias = np.where(mask, np.float32(0), np.finfo(np.float32).min)
        as_bias = dataclasses.replace(case, bias=bias).launch()
        self.assertEqual(as_mask.output.tobytes(), as_bias.output.tobytes())
        self.assertTrue((as_mask.kept == as_bias.kept).all())

    def test_biases_far_down_change_no_output(self):
        rng = np.random.default_rng(14)
        left_out = 0
        for index in range(40):
            theta = float(rng.choice([-np.inf, -200, -20, 0, 1, 5, 100, np.inf]))
            case = testing.random_case("far", 2, 6, 30, 8, thresholds=theta, seed=index)
            # From within the reach to beyond it, around biases of every size.
            case.bias = (rng.choice([0, -100, -300, -500], (1, 2, 6, 30)) * rng.random()
                         + rng.normal(0, 1000, (1, 2, 6, 1))).astype(np.float32)
            for widths in PRESETS.values():
                got = case.launch(widths=widths)
                all_keys = case.launch(widths=widths,
                                       rounding=reference.Rounding(far_bias="none"))
                self.assertEqual(got.output.tobytes(), all_keys.output.tobytes())
                self.assertTrue((got.retries == all_keys.retries).all())
                self.assertFalse((got.kept & ~all_keys.kept).any())
                left_out += np.count_nonzero(all_keys.kept & ~got.kept)
        self.assertGreater(left_out, 100)

    def test_chunks_do_not_change_a_bit(self):
        case = testing.random_case("chunks", 2, 50, 70, 32, band=Band(upper=3, align="end"))
        rng = np.random.default_rng(13)
        case.mask = rng.random((1, 1, 50, 70)) < 0.8
        case.bias = rng.standard_normal((1, 2, 50, 70)).astype(np.float32)
        whole = case.launch()
        size = reference.CHUNK_SCORES
        try:
            reference.CHUNK_SCORES = 7 * 70
            parts = case.launch()
        finally:
            reference.CHUNK_SCORES = size
        self.assertEqual(whole.output.tobytes(), parts.output.tobytes())
        self.assertTrue((whole.kept == parts.kept).all())
        self.assertEqual(whole.allowed_scores, parts.allowed_scores)

    def test_dense_launch_keeps_every_allowed_key(self):
        case = testing.random_case("dense", 1, 9, 9, 16, thresholds=1e30, band=Band(upper=0))
        kept = case.launch(dense=True).kept[0]
        self.assertTrue((kept == np.tri(9, dtype=bool)).all())


class FrozenSteps(unittest.TestCase):
    STEPS = reference.FrozenSteps(*(np.float32([[step]]) for step in (0.5, 1, 2)))

    def launch(self, query, key, value, **how):
        tensors = [np.float32(tensor)[None, None] for tensor in (query, key, value)]
        return reference.launch(*tensors, 0.25, **how)

    def test_counts_codes_beyond_the_limit(self):
        # 119.5 steps are the first that round beyond it; a quotient may be infinite.
        given = self.launch([[59.7, -59.75]], [[119.49, 119.5], [-200, 1]], [[-238.9], [3.4e38]],
                            steps=self.STEPS)
        self.assertEqual(given.saturated_codes, 4)
        self.assertEqual(given.query.codes.tolist(), [[[[119, -119]]]])
        self.assertEqual(given.key.codes.tolist(), [[[[119, 119], [-119, 1]]]])
        self.assertEqual(given.value.codes.tolist(), [[[[-119], [119]]]])
        tiny = dataclasses.replace(self.STEPS, value=np.float32([[2.0**-126]]))
        self.assertEqual(self.launch([[0]], [[0]], [[3.4e38]], steps=tiny).value.codes, 119)

    def test_steps_of_the_data_do_not_saturate(self):
        case = testing.random_case("some", 2, 5, 6, 3)
        self.assertEqual(case.launch().saturated_codes, 0)

    def test_a_cache_gives_what_the_whole_past_gives(self):
        cache = reference.Cache(self.STEPS)
        rng = np.random.default_rng(3)
        tokens = [np.round(rng.standard_normal((9, size)) * 40, 1) for size in (4, 4, 2)]
        for first, last in ((0, 4), (4, 5), (5, 9)):
            parts = [tensor[first:last] for tensor in tokens]
            added = self.launch(*parts, cache=cache, thresholds=0.5)
            whole = self.launch(parts[0], *(tensor[:last] for tensor in tokens[1:]),
                                steps=self.STEPS, thresholds=0.5)
            self.assertEqual(added.codes.tolist(), whole.codes.tolist())
            self.assertEqual(added.kept.tolist(), whole.kept.tolist())
            self.assertEqual(cache.length, last)

    def test_refuses_other_steps(self):
        for key in (np.float64([[1]]), np.float32([[1, 1]]), np.float32([[0]]),
                    np.float32([[np.inf]]), np.float32([[np.nan]])):
            with self.assertRaisesRegex(ValueError, "steps of keys"):
                self.launch([[1]], [[1]], [[1]], steps=dataclasses.replace(self.STEPS, key=key))
        with self.assertRaisesRegex(ValueError, "no steps beside a cache"):
            self.launch([[1]], [[1]], [[1]], steps=self.STEPS, cache=reference.Cache(self.STEPS))


class Refusals(unittest.TestCase):
    def refused(self, message, change=None, **options):
        case = testing.random_case("refused", 2, 3, 4, 8)
        if change:
            change(case)
        with self.assertRaisesRegex(ValueError, message):
            case.launch(**options)

    def test_operands(self):
        def put(name, value):
            return lambda case: getattr(case, name).__setitem__((0, 1, 2, 3), value)

        def replace(name, value):
            return lambda case: setattr(case, name, value)

        for name in ("query", "key", "value"):
            for value in (np.nan, np.inf, -np.inf):
                self.refused(f"{name}: expected finite", put(name, value))
            self.refused(f"{name}: expected f32", replace(name, np.zeros((1, 2, 3, 8))))
            self.refused(f"{name}: expected no length of zero",
                         replace(name, np.zeros((1, 2, 0, 8), np.float32)))
        self.refused("expected shapes that fit", replace("key", np.zeros((1, 2, 4, 9), np.float32)))
        self.refused("expected a number of key heads that divides 2, got 3", lambda case: (
            replace("key", np.zeros((1, 3, 4, 8), np.float32))(case),
            replace("value", np.zeros((1, 3, 4, 8), np.float32))(case)))
        self.refused("expected a scale", replace("scale", 0.0))
        self.refused("expected a scale", replace("scale", float("nan")))
        self.refused("expected thresholds", replace("thresholds", float("nan")))
        self.refused("expected one threshold or 2", replace("thresholds", [0.0, 1.0, 2.0]))

    def test_masks_and_biases(self):
        def replace(name, value):
            return lambda case: setattr(case, name, value)

        def bias(value):
            return replace("bias", np.full((1, 1, 1, 4), value, np.float32))

        self.refused(r"key_valid: expected bool of shape \(1, 4\), got bool of shape \(1, 3\)",
                     replace("key_valid", np.ones((1, 3), bool)))
        self.refused("key_valid: expected bool of shape .*, got uint8",
                     replace("key_valid", np.ones((1, 4), np.uint8)))
        self.refused("mask: expected bool of rank 4, got bool of rank 2",
                     replace("mask", np.ones((3, 4), bool)))
        self.refused(r"mask: expected shape \(1, 2, 3, 4\), where .* got \(1, 2, 3, 1\)",
                     replace("mask", np.ones((1, 2, 3, 1), bool)))
        self.refused(r"bias: expected shape .* got \(2, 2, 3, 4\)",
                     replace("bias", np.ones((2, 2, 3, 4), np.float32)))
        self.refused(r"query_segments: expected int32 of shape \(1, 3\), got",
                     replace("key_segments", np.zeros((1, 4), np.int32)))
        self.refused("bias: expected finite numbers or minus infinity", bias(np.nan))
        self.refused("bias: expected finite numbers or minus infinity", bias(np.inf))

    def test_keys_that_could_overflow(self):
        self.refused("expected at most 2 keys", widths=Widths(accumulator_bits=25))
        self.assertEqual(Widths().max_keys(), 1 << 24)
        self.assertIsNone(Widths.paper().max_keys())


if __name__ == "__main__":
    unittest.main()
