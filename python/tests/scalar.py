# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/numerics.md once more, number by number, in integers and fractions: what the NumPy reference
is held against.

Shares nothing with sprint/reference.py: f32 and f64 are rounded here by hand, and the exponent
tables come from `decimal`.
"""

import decimal
import math
import struct
from fractions import Fraction


def bits_of(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def round_half_even(value):
    whole = math.floor(value)
    rest = value - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2):
        whole += 1
    return whole


def f32(value):
    """The nearest f32 of a fraction, ties to even, as a fraction; subnormals included."""
    if value == 0:
        return Fraction(0)
    exponent = max(math.frexp(float(abs(value)))[1] - 24, -149)
    # frexp of the f64 may be one too high where that rounded up to a power of two; the spacing
    # below is then right anyway.
    unit = Fraction(2) ** exponent
    if abs(value) < (1 << 23) * unit and exponent > -149:
        unit /= 2
    return round_half_even(value / unit) * unit


def f64(value):
    """The nearest f64 of a fraction (Python divides integers with one rounding, ties to even)."""
    return Fraction(value.numerator / value.denominator)


def table(denominator):
    with decimal.localcontext() as context:
        context.prec = 50
        return [int((65536 * (decimal.Decimal(-n) / denominator).exp())
                    .to_integral_value(decimal.ROUND_HALF_EVEN)) for n in range(128)]


H = table(8)
L = table(1024)


def quantize(head, limit):
    """Codes and step of one head, a list of tokens of channels."""
    amax = max(abs(Fraction(x)) for token in head for x in token)
    step = f32(amax / limit)
    if step < Fraction(1, 2**126):
        step = Fraction(1)
    return [[min(max(round_half_even(f32(Fraction(x) / step)), -limit), limit) for x in token]
            for token in head], step


def head(query, key, value, scale, theta, allows, bias_of, widths):
    """Outputs, output codes, kept keys and retries of one head; lists of lists of floats in, f32 as
    fractions out. `allows` and `bias_of` are functions of a query and a key; `bias_of` may be None.
    """
    centred = widths.nibble == "centred"
    limit = 119 if centred else 127
    q, q_step = quantize(query, limit)
    k, k_step = quantize(key, limit)
    v, v_step = quantize(value, limit)

    def hi(code):
        return math.floor(Fraction(code + (8 if centred else 0), 16))

    unit_of_score = f64(f64(Fraction(scale) * q_step) * k_step)
    if theta == -math.inf:
        threshold = -(2**30)
    else:
        quotient = Fraction(theta) / f64(unit_of_score * 256)
        # Beyond the clamp the rounding of the quotient does not matter, and it might not fit an
        # f64.
        threshold = math.ceil(f64(quotient) if abs(quotient) < 2**40 else quotient)
        threshold = min(max(threshold, -(2**30)), 2**30)
    bits = bits_of(float(unit_of_score))
    fraction, exponent = bits & (2**52 - 1), bits >> 52
    multiplier = (2**52 + fraction + 2**21) // 2**22
    shift = min(max(1053 - 10 - exponent, 0), 62)

    outputs, codes, masks, retries = [], [], [], []
    for i, row in enumerate(q):
        approximate = [sum(hi(a) * hi(b) for a, b in zip(row, other)) for other in k]
        allowed = [j for j in range(len(k)) if allows(i, j)]
        bias_code = [0] * len(k)
        if bias_of:
            allowed = [j for j in allowed if bias_of(i, j) > -(2.0**20)]
            for j in allowed:
                code = round_half_even(f64(Fraction(bias_of(i, j)) / unit_of_score))
                bias_code[j] = min(max(code, -(2**29)), 2**29)
                # Rounded half up.
                approximate[j] += math.floor(Fraction(bias_code[j], 256) + Fraction(1, 2))

            def can_weigh(j, highest=max((bias_code[j] for j in allowed), default=0)):
                most = bias_code[j] - highest + 2**15 * len(row)
                return Fraction(-most * multiplier, 2**shift) + Fraction(min(shift, 1), 2) < 12160
            allowed = [j for j in allowed if can_weigh(j)]
        r = 0
        if allowed:
            best = max(approximate[j] for j in allowed)
            while threshold - (2**r - 1) > best:
                r += 1
        kept = [j for j in allowed if approximate[j] >= threshold - (2**r - 1)]
        retries.append(r)
        masks.append([j in kept for j in range(len(k))])
        if not kept:
            codes.append([0] * len(v[0]))
            outputs.append([Fraction(0)] * len(v[0]))
            continue
        score = {j: sum(a * b for a, b in zip(row, k[j])) + bias_code[j] for j in kept}
        best = max(score.values())
        e = {}
        ef = widths.exponent_fraction_bits
        for j in kept:
            t = (best - score[j]) * multiplier + 2**shift // 2
            t = min(t // 2**shift, 2**14 - 1)
            e[j] = (H[t // 128] * L[t % 128] + 2**(31 - ef)) // 2**(32 - ef)
        z = min(sum(e.values()), 2**widths.sum_bits - 1)
        p_bits = widths.probability_bits
        if p_bits:
            p = {j: min(math.floor(Fraction(e[j] * 2**p_bits, z) + Fraction(1, 2)), 2**p_bits - 1)
                 for j in kept}
            top = 2**(widths.accumulator_bits - 1)
            n = [min(max(sum(p[j] * v[j][c] for j in kept), -top), top - 1)
                 for c in range(len(v[0]))]
            code = [x * 2**(16 - p_bits) for x in n]
        else:
            n = [sum(e[j] * v[j][c] for j in kept) for c in range(len(v[0]))]
            code = [math.floor(Fraction(x * 2**16, z) + Fraction(1, 2)) for x in n]
        codes.append(code)
        outputs.append([f32(f32(f32(Fraction(x)) / 2**16) * v_step) for x in code])
    return outputs, codes, masks, retries
