# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a launch computes, to the last bit: docs/numerics.md in NumPy.

Written from that page alone, so that it can arbitrate between the compiler's levels and the
simulator. Section and step numbers in comments are the page's. Every rounding is a named field of
`Rounding`; replacing one by another of its choices gives a reference that is wrong in that place
alone, which tests use to show that the place matters.

Tensors are f32, `[batch, head, token, channel]`. Keys and values have `G` heads, which divides the
`H` of the queries; masks and biases are `[batch, head, query, key]`.
"""

from __future__ import annotations

import dataclasses
import decimal
import fractions
from typing import Iterator, Optional, Sequence, Tuple, Union

import numpy as np

from . import exponent_tables

#: Fraction bits of output codes (section 6).
OUTPUT_FRACTION_BITS = 16
#: Magnitude at which integer thresholds saturate (section 3).
THRESHOLD_LIMIT = 1 << 30
#: Smallest step that is used as it is (section 2).
SMALLEST_STEP = np.float32(2.0**-126)
#: Scores that one chunk of queries may have: what bounds memory.
CHUNK_SCORES = 1 << 22
#: Number of table indices t.
TABLE_INDICES = len(exponent_tables.HIGH) * len(exponent_tables.LOW)
#: Biases that mask their key, and the code that they get (section 3).
MASKING_BIAS = -(2.0**20)
MASKED = -(1 << 31)
#: Magnitude at which the codes of biases saturate (section 3).
BIAS_LIMIT = 1 << 29
#: What two scores without bias differ by at most, for each channel, and the first table index from
#: which on every exponent is 0 (section 4).
SCORE_SPREAD = 1 << 15
ZERO_INDEX = 95 * 128
#: Exact scores in a unit of the approximate score (section 3).
APPROXIMATE_UNIT = 256
#: Stands for the scores that a maximum leaves out.
_BELOW_EVERY_SCORE = -(1 << 40)


@dataclasses.dataclass(frozen=True)
class Widths:
    """Widths of the recompute path in bits (section 6)."""

    nibble: str = "centred"
    exponent_fraction_bits: int = 16
    sum_bits: int = 48
    #: 0 divides after the weighted sum of values, another number before it.
    probability_bits: int = 0
    accumulator_bits: int = 48

    @staticmethod
    def default() -> "Widths":
        return Widths()

    @staticmethod
    def paper() -> "Widths":
        """The published data path: truncated nibbles, 8-bit probabilities, 16-bit sums."""
        return Widths("truncated", 8, 16, 8, 16)

    @property
    def code_limit(self) -> int:
        return 119 if self.nibble == "centred" else 127

    def max_keys(self) -> Optional[int]:
        """Keys with which nothing can overflow, or None where sums saturate (early division)."""
        if self.probability_bits:
            return None
        fraction = self.exponent_fraction_bits
        return min(((1 << self.sum_bits) - 1) >> fraction,
                   1 << (self.accumulator_bits - 8 - fraction))


@dataclasses.dataclass(frozen=True)
class Band:
    """Keys a query may attend to, by position (section 4); a bound of None does not bound."""

    lower: Optional[int] = None
    upper: Optional[int] = None
    align: str = "start"

    def allowed(self, queries: np.ndarray, num_queries: int, num_keys: int) -> np.ndarray:
        """Booleans `[len(queries), num_keys]`."""
        offset = num_keys - num_queries if self.align == "end" else 0
        distance = np.arange(num_keys)[None, :] - queries[:, None] - offset
        allowed = np.ones(distance.shape, bool)
        if self.lower is not None:
            allowed &= distance >= self.lower
        if self.upper is not None:
            allowed &= distance <= self.upper
        return allowed


def _choice(*names: str):
    return dataclasses.field(default=names[0], metadata={"choices": names})


@dataclasses.dataclass(frozen=True)
class Rounding:
    """How each rounding and saturation of the page is done; the first choice of each is the page's.
    """

    # Section 2
    step: str = _choice("nearest", "reciprocal", "toward_zero")
    smallest_step: str = _choice("normal", "positive")
    quotient: str = _choice("f32", "f64", "reciprocal")
    code: str = _choice("half_even", "half_up", "half_away", "truncate")
    nibble: str = _choice("floor", "toward_zero", "offset_7", "offset_0")
    # Section 3
    logit_unit: str = _choice("scale_query_key", "query_key_scale", "once", "f32")
    threshold_quotient: str = _choice("f64", "f32", "reciprocal")
    threshold: str = _choice("ceil", "floor", "nearest")
    threshold_limit: str = _choice("2^30", "2^30-1")
    multiplier: str = _choice("half_up", "truncate")
    bias_quotient: str = _choice("f64", "f32", "reciprocal")
    bias: str = _choice("half_even", "half_up", "half_away", "truncate")
    bias_limit: str = _choice("2^29", "none")
    masking_bias: str = _choice("at_most", "below", "infinity")
    # Section 4
    far_bias: str = _choice("at_least", "above", "none")
    approximate_bias: str = _choice("half_up", "half_even", "floor", "none")
    comparison: str = _choice("at_least", "above")
    retry: str = _choice("doubling", "by_one", "power")
    # Section 5
    index: str = _choice("half_up", "truncate", "up")
    index_limit: str = _choice("saturate", "wrap")
    high_table: str = _choice("nearest", "truncate")
    low_table: str = _choice("nearest", "truncate")
    exponent: str = _choice("half_up", "truncate")
    sum_limit: str = _choice("saturate", "none")
    division: str = _choice("half_up", "half_even", "half_away", "truncate")
    probability: str = _choice("half_up", "truncate")
    probability_limit: str = _choice("saturate", "none")
    accumulator_limit: str = _choice("saturate", "running", "none")
    dequantise: str = _choice("codes_first", "step_first", "toward_zero")

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if getattr(self, field.name) not in field.metadata["choices"]:
                raise ValueError(
                    f"expected {field.name} in {field.metadata['choices']}, "
                    f"got {getattr(self, field.name)!r}")


def mutations() -> Iterator[Tuple[str, Rounding]]:
    """Every `Rounding` that differs from the page's in one place, with a name `field=choice`."""
    for field in dataclasses.fields(Rounding):
        for choice in field.metadata["choices"][1:]:
            yield f"{field.name}={choice}", Rounding(**{field.name: choice})


@dataclasses.dataclass
class Codes:
    """A tensor in 8-bit codes (section 2)."""

    codes: np.ndarray  #: i8 `[B, H, S, D]`, of keys and values `[B, G, S, D]`
    steps: np.ndarray  #: f32 `[B, H]` or `[B, G]`
    saturated: int = 0  #: codes that frozen steps are too small for


@dataclasses.dataclass(frozen=True)
class FrozenSteps:
    """Steps that do not follow from a launch's numbers (section 2)."""

    query: np.ndarray  #: f32 `[B, H]`
    key: np.ndarray  #: f32 `[B, G]`
    value: np.ndarray  #: f32 `[B, G]`


@dataclasses.dataclass
class Parameters:
    """Integer parameters (section 3), each `[B, H]`, i64."""

    threshold: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray


class Cache:
    """Codes of keys and values that launches have added (section 2)."""

    def __init__(self, steps: FrozenSteps):
        self.steps = steps
        self.key: Optional[Codes] = None
        self.value: Optional[Codes] = None

    def add(self, key: Codes, value: Codes) -> None:
        """Adds tokens `[B, G, S, D]` and `[B, G, S, Dv]`."""
        if self.key is not None:
            key = Codes(np.concatenate([self.key.codes, key.codes], axis=2), key.steps)
            value = Codes(np.concatenate([self.value.codes, value.codes], axis=2), value.steps)
        self.key, self.value = key, value

    @property
    def length(self) -> int:
        return 0 if self.key is None else self.key.codes.shape[2]


@dataclasses.dataclass
class Launch:
    """What a launch gives."""

    output: np.ndarray  #: f32 `[B, H, Sq, Dv]`
    codes: np.ndarray  #: output codes R, i32, of the same shape
    kept: np.ndarray  #: bool `[B * H, Sq, Sk]`
    retries: np.ndarray  #: i64 `[B * H, Sq]`
    allowed_scores: int  #: allowed pairs of query and key, over all heads
    query: Codes
    key: Codes
    value: Codes
    parameters: Parameters
    saturated_codes: int = 0  #: codes of the operands that frozen steps are too small for

    @property
    def pruned_fraction(self) -> float:
        """Fraction of allowed scores that were not kept; 0 where none was allowed."""
        if not self.allowed_scores:
            return 0.0
        return 1.0 - np.count_nonzero(self.kept) / self.allowed_scores

    @property
    def retried_rows(self) -> int:
        return int(np.count_nonzero(self.retries))


# Helpers -----------------------------------------------------------------------------------------


def _toward_zero(value: np.ndarray) -> np.ndarray:
    """f64 to f32, rounded towards zero."""
    value = np.asarray(value, np.float64)
    nearest = value.astype(np.float32)
    return np.where(np.abs(nearest.astype(np.float64)) > np.abs(value),
                    np.nextafter(nearest, np.float32(0)), nearest)


def _exact_matmul(lhs: np.ndarray, rhs: np.ndarray, bound: int) -> np.ndarray:
    """Integer product `lhs @ rhs` as i64, where `bound` exceeds the sum of the terms' magnitudes.

    Below 2^24 and 2^53 every partial sum is an integer that f32 or f64 holds, in whatever order
    BLAS adds them up.
    """
    for dtype, limit in ((np.float32, 1 << 24), (np.float64, 1 << 53)):
        if bound <= limit:
            return (lhs.astype(dtype) @ rhs.astype(dtype)).astype(np.int64)
    if bound > 1 << 62:
        raise ValueError(f"expected sums below 2^62, got up to {bound}")
    return lhs.astype(np.int64) @ rhs.astype(np.int64)


def _running_sum(probability: np.ndarray, value: np.ndarray, limit: int) -> np.ndarray:
    """Weighted sum that saturates at -limit and limit - 1 after every key."""
    total = np.zeros((probability.shape[0], value.shape[1]), np.int64)
    for column, row in zip(probability.T, value.astype(np.int64)):
        total = np.clip(total + np.outer(column, row), -limit, limit - 1)
    return total


def _round(value: np.ndarray, rounding: str) -> np.ndarray:
    """f64 to the nearest integer, ties as `rounding` says, or towards zero."""
    if rounding == "half_even":
        return np.rint(value)
    if rounding == "half_up":
        return np.floor(value + 0.5)
    if rounding == "half_away":
        return np.copysign(np.floor(np.abs(value) + 0.5), value)
    return np.trunc(value)


def _checked_operand(name: str, tensor: np.ndarray) -> np.ndarray:
    tensor = np.asarray(tensor)
    if tensor.dtype != np.float32 or tensor.ndim != 4:
        raise ValueError(
            f"{name}: expected f32 of rank 4, got {tensor.dtype} of rank {tensor.ndim}")
    if 0 in tensor.shape:
        raise ValueError(f"{name}: expected no length of zero, got {tensor.shape}")
    if not np.isfinite(tensor).all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return tensor


def _checked_mask(name: str, tensor: Optional[np.ndarray], dtype: type,
                  shape: Tuple[int, ...]) -> Optional[np.ndarray]:
    """A mask or a bias as a view of the whole `[B, H, Sq, Sk]`."""
    if tensor is None:
        return None
    tensor = np.asarray(tensor)
    if tensor.dtype != dtype or tensor.ndim != 4:
        raise ValueError(f"{name}: expected {np.dtype(dtype)} of rank 4, got {tensor.dtype} of "
                         f"rank {tensor.ndim}")
    if any(got not in (size, 1) for got, size in zip(tensor.shape[:3], shape)) or (
            tensor.shape[3] != shape[3]):
        raise ValueError(f"{name}: expected shape {shape}, where each of the first three may be 1, "
                         f"got {tensor.shape}")
    return np.broadcast_to(tensor, shape)


def _checked_key_valid(tensor: Optional[np.ndarray],
                       shape: Tuple[int, ...]) -> Optional[np.ndarray]:
    """`[B, Sk]` as a mask."""
    if tensor is None:
        return None
    tensor = np.asarray(tensor)
    if tensor.dtype != bool or tensor.shape != (shape[0], shape[3]):
        raise ValueError(f"key_valid: expected bool of shape {(shape[0], shape[3])}, got "
                         f"{tensor.dtype} of shape {tensor.shape}")
    return np.broadcast_to(tensor[:, None, None, :], shape)


def _checked_segments(query_segments: Optional[np.ndarray], key_segments: Optional[np.ndarray],
                      shape: Tuple[int, ...]) -> Optional[np.ndarray]:
    """`[B, Sq]` and `[B, Sk]`, both or neither, as a mask."""
    if query_segments is None and key_segments is None:
        return None
    for name, tensor, length in (("query_segments", query_segments, shape[2]),
                                 ("key_segments", key_segments, shape[3])):
        tensor = np.asarray(tensor)
        if tensor.dtype != np.int32 or tensor.shape != (shape[0], length):
            raise ValueError(f"{name}: expected int32 of shape {(shape[0], length)}, got "
                             f"{tensor.dtype} of shape {tensor.shape}")
    equal = np.asarray(query_segments)[:, None, :, None] == np.asarray(key_segments)[:, None, None]
    return np.broadcast_to(equal, shape)


def _checked_bias(tensor: Optional[np.ndarray], shape: Tuple[int, ...]) -> Optional[np.ndarray]:
    tensor = _checked_mask("bias", tensor, np.float32, shape)
    if tensor is not None and not (tensor < np.inf).all():
        raise ValueError("bias: expected finite numbers or minus infinity, got NaN or infinity")
    return tensor


# Section 2 ---------------------------------------------------------------------------------------


def _checked_steps(name: str, steps: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    steps = np.asarray(steps)
    if steps.dtype != np.float32 or steps.shape != shape:
        raise ValueError(f"steps of {name}: expected f32 of shape {shape}, got {steps.dtype} of "
                         f"shape {steps.shape}")
    if not (np.isfinite(steps) & (steps >= SMALLEST_STEP)).all():
        raise ValueError(f"steps of {name}: expected finite numbers of at least 2^-126")
    return steps


def quantize(tensor: np.ndarray, widths: Widths = Widths(), rounding: Rounding = Rounding(),
             frozen: Optional[np.ndarray] = None) -> Codes:
    """Codes and steps of `[B, H, S, D]`, one step for each batch element and head: those of
    `frozen`, where there are any.
    """
    limit = widths.code_limit
    amax = np.abs(tensor).max(axis=(2, 3))
    if rounding.step == "nearest":
        step = amax / np.float32(limit)
    elif rounding.step == "reciprocal":
        step = amax * (np.float32(1) / np.float32(limit))
    else:
        step = _toward_zero(amax.astype(np.float64) / limit)
    smallest = SMALLEST_STEP if rounding.smallest_step == "normal" else np.float32(2.0**-149)
    step = np.where(step < smallest, np.float32(1), step)
    if frozen is not None:
        step = frozen

    divisor = step[:, :, None, None]
    if rounding.quotient == "f32":
        with np.errstate(over="ignore"):
            quotient = tensor / divisor
    elif rounding.quotient == "f64":
        quotient = tensor.astype(np.float64) / divisor.astype(np.float64)
    else:
        quotient = tensor * (np.float32(1) / divisor)
    code = _round(quotient.astype(np.float64), rounding.code)
    saturated = int(np.count_nonzero(np.abs(code) > limit)) if frozen is not None else 0
    return Codes(np.clip(code, -limit, limit).astype(np.int8), step, saturated)


def high_nibble(codes: np.ndarray, widths: Widths = Widths(),
                rounding: Rounding = Rounding()) -> np.ndarray:
    """High nibbles of codes, i8."""
    codes = codes.astype(np.int16)
    if widths.nibble == "centred":
        codes = codes + {"offset_7": 7, "offset_0": 0}.get(rounding.nibble, 8)
    if rounding.nibble == "toward_zero":
        return np.trunc(codes / 16).astype(np.int8)
    return (codes >> 4).astype(np.int8)


# Section 3 ---------------------------------------------------------------------------------------


def _per_head(tensor: np.ndarray, heads: int) -> np.ndarray:
    """`[B, G, ...]` of key heads as `[B, H, ...]`, each key head for all heads of its group."""
    return np.repeat(tensor, heads // tensor.shape[1], axis=1)


def logit_unit(scale: float, query_steps: np.ndarray, key_steps: np.ndarray,
               rounding: Rounding = Rounding()) -> np.ndarray:
    """lambda: the logit of one unit of score, f64 `[B, H]`, from steps `[B, H]` and `[B, G]`."""
    scale = np.float64(scale)
    query_steps = query_steps.astype(np.float64)
    key_steps = _per_head(key_steps, query_steps.shape[1]).astype(np.float64)
    if rounding.logit_unit == "scale_query_key":
        return (scale * query_steps) * key_steps
    if rounding.logit_unit == "query_key_scale":
        return scale * (query_steps * key_steps)
    if rounding.logit_unit == "f32":
        with np.errstate(over="ignore", under="ignore"):
            unit = np.float32(scale) * query_steps.astype(np.float32) * key_steps.astype(np.float32)
        return unit.astype(np.float64)
    product = [float(fractions.Fraction(float(scale)) * fractions.Fraction(float(q)) *
                     fractions.Fraction(float(k)))
               for q, k in zip(query_steps.flat, key_steps.flat)]
    return np.array(product).reshape(query_steps.shape)


def parameters(scale: float, query_steps: np.ndarray, key_steps: np.ndarray,
               thresholds: np.ndarray, rounding: Rounding = Rounding()) -> Parameters:
    """Integer parameters of every head; `thresholds` f32 `[H]`."""
    unit_of_score = logit_unit(scale, query_steps, key_steps, rounding)
    unit = unit_of_score * np.float64(APPROXIMATE_UNIT)
    theta = np.broadcast_to(thresholds.astype(np.float64), unit.shape)
    with np.errstate(over="ignore"):
        if rounding.threshold_quotient == "f64":
            quotient = theta / unit
        elif rounding.threshold_quotient == "reciprocal":
            quotient = theta * (np.float64(1) / unit)
        else:
            quotient = (theta.astype(np.float32) / unit.astype(np.float32)).astype(np.float64)
    to_integer = {"ceil": np.ceil, "floor": np.floor, "nearest": np.rint}[rounding.threshold]
    limit = THRESHOLD_LIMIT - (rounding.threshold_limit == "2^30-1")
    threshold = np.clip(to_integer(quotient), -limit, limit).astype(np.int64)

    bits = unit_of_score.view(np.uint64)
    exponent = ((bits >> np.uint64(52)) & np.uint64(0x7FF)).astype(np.int64)
    fraction = (bits & np.uint64((1 << 52) - 1)).astype(np.int64)
    addend = 1 << 21 if rounding.multiplier == "half_up" else 0
    multiplier = ((1 << 52) + fraction + addend) >> 22
    shift = np.clip(1053 - 10 - exponent, 0, 62)
    return Parameters(threshold, multiplier, shift)


def bias_codes(bias: np.ndarray, unit_of_score: float,
               rounding: Rounding = Rounding()) -> np.ndarray:
    """Codes B, i64, of biases of a head with that lambda."""
    wide = bias.astype(np.float64)
    unit = np.float64(unit_of_score)
    if rounding.bias_quotient == "f64":
        quotient = wide / unit
    elif rounding.bias_quotient == "reciprocal":
        quotient = wide * (np.float64(1) / unit)
    else:
        with np.errstate(over="ignore"):
            quotient = (bias / np.float32(unit)).astype(np.float64)
    masks = {"at_most": wide <= MASKING_BIAS, "below": wide < MASKING_BIAS,
             "infinity": np.isneginf(wide)}[rounding.masking_bias]
    # `none` leaves codes that still fit the type.
    limit = BIAS_LIMIT if rounding.bias_limit == "2^29" else 1 << 30
    codes = np.clip(_round(quotient, rounding.bias), -limit, limit)
    return np.where(masks, MASKED, codes).astype(np.int64)


# Section 4 ---------------------------------------------------------------------------------------


def approximate_bias(codes: np.ndarray, rounding: Rounding = Rounding()) -> np.ndarray:
    """Codes of biases in units of the approximate score."""
    if rounding.approximate_bias == "none":
        return np.zeros_like(codes)
    if rounding.approximate_bias == "half_even":
        return np.rint(codes / APPROXIMATE_UNIT).astype(np.int64)
    addend = APPROXIMATE_UNIT // 2 if rounding.approximate_bias == "half_up" else 0
    return (codes + addend) >> 8


def in_reach(codes: np.ndarray, allowed: np.ndarray, head_dim: int, multiplier: int, shift: int,
             rounding: Rounding = Rounding()) -> np.ndarray:
    """Which of the allowed keys `[Sq, Sk]` the codes of their biases do not mask."""
    allowed = allowed & (codes != MASKED)
    if rounding.far_bias == "none":
        return allowed
    largest = np.where(allowed, codes, MASKED).max(axis=1, keepdims=True)
    delta = np.where(allowed, largest - codes - SCORE_SPREAD * head_dim, 0)
    index = (delta * multiplier + ((1 << shift) >> 1)) >> shift
    return allowed & (index < ZERO_INDEX + (rounding.far_bias == "above"))


def prune(scores: np.ndarray, allowed: np.ndarray, threshold: int,
          rounding: Rounding = Rounding()) -> Tuple[np.ndarray, np.ndarray]:
    """Kept keys `[Sq, Sk]` and retries `[Sq]`, from approximate scores and allowed keys `[Sq, Sk]`.
    """
    some = allowed.any(axis=1)
    maximum = np.where(allowed, scores, _BELOW_EVERY_SCORE).max(axis=1)
    missing = np.where(some, np.maximum(threshold - maximum, 0), 0)
    if rounding.comparison == "above":
        missing = np.where(some, np.maximum(threshold - maximum + 1, 0), 0)
    lowered = np.zeros_like(missing)
    retries = np.zeros_like(missing)
    if rounding.retry == "by_one":
        retries = lowered = missing
    else:
        while (short := lowered < missing).any():
            retries = retries + short
            # The sum of 1, 2, 4, ... is one less than the next power.
            less_one = 1 if rounding.retry == "doubling" else 0
            lowered = np.where(short, (1 << retries) - less_one, lowered)
    bar = (threshold - lowered)[:, None]
    reached = scores >= bar if rounding.comparison == "at_least" else scores > bar
    return allowed & reached, retries


# Section 5 ---------------------------------------------------------------------------------------


def _floored_table(table: Sequence[int], denominator: int) -> Sequence[int]:
    """The table of exp(-n / denominator), rounded down."""
    with decimal.localcontext() as context:
        context.prec = 40
        return [int((1 << 16) * (decimal.Decimal(-n) / denominator).exp())
                for n in range(len(table))]


def exponents(widths: Widths = Widths(), rounding: Rounding = Rounding()) -> np.ndarray:
    """`e` of every table index t, i64 `[TABLE_INDICES]` (step 4)."""
    high, low = exponent_tables.HIGH, exponent_tables.LOW
    if rounding.high_table == "truncate":
        high = _floored_table(high, 8)
    if rounding.low_table == "truncate":
        low = _floored_table(low, 1024)
    product = np.outer(np.array(high, np.int64), np.array(low, np.int64)).ravel()
    dropped = 32 - widths.exponent_fraction_bits
    addend = 1 << (dropped - 1) if rounding.exponent == "half_up" else 0
    return (product + addend) >> dropped


def _scaled_quotient(numerator: np.ndarray, denominator: np.ndarray, bits: int,
                     rounding: str) -> np.ndarray:
    """`numerator * 2^bits / denominator` as an integer; exact without ever forming the whole
    product.
    """
    whole, rest = np.divmod(numerator, denominator)
    whole = whole << bits
    rest = rest << bits
    if rounding == "truncate":
        return whole + rest // denominator
    quotient = whole + (2 * rest + denominator) // (2 * denominator)
    tie = (2 * rest + denominator) % (2 * denominator) == 0
    if rounding == "half_even":
        return quotient - (tie & (quotient & 1 == 1))
    if rounding == "half_away":
        return quotient - (tie & (numerator < 0))
    return quotient


def recompute(query: np.ndarray, key: np.ndarray, value: np.ndarray, kept: np.ndarray,
              multiplier: int, shift: int, widths: Widths = Widths(),
              rounding: Rounding = Rounding(), bias: Optional[np.ndarray] = None) -> np.ndarray:
    """Output codes R, i32 `[Sq, Dv]`, from codes `[Sq, D]`, `[Sk, D]`, `[Sk, Dv]`, kept keys
    `[Sq, Sk]` and codes of biases `[Sq, Sk]`.
    """
    limit = widths.code_limit
    largest_score = query.shape[1] * limit * limit
    scores = _exact_matmul(query, key.T, largest_score)
    if bias is not None:
        scores = scores + bias
        largest_score += BIAS_LIMIT
    some = kept.any(axis=1)
    maximum = np.where(kept, scores, _BELOW_EVERY_SCORE).max(axis=1)
    delta = np.where(kept, maximum[:, None] - scores, 0)

    addend = {"half_up": (1 << shift) >> 1, "truncate": 0, "up": (1 << shift) - 1}[rounding.index]
    if largest_score * 2 * multiplier + addend >= 1 << 63:
        raise ValueError(
            f"expected a head dimension whose scores fit 63 bits, got {query.shape[1]}")
    index = (delta * multiplier + addend) >> shift
    last = TABLE_INDICES - 1
    index = np.minimum(index, last) if rounding.index_limit == "saturate" else index & last
    weight = np.where(kept, exponents(widths, rounding)[index], 0)

    total = weight.sum(axis=1)
    if rounding.sum_limit == "saturate":
        total = np.minimum(total, (1 << widths.sum_bits) - 1)
    total = np.where(some, total, 1)[:, None]

    if widths.probability_bits == 0:
        bound = len(key) * limit << widths.exponent_fraction_bits
        numerator = _exact_matmul(weight, value, bound)
        codes = _scaled_quotient(numerator, total, OUTPUT_FRACTION_BITS, rounding.division)
    else:
        bits = widths.probability_bits
        probability = _scaled_quotient(weight, total, bits, rounding.probability)
        if rounding.probability_limit == "saturate":
            probability = np.minimum(probability, (1 << bits) - 1)
        # `none` leaves a probability of one, or more where the sum has saturated.
        bound = len(key) * limit << max(bits, widths.exponent_fraction_bits)
        numerator = _exact_matmul(probability, value, bound)
        saturated = 1 << (widths.accumulator_bits - 1)
        if rounding.accumulator_limit == "saturate":
            numerator = np.clip(numerator, -saturated, saturated - 1)
        elif rounding.accumulator_limit == "running":
            numerator = _running_sum(probability, value, saturated)
        codes = numerator << (OUTPUT_FRACTION_BITS - bits)
    return np.where(some[:, None], codes, 0).astype(np.int32)


def dequantize(codes: np.ndarray, steps: np.ndarray, rounding: Rounding = Rounding()) -> np.ndarray:
    """Outputs, f32, from output codes `[B, H, Sq, Dv]` and the values' steps `[B, G]` (step 7)."""
    step = _per_head(steps, codes.shape[1])[:, :, None, None]
    unit = np.float32(2.0**-OUTPUT_FRACTION_BITS)
    if rounding.dequantise == "codes_first":
        return (codes.astype(np.float32) * unit) * step
    if rounding.dequantise == "step_first":
        return codes.astype(np.float32) * (unit * step)
    return _toward_zero(codes.astype(np.float64) * float(unit) * step.astype(np.float64))


# The whole ---------------------------------------------------------------------------------------


def _thresholds(thresholds: Union[None, float, Sequence[float]], heads: int) -> np.ndarray:
    theta = np.asarray(-np.inf if thresholds is None else thresholds, np.float32)
    if theta.ndim == 0 or theta.shape == (1,):
        theta = np.full(heads, theta.item(), np.float32)
    if theta.shape != (heads,):
        raise ValueError(f"expected one threshold or {heads}, got shape {theta.shape}")
    if np.isnan(theta).any():
        raise ValueError("expected thresholds that are numbers, got NaN")
    return theta


def launch(query: np.ndarray, key: np.ndarray, value: np.ndarray, scale: float,
           thresholds: Union[None, float, Sequence[float]] = None, band: Optional[Band] = None,
           key_valid: Optional[np.ndarray] = None, mask: Optional[np.ndarray] = None,
           bias: Optional[np.ndarray] = None, query_segments: Optional[np.ndarray] = None,
           key_segments: Optional[np.ndarray] = None, dense: bool = False,
           widths: Widths = Widths(), rounding: Rounding = Rounding(),
           steps: Optional[FrozenSteps] = None, cache: Optional[Cache] = None) -> Launch:
    """One launch on f32 tensors `[B, H, Sq, D]`, `[B, G, Sk, D]` and `[B, G, Sk, Dv]`.

    With a `cache` keys and values are added to it, and Sk counts all that it has then.

    `thresholds` is in logit units, one or one a head; None keeps every allowed key. `key_valid` is
    bool `[B, Sk]`, `mask` bool and `bias` f32 `[B, H, Sq, Sk]`, of which each of the first three
    sizes may be 1; `query_segments` i32 `[B, Sq]` and `key_segments` i32 `[B, Sk]`. ValueError on
    what the page refuses.
    """
    query = _checked_operand("query", query)
    key = _checked_operand("key", key)
    value = _checked_operand("value", value)
    batches, heads, num_queries, head_dim = query.shape
    key_heads, num_keys, value_dim = value.shape[1:]
    if key.shape != (batches, key_heads, num_keys, head_dim) or value.shape[0] != batches:
        raise ValueError(f"expected shapes that fit, got {query.shape}, {key.shape}, {value.shape}")
    if heads % key_heads:
        raise ValueError(f"expected a number of key heads that divides {heads}, got {key_heads}")
    if cache is not None:
        if steps is not None:
            raise ValueError("expected no steps beside a cache, which has its own")
        steps = cache.steps
        num_keys += cache.length
    if steps is not None:
        for name, given, count in (("queries", steps.query, heads), ("keys", steps.key, key_heads),
                                   ("values", steps.value, key_heads)):
            _checked_steps(name, given, (batches, count))
    scores_shape = (batches, heads, num_queries, num_keys)
    masks = [tensor for tensor in (_checked_key_valid(key_valid, scores_shape),
                                   _checked_mask("mask", mask, bool, scores_shape),
                                   _checked_segments(query_segments, key_segments, scores_shape))
             if tensor is not None]
    bias = _checked_bias(bias, scores_shape)
    if not 2.0**-100 <= scale <= 2.0**100:
        raise ValueError(f"expected a scale between 2^-100 and 2^100, got {scale}")
    max_keys = widths.max_keys()
    if max_keys is not None and num_keys > max_keys:
        raise ValueError(f"expected at most {max_keys} keys, got {num_keys}")

    q = quantize(query, widths, rounding, steps and steps.query)
    k = quantize(key, widths, rounding, steps and steps.key)
    v = quantize(value, widths, rounding, steps and steps.value)
    saturated = q.saturated + k.saturated + v.saturated
    if cache is not None:
        cache.add(k, v)
        k, v = cache.key, cache.value
    params = parameters(scale, q.steps, k.steps, _thresholds(thresholds, heads), rounding)
    unit_of_score = logit_unit(scale, q.steps, k.steps, rounding)

    kept = np.empty((batches * heads, num_queries, num_keys), bool)
    retries = np.zeros((batches * heads, num_queries), np.int64)
    codes = np.empty((batches, heads, num_queries, value_dim), np.int32)
    allowed_scores = 0
    rows = max(1, CHUNK_SCORES // num_keys)
    for first in range(0, num_queries, rows):
        chunk = slice(first, min(first + rows, num_queries))
        positions = np.arange(chunk.start, chunk.stop)
        in_band = (band or Band()).allowed(positions, num_queries, num_keys)
        for b, h in np.ndindex(batches, heads):
            head, g = b * heads + h, h // (heads // key_heads)
            allowed = in_band
            for tensor in masks:
                allowed = allowed & tensor[b, h, chunk]
            head_bias = None
            if bias is not None:
                head_bias = bias_codes(bias[b, h, chunk], unit_of_score[b, h], rounding)
                allowed = in_reach(head_bias, allowed, head_dim, int(params.multiplier[b, h]),
                                   int(params.shift[b, h]), rounding)
            allowed_scores += int(np.count_nonzero(allowed))
            if dense:
                kept[head, chunk] = allowed
            else:
                approximate = _exact_matmul(high_nibble(q.codes[b, h, chunk], widths, rounding),
                                            high_nibble(k.codes[b, g], widths, rounding).T,
                                            64 * head_dim)
                if head_bias is not None:
                    approximate = approximate + approximate_bias(head_bias, rounding)
                kept[head, chunk], retries[head, chunk] = prune(
                    approximate, allowed, int(params.threshold[b, h]), rounding)
            codes[b, h, chunk] = recompute(q.codes[b, h, chunk], k.codes[b, g], v.codes[b, g],
                                           kept[head, chunk], int(params.multiplier[b, h]),
                                           int(params.shift[b, h]), widths, rounding, head_bias)
    return Launch(dequantize(codes, v.steps, rounding), codes, kept, retries, allowed_scores, q, k,
                  v, params, saturated)


# Section 8 ---------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class EmptyRow:
    """What queries without an allowed key yield."""

    kind: str = "zero"  #: or "uniform" or "nan"
    masked_logit: Optional[float] = None  #: what the source adds to the score of a masked key
    type: str = "f32"  #: in which it does: or "f16" or "bf16"

    def rounded(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers rounded to that type, as f32."""
        with np.errstate(over="ignore"):
            if self.type == "f16":
                return numbers.astype(np.float16).astype(np.float32)
            numbers = numbers.astype(np.float32)
            if self.type == "f32":
                return numbers
            bits = numbers.view(np.uint32)
            odd = (bits >> np.uint32(16)) & np.uint32(1)
            bits = (bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)
            return bits.view(np.float32)


def fill_empty_rows(output: np.ndarray, query: np.ndarray, key: np.ndarray, value: np.ndarray,
                    scale: float, empty_row: EmptyRow, band: Optional[Band] = None,
                    key_valid: Optional[np.ndarray] = None, mask: Optional[np.ndarray] = None,
                    bias: Optional[np.ndarray] = None,
                    query_segments: Optional[np.ndarray] = None,
                    key_segments: Optional[np.ndarray] = None) -> Tuple[np.ndarray, np.ndarray]:
    """`output` with the rows of queries without an allowed key replaced, and which these are,
    `[B, H, Sq]`. The other arguments are those of a launch.
    """
    batches, heads, num_queries, _ = query.shape
    key_heads, num_keys = value.shape[1:3]
    shape = (batches, heads, num_queries, num_keys)
    passes = np.broadcast_to(
        (band or Band()).allowed(np.arange(num_queries), num_queries, num_keys), shape)
    for tensor in (_checked_key_valid(key_valid, shape), _checked_mask("mask", mask, bool, shape),
                   _checked_segments(query_segments, key_segments, shape)):
        if tensor is not None:
            passes = passes & tensor
    bias = _checked_bias(bias, shape)
    allowed = passes if bias is None else passes & (bias > MASKING_BIAS)
    is_empty = ~allowed.any(axis=3)
    output = output.copy()
    for b, h, i in np.argwhere(is_empty):
        g = h // (heads // key_heads)
        row = np.float32(np.nan if empty_row.kind == "nan" else 0)
        if empty_row.kind == "uniform":
            row = value[b, g].mean(axis=0, dtype=np.float64)
        if empty_row.masked_logit is not None:
            masked = empty_row.rounded(np.array(empty_row.masked_logit))
            logits = empty_row.rounded((key[b, g] @ query[b, h, i]) * np.float32(scale))
            with np.errstate(over="ignore"):
                if bias is not None:
                    logits = empty_row.rounded(logits + bias[b, h, i])
                logits = np.where(passes[b, h, i], logits, empty_row.rounded(logits + masked))
            if np.isfinite(logits.max()):
                row = _softmax(logits.astype(np.float64)[None], None, value[b, g])[0]
        output[b, h, i] = row
    return output, is_empty


# What a launch is judged by ----------------------------------------------------------------------


def _softmax(logits: np.ndarray, kept: Optional[np.ndarray], values: np.ndarray) -> np.ndarray:
    if kept is not None:
        logits = np.where(kept, logits, -np.inf)
    maximum = logits.max(axis=-1, keepdims=True)
    weights = np.exp(logits - np.where(np.isfinite(maximum), maximum, 0))
    total = weights.sum(axis=-1, keepdims=True)
    return (weights @ values) / np.where(total, total, 1)


def softmax_over_codes(query: Codes, key: Codes, value: Codes, scale: float,
                       kept: Optional[np.ndarray] = None,
                       bias: Optional[np.ndarray] = None) -> np.ndarray:
    """f64 softmax over the codes' values, on exactly the kept keys `[B * H, Sq, Sk]`, or on all,
    with biases as a launch takes them, of which none masks a kept key.

    A query that keeps nothing gives zeros. What is left of a launch's error against it comes from
    the integer softmax alone.
    """
    unit = logit_unit(scale, query.steps, key.steps)[:, :, None, None]
    values = value.codes * value.steps.astype(np.float64)[:, :, None, None]
    if bias is not None:
        bias = np.where(bias > MASKING_BIAS, np.rint(bias / unit) * unit, bias)
    return _attention(query.codes * unit, key.codes, values, 1.0, kept, bias)


def dense_float(query: np.ndarray, key: np.ndarray, value: np.ndarray, scale: float,
                kept: Optional[np.ndarray] = None,
                bias: Optional[np.ndarray] = None) -> np.ndarray:
    """f64 softmax(scale q k^T + bias) v of the floats themselves, over the kept keys
    `[B * H, Sq, Sk]`, or over all.
    """
    return _attention(query, key, value, scale, kept, bias)


def _attention(query: np.ndarray, key: np.ndarray, value: np.ndarray, scale: float,
               kept: Optional[np.ndarray], bias: Optional[np.ndarray]) -> np.ndarray:
    batches, heads, num_queries, _ = query.shape
    num_keys = key.shape[2]
    group = heads // key.shape[1]
    if bias is not None:
        bias = np.broadcast_to(bias, (batches, heads, num_queries, num_keys))
    output = np.empty((batches, heads, num_queries, value.shape[3]))
    rows = max(1, CHUNK_SCORES // num_keys)
    for b, h in np.ndindex(batches, heads):
        transposed = key[b, h // group].T.astype(np.float64)
        values = value[b, h // group].astype(np.float64)
        for first in range(0, num_queries, rows):
            chunk = slice(first, first + rows)
            logits = (query[b, h, chunk].astype(np.float64) @ transposed) * scale
            if bias is not None:
                logits = logits + bias[b, h, chunk]
            mask = None if kept is None else kept[b * heads + h, chunk]
            output[b, h, chunk] = _softmax(logits, mask, values)
    return output


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """Frobenius norm of the difference over that of `expected`; 0 where both are zero."""
    norm = np.linalg.norm(np.asarray(expected, np.float64).ravel())
    difference = np.linalg.norm((np.asarray(actual, np.float64) - expected).ravel())
    return float(difference / norm) if norm else float(difference > 0)
