# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attentions that tests run: shapes at the edges of the machine, and data that makes each rounding
visible.
"""

from __future__ import annotations

import dataclasses
from typing import List, Optional, Tuple, Union

import numpy as np

from . import reference
from .reference import Band

#: Keeps every key, as minus infinity does, but can be written in JSON.
KEEP_ALL = -float(np.finfo(np.float32).max)


@dataclasses.dataclass(eq=False)
class Case:
    """One attention with its inputs; cases are told apart by identity."""

    name: str
    query: np.ndarray  #: f32 `[B, H, Sq, D]`
    key: np.ndarray  #: f32 `[B, G, Sk, D]`
    value: np.ndarray  #: f32 `[B, G, Sk, Dv]`
    scale: float
    thresholds: Union[float, List[float]] = KEEP_ALL  #: logit units, one or one a head
    band: Optional[Band] = None
    key_valid: Optional[np.ndarray] = None  #: bool `[B, Sk]`
    mask: Optional[np.ndarray] = None  #: bool `[B, H, Sq, Sk]`, each of the first three may be 1
    bias: Optional[np.ndarray] = None  #: f32, of such a shape
    query_segments: Optional[np.ndarray] = None  #: i32 `[B, Sq]`
    key_segments: Optional[np.ndarray] = None  #: i32 `[B, Sk]`
    empty_row: Optional[reference.EmptyRow] = None  #: zeros where there is none

    def inputs(self) -> List[np.ndarray]:
        """The tensors of a launch, in the order of the arguments."""
        tensors = [self.query, self.key, self.value, *self._optional()]
        return [tensor for tensor in tensors if tensor is not None]

    def _optional(self) -> List[Optional[np.ndarray]]:
        return [self.key_valid, self.mask, self.bias, self.query_segments, self.key_segments]

    def launch(self, **options) -> reference.Launch:
        return reference.launch(self.query, self.key, self.value, self.scale, self.thresholds,
                                self.band, *self._optional(), **options)

    def fill_empty_rows(self, output: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        return reference.fill_empty_rows(output, self.query, self.key, self.value, self.scale,
                                         self.empty_row or reference.EmptyRow(), self.band,
                                         *self._optional())


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape, dtype=np.float32)


def random_case(name: str, heads: int, queries: int, keys: int, head_dim: int,
                value_dim: Optional[int] = None, batches: int = 1,
                thresholds: Union[None, float, List[float]] = None, band: Optional[Band] = None,
                seed: int = 1, key_heads: Optional[int] = None) -> Case:
    """Normal data at the usual scale; by default each head has its own threshold, near the logits'
    spread, and its own keys.
    """
    rng = np.random.default_rng(seed)
    if thresholds is None:
        thresholds = [float(np.float32(x)) for x in rng.uniform(-0.5, 1.5, heads)]
    return Case(name, _normal(rng, batches, heads, queries, head_dim),
                _normal(rng, batches, key_heads or heads, keys, head_dim),
                _normal(rng, batches, key_heads or heads, keys, value_dim or head_dim),
                head_dim**-0.5, thresholds, band)


def _with_zero_heads() -> Case:
    """Heads whose queries, keys, values, or all of them are zero, or so small that they count as
    zero.
    """
    case = random_case("zero_heads", heads=6, queries=20, keys=40, head_dim=32, thresholds=0.25)
    case.query[0, 0] = 0
    case.key[0, 1] = 0
    case.value[0, 2] = 0
    for tensor in (case.query, case.key, case.value):
        tensor[0, 3] = 0
        tensor[0, 4] *= np.float32(2.0**-131)
    return case


def shapes() -> List[Case]:
    """Shapes and situations at the edges of the machine."""
    return [
        random_case("d32_heads12_length127", 12, 127, 127, 32),
        random_case("d64_length128", 1, 128, 128, 64),
        random_case("d80_length129", 2, 129, 129, 80),
        random_case("d128_length300", 2, 300, 300, 128),
        random_case("length1_heads12", 12, 1, 1, 64),
        random_case("length2_d80", 1, 2, 2, 80),
        random_case("one_query", 2, 1, 300, 64),
        random_case("one_key", 2, 127, 1, 32),
        random_case("cross_d128", 12, 5, 129, 128),
        random_case("values_wider", 2, 17, 65, 32, value_dim=48),
        random_case("values_narrower", 2, 17, 65, 80, value_dim=8),
        random_case("batches", 2, 9, 33, 32, batches=3),
        random_case("keep_all_beyond_key_buffer", 1, 129, 300, 64, thresholds=KEEP_ALL),
        random_case("keep_all_beyond_score_buffer", 1, 3, 5000, 64, thresholds=KEEP_ALL),
        random_case("pruned_beyond_score_buffer", 1, 3, 9000, 32, thresholds=-0.25),
        random_case("above_every_score", 12, 30, 60, 32, thresholds=1e30),
        random_case("causal", 2, 129, 129, 64, band=Band(upper=0)),
        random_case("causal_keep_all", 1, 128, 128, 80, thresholds=KEEP_ALL, band=Band(upper=0)),
        random_case("window", 2, 127, 127, 32, band=Band(lower=-20, upper=0)),
        random_case("window_ahead", 1, 40, 70, 32, band=Band(lower=3, upper=25, align="end")),
        # Aligned to the end with more queries than keys: the first ones have no allowed key.
        random_case("causal_empty_rows", 2, 40, 17, 32, band=Band(upper=0, align="end")),
        _with_zero_heads(),
    ]


def padding(lengths: List[int], keys: int) -> np.ndarray:
    """key_valid `[B, Sk]` of batch elements of these lengths."""
    return np.arange(keys)[None, :] < np.array(lengths)[:, None]


def slopes(heads: int, queries: int, keys: int) -> np.ndarray:
    """A bias `[1, H, Sq, Sk]` that falls linearly with the distance of the key, steeper in each
    head.
    """
    distance = np.abs(np.arange(keys)[None, :] - np.arange(queries)[:, None])
    slope = np.float32(2.0) ** -np.arange(1, heads + 1, dtype=np.float32)
    return -slope[None, :, None, None] * distance.astype(np.float32)


def documents(lengths: List[List[int]]) -> np.ndarray:
    """Segments `[B, S]` of batch elements that are documents of these lengths, one after another."""
    return np.stack([np.repeat(np.arange(len(row), dtype=np.int32) * 7 - 9, row)
                     for row in lengths])


def masks() -> List[Case]:
    """Every kind of mask, biases and shared key heads, alone and together."""

    def case(name: str, heads: int, queries: int, keys: int, head_dim: int = 32,
             key_valid: Optional[np.ndarray] = None, mask: Optional[np.ndarray] = None,
             bias: Optional[np.ndarray] = None, **options) -> Case:
        return dataclasses.replace(random_case(name, heads, queries, keys, head_dim, **options),
                                   key_valid=key_valid, mask=mask, bias=bias)

    def documents_of(name: str, query_segments: np.ndarray, key_segments: np.ndarray, heads: int,
                     **options) -> Case:
        batches, queries = query_segments.shape
        return dataclasses.replace(
            case(name, heads, queries, key_segments.shape[1], batches=batches, **options),
            query_segments=query_segments, key_segments=key_segments)

    rng = np.random.default_rng(8)
    lowest = np.finfo(np.float32).min
    # A mask that is added, as models have it: zero, or the lowest number of the type.
    causal = np.where(np.tri(40, dtype=bool), np.float32(0), lowest)[None, None]
    random_mask = rng.random((1, 3, 20, 70)) < 0.3
    # Queries without any allowed key.
    random_mask[:, 1, 5:8] = False
    random_bias = _normal(rng, 2, 1, 20, 70)
    random_bias[rng.random(random_bias.shape) < 0.2] = -np.inf
    random_bias[0, 0, 3] = -np.inf
    # Masks that models add: every other key, but in one row all of them.
    added = np.where(np.arange(70) % 2, np.float32(0), np.float32(-10000))[None] + (
        random_bias[1, 0, :4])
    added[2] -= np.float32(10000)
    packed = documents([[7, 1, 32], [20, 5, 15]])
    # The first document has no keys, and the last key no document.
    of_queries, of_keys = documents([[4, 6, 7]]), documents([[0, 20, 44, 1]])
    of_keys[0, -1] = np.iinfo(np.int32).min
    last = random_case("everything", 6, 30, 90, 80, value_dim=24, batches=2, key_heads=3,
                       band=Band(lower=-10, align="end"))
    return [
        # The second batch element has no key at all.
        case("padding", 2, 17, 65, batches=3, key_valid=padding([65, 0, 12], 65)),
        # Padded to the left.
        case("padding_causal", 2, 40, 40, batches=2, band=Band(upper=0),
             key_valid=padding([40, 23], 40)[:, ::-1]),
        case("mask_of_heads", 3, 20, 70, batches=2, mask=random_mask),
        case("mask_for_all", 3, 20, 70, batches=2, mask=random_mask[:, :1, :1]),
        case("added_mask", 2, 40, 40, bias=causal),
        case("added_mask_of_10000", 2, 4, 70, bias=added[None, None]),
        case("slopes_causal", 4, 129, 129, band=Band(upper=0), bias=slopes(4, 129, 129)),
        case("slopes_keep_all", 4, 33, 65, thresholds=KEEP_ALL, bias=slopes(4, 33, 65)),
        case("bias_of_batches", 3, 20, 70, batches=2, bias=random_bias),
        # Far beyond the scores, both ways.
        case("large_bias", 2, 9, 40, thresholds=-50.0,
             bias=_normal(rng, 1, 2, 1, 40) * np.float32(1000)),
        case("groups", 6, 33, 70, batches=2, key_heads=2),
        case("one_key_head", 12, 5, 129, 64, key_heads=1),
        documents_of("documents", packed, packed, heads=4, key_heads=2),
        documents_of("documents_causal", packed, packed, heads=2, band=Band(upper=0)),
        documents_of("documents_apart", of_queries, of_keys, heads=3),
        documents_of("documents_keep_all", packed, packed, heads=2, thresholds=KEEP_ALL,
                     key_valid=padding([40, 30], 40), bias=slopes(2, 40, 40)),
        dataclasses.replace(last, key_valid=padding([90, 61], 90),
                            mask=rng.random((2, 1, 30, 90)) < 0.8,
                            bias=_normal(rng, 1, 6, 30, 90),
                            query_segments=documents([[30], [10, 20]]),
                            key_segments=documents([[80, 10], [40, 50]])),
    ]


def empty_rows() -> List[Case]:
    """Queries without an allowed key, filled in each way; sharp scores, which rounding tells apart.
    """
    EmptyRow = reference.EmptyRow

    def case(name: str, empty_row: reference.EmptyRow, **operands) -> Case:
        base = random_case(name, 6, 20, 33, 32, batches=2, key_heads=3, thresholds=0.5)
        base = dataclasses.replace(base, empty_row=empty_row, **operands)
        base.query *= np.float32(6)
        return base

    rng = np.random.default_rng(15)
    lowest = np.finfo(np.float32).min
    some = rng.random((2, 1, 20, 33)) < 0.3
    some[:, :, ::3] = False
    # Rows that finite biases mask, of one number and of two, and rows of minus infinities.
    bias = _normal(rng, 1, 6, 20, 33)
    bias[:, :, 1::5] = lowest
    bias[:, :, 2::5] = np.where(rng.random((1, 6, 4, 33)) < 0.5, lowest, lowest / 2)
    bias[:, :, 3::5] = -np.inf
    bias[:, :, 4::5, ::2] = -1e4
    valid = padding([33, 0], 33)
    return [
        case("uniform", EmptyRow("uniform"), key_valid=valid),
        case("nan", EmptyRow("nan"), mask=some),
        case("logits_f32", EmptyRow("nan", -1e4, "f32"), key_valid=valid),
        case("logits_f16", EmptyRow("zero", -1e4, "f16"), mask=some),
        case("logits_bf16", EmptyRow("nan", -1e4, "bf16"), mask=some, band=Band(upper=2)),
        # Scores below -16 become minus infinity.
        case("logits_lowest_f16", EmptyRow("nan", -65504.0, "f16"), key_valid=valid),
        case("logits_of_biases", EmptyRow("nan", -np.inf, "f32"), bias=bias),
        case("logits_zero", EmptyRow("zero", -np.inf, "f32"), bias=bias, mask=some),
        case("logits_band", EmptyRow("nan", -1e4, "f16"), band=Band(lower=5, align="end"),
             key_valid=valid, bias=bias),
        case("uniform_documents", EmptyRow("uniform"), query_segments=documents([[8, 12], [20]]),
             key_segments=documents([[0, 33], [33]])),
        case("logits_of_documents", EmptyRow("nan", -1e4, "f16"), bias=bias,
             query_segments=documents([[8, 12], [20]]), key_segments=documents([[0, 33], [33]])),
    ]


# Data that makes one rounding visible ------------------------------------------------------------


def _head(rows) -> np.ndarray:
    return np.array(rows, np.float32)[None, None]


def _quantisation_ties() -> Case:
    """Operands at `(n + 1/2) step`, with steps of long mantissas: ties in f32 that are none in f64.
    """
    rng = np.random.default_rng(2)

    def operand(tokens: int, channels: int) -> np.ndarray:
        while True:
            step = np.float32(rng.uniform(0.5, 1))
            amax = np.float32(119) * step
            if amax / np.float32(119) == step:
                break
        whole = rng.integers(-100, 100, (1, 1, tokens, channels))
        tensor = (whole + 0.5).astype(np.float32) * step
        tensor[..., 0, 0] = amax
        return tensor

    return Case("quantisation_ties", operand(8, 16), operand(24, 16), operand(24, 16), 2.0**-13,
                0.5)


def _smallest_numbers() -> Case:
    """Values whose step is near 2^-126, in a head where it is just above and one where it is below.
    """
    case = random_case("smallest_numbers", heads=2, queries=12, keys=24, head_dim=16)
    case.value[:] = np.clip(case.value, -3, 3)
    case.value[..., 0, 0] = 3
    case.value[0, 0] *= np.float32(2.0**-118)
    case.value[0, 1] *= np.float32(2.0**-124)
    return case


def _score_case(name: str, scores: List[int], values: List[List[int]], scale: float,
                thresholds: float = KEEP_ALL) -> Case:
    """One query whose exact scores are `scores`, with steps of 1: integers within 119 * 119."""
    keys = []
    for score in scores:
        high = (score + 59) // 119
        keys.append([high, score - 119 * high])
    # The last key and value make the steps 1; a score far below the others leaves no trace in the
    # output.
    keys.append([-119, -119])
    values = values + [[119] * len(values[0])]
    return Case(name, _head([[119, 1]]), _head(keys), _head(values), scale, thresholds)


def _division_ties() -> Case:
    """Rows where `N 2^16 / Z` ends in exactly one half, one positive and one negative, odd and
    even.

    Exponents of 2^16, e and 2^16 - e, e odd, make Z = 2^17, and an odd N then leaves one half.
    """
    table = reference.exponents()
    first = {int(e): t for t, e in reversed(list(enumerate(table)))}
    low, high = next((first[e], first[65536 - e]) for e in range(20001, 40000, 2)
                     if e in first and 65536 - e in first)
    # lambda = 2^-10: the table index is the difference of scores itself, clear of the last key at t
    # > 2^14 - 1.
    top = 14000
    values = [[1, -1, 2, -2], [2, -2, 3, -3], [1, -1, 4, -4]]
    return _score_case("division_ties", [top, top - low, top - high], values, 2.0**-10)


def _index_boundary() -> Case:
    """lambda just below 2^-11: its multiplier rounds up to 2^31, and odd differences of scores are
    ties of the index.
    """
    scores = [14000 - delta for delta in (0, 1, 3, 101, 2001)]
    values = [[100, -7], [-60, 30], [20, 90], [-119, 41], [77, -90]]
    return _score_case("index_boundary", scores, values, float(np.nextafter(2.0**-11, 0)))


def _index_limit() -> Case:
    """Differences of scores beyond the last table index."""
    scores = [14000, 13000, 6000, 0, -2384, -2385, -14000]
    values = [[n, -n] for n in (10, 20, 30, 40, 50, 60, 70)]
    return _score_case("index_limit", scores, values, 2.0**-10)


def _integer_threshold(name: str, other: reference.Rounding) -> Case:
    """A threshold whose integer differs between the page's arithmetic and `other`'s, by rounding of
    f64 alone.
    """
    rng = np.random.default_rng(3)
    while True:
        case = random_case(name, heads=1, queries=16, keys=48, head_dim=16,
                           seed=int(rng.integers(1 << 30)))
        q = reference.quantize(case.query).steps
        k = reference.quantize(case.key).steps
        theta = np.float32(rng.uniform(0.5, 1.5))
        wanted = int(rng.integers(2, 9))
        scale = float(theta) / (256.0 * wanted * float(q[0, 0]) * float(k[0, 0]))
        for _ in range(4):
            integers = {int(reference.parameters(scale, q, k, np.array([theta]), r).threshold[0, 0])
                        for r in (reference.Rounding(), other)}
            if len(integers) == 2:
                case.scale, case.thresholds = scale, float(theta)
                if (case.launch().kept != case.launch(rounding=other).kept).any():
                    return case
            scale = float(np.nextafter(scale, 1e9))


def _threshold_limit() -> Case:
    """A threshold above every score, at a query whose best approximate score is exactly 0."""
    query = _head([[119, 0], [0, 119]])
    key = _head([[0, 119], [-119, 0], [-119, -50]])
    return Case("threshold_limit", query, key, _head([[119, 5], [-30, 7], [60, -80]]), 2.0**-12,
                3e38)


def _saturation() -> Case:
    """Hundreds of equal keys, with sums of exponents and of values beyond the paper's 16 bits; and
    one key alone.
    """
    queries = _head([[1, 0], [0, 119]])
    keys = np.zeros((1, 1, 601, 2), np.float32)
    keys[..., 600, 1] = 119
    values = np.full((1, 1, 601, 4), 119, np.float32)
    values[..., 1] = -119
    values[..., ::2, 2] = 50
    values[..., 300:, 3] = -119  # Saturates on the way, not at the end.
    return Case("saturation", queries, keys, values, 2.0**-10)


def _extremes() -> List[Case]:
    """Scales at the ends of their range, and operands near the largest f32."""
    largest = random_case("largest_numbers", 1, 8, 24, 16, thresholds=0.5)
    for tensor in (largest.query, largest.key, largest.value):
        tensor *= np.float32(2.0**125) / np.abs(tensor).max()
    largest.scale = 2.0**-100
    return [
        largest,
        dataclasses.replace(random_case("smallest_scale", 1, 8, 24, 16, thresholds=KEEP_ALL),
                            scale=2.0**-100),
        dataclasses.replace(random_case("largest_scale", 1, 8, 24, 16, thresholds=0.5),
                            scale=2.0**100),
    ]


def _bias_codes() -> Case:
    """Biases at ties of their codes, at the codes' limit, and at the first bias that masks; each
    query looks at one kind.
    """
    # With steps of 1 and lambda = 2^-10, which is one step of the table index.
    unit = np.float32(2.0**-10)
    kinds = [
        np.array([0.5, 1.5, -0.5, -1.5, 2.5, 3.25], np.float32) * unit,
        np.array([600000, 700000, 600000, 800000, 524288, 524287], np.float32),
        np.array([-600000, -700000, -600000, -800000, -1048575, -524288], np.float32),
        np.array([-(2.0**20)] * 6, np.float32),
        # More than infinity masks.
        np.array([-(2.0**20) - 1, -(2.0**21), -1e38, -np.inf, -(2.0**20) - 1, -np.inf], np.float32),
    ]
    query = np.zeros((1, 1, len(kinds), 2), np.float32)
    query[..., 0] = 119
    key = np.array([[0, 119]] * 6, np.float32)[None, None]
    values = [[119, 20], [-60, 30], [20, 90], [-119, 41], [77, -90], [3, 55]]
    return Case("bias_codes", query, key, _head(values), 2.0**-10, bias=np.array(kinds)[None, None])


def _bias_quotients() -> List[Case]:
    """Biases whose codes differ by rounding of the quotient alone."""
    # All of them far up: their codes have more digits than an f32.
    far = random_case("bias_quotient_f32", 1, 8, 40, 16, thresholds=KEEP_ALL)
    far.bias = np.random.default_rng(9).uniform(30000, 30001, (1, 1, 8, 40)).astype(np.float32)
    # A quotient that is a tie in f64; as a product with the inverse it is none.
    rng = np.random.default_rng(10)
    while True:
        bias = np.float32(rng.uniform(0.5, 1))
        tie = float(rng.integers(100, 2000)) + 0.5
        scale = float(bias) / tie
        codes = {int(reference.bias_codes(np.array([bias]), scale,
                                          reference.Rounding(bias_quotient=quotient))[0])
                 for quotient in ("f64", "reciprocal")}
        if float(bias) / scale == tie and len(codes) == 2:
            break
    tied = Case("bias_quotient_reciprocal", _head([[119, 0]]), _head([[0, 119], [0, 119]]),
                _head([[119, -40], [-90, 119]]), scale)
    tied.bias = np.array([bias, 0], np.float32)[None, None, None]
    return [far, tied]


def _approximate_bias() -> Case:
    """Biases halfway between two units of the approximate score, at a threshold between them."""
    unit = 2.0**-10
    scores = np.arange(-3, 4)
    bias = np.float32((256 * scores + 128) * unit)[None, None, None]
    return Case("approximate_bias", _head([[119, 0]]), _head([[0, 119]] * 7),
                _head([[119 - 20 * n, 17 * n - 50] for n in range(7)]), unit, 256 * unit, bias=bias)


def _far_biases() -> Case:
    """Biases about as far below another one as masks their key; the largest of all is not allowed.
    """
    unit = 2.0**-10
    reach = reference.SCORE_SPREAD * 2 + reference.ZERO_INDEX
    codes = [1000000, 0, 1 - reach, -reach, -reach - 1, -1, -1 - reach]
    bias = np.array([code * unit for code in codes], np.float32)[None, None, None]
    values = [[119, 20], [-60, 30], [20, 90], [-119, 41], [77, -90], [3, 55], [11, -7]]
    return Case("far_biases", _head([[119, 0]]), _head([[0, 119]] * 7), _head(values), unit,
                key_valid=np.arange(7)[None] > 0, bias=bias)


def roundings() -> List[Case]:
    """Small data on which every mutation of `reference.mutations()` shows in the outputs or the
    kept keys, with default or paper widths.
    """
    return [
        random_case("spread", heads=3, queries=16, keys=64, head_dim=32, seed=4),
        # The same at logits large enough that most weights are small.
        dataclasses.replace(random_case("sharp", 2, 16, 64, 32, thresholds=-2.0, seed=5),
                            scale=1.5),
        _quantisation_ties(),
        _smallest_numbers(),
        _division_ties(),
        _index_boundary(),
        _index_limit(),
        _integer_threshold("threshold_order", reference.Rounding(logit_unit="query_key_scale")),
        _integer_threshold("threshold_once", reference.Rounding(logit_unit="once")),
        _integer_threshold("threshold_unit_f32", reference.Rounding(logit_unit="f32")),
        _integer_threshold("threshold_f32", reference.Rounding(threshold_quotient="f32")),
        _integer_threshold("threshold_reciprocal",
                           reference.Rounding(threshold_quotient="reciprocal")),
        _threshold_limit(),
        _saturation(),
        *_extremes(),
        _bias_codes(),
        *_bias_quotients(),
        _approximate_bias(),
        _far_biases(),
    ]
