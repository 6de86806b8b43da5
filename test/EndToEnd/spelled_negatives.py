# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Computations near attentions: what is none, what is one in disguise, and what may be taken either
way. Raising what is none is right where the value is.
"""

import math
import zlib

import numpy as np

from linalg_text import Function, identity
from spelled_attention import Case, round_to, softmax

H, Q, K, D, E = 2, 8, 12, 16, 8
SCALE = 1 / math.sqrt(D)
ROW, FULL = (0, 1), (0, 1, 2)
INFINITY = math.inf


class Near:
    """One head-batched attention without frills, in pieces that a case changes."""

    def __init__(self, name, queries=Q, keys=K, channels=E):
        self.f = Function("main")
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.arrays = []
        self.Q, self.K, self.E = queries, keys, channels
        self.q, self.tq = self.input(H, queries, D)
        self.k, self.tk = self.input(H, keys, D)
        self.v, self.tv = self.input(H, keys, channels)
        self.meant = self.q @ self.k.swapaxes(-1, -2) * SCALE

    def input(self, *shape, spread=1.0, values=None, kind="f32"):
        array = round_to(self.rng.normal(size=shape) * spread, "f32") if values is None else values
        self.arrays.append(array)
        return array, self.f.argument(array.shape, kind)

    # Pieces ---------------------------------------------------------------------------------------

    def ew(self, body, *operands, shape=None, kind="f32"):
        """An elementwise generic; operands are tensors, or (tensor, map)."""
        operands = [o if isinstance(o, tuple) else (o, identity(o.rank)) for o in operands]
        shape = shape or operands[0][0].shape
        return self.f.elementwise(operands, shape, kind, body)

    def arith(self, name, a, b, shape=None):
        return self.ew(lambda x, y: self.f.op(f"arith.{name}", x, y), a, b, shape=shape)

    def number(self, name, a, value):
        return self.ew(lambda x: self.f.op(f"arith.{name}", x, self.f.constant(value, "f32")), a)

    def math(self, name, a):
        return self.ew(lambda x: self.f.op(f"math.{name}", x), a)

    def over(self, name, x, start, dimension=-1):
        dimension %= x.rank
        kept = tuple(d for d in range(x.rank) if d != dimension)
        init = self.f.fill(start, tuple(x.shape[d] for d in kept), x.kind)
        return self.f.generic([(x, identity(x.rank))], (init, kept),
                              lambda a, out: self.f.op(name, a, out), [dimension], x.rank)

    def top(self, x):
        return self.over("arith.maximumf", x, -INFINITY)

    def sum(self, x, start=0.0, dimension=-1):
        return self.over("arith.addf", x, start, dimension)

    def product(self, a, b, c=None):
        """a [H, m, c] times b [H, c, n]."""
        out = self.f.fill(0.0, (a.shape[0], a.shape[1], b.shape[2]), "f32")
        return self.f.named("batch_matmul", [a, b], out)

    def scores(self, q=None, k=None, scale=SCALE):
        x = self.product(q or self.tq, self.f.transpose(k or self.tk, (0, 2, 1)))
        return self.number("mulf", x, scale) if scale else x

    def exponentials(self, x, row=None):
        row = row or self.top(x)
        return self.math("exp", self.arith("subf", x, (row, ROW)))

    def softmax(self, x):
        e = self.exponentials(x)
        return self.arith("divf", e, (self.sum(e), ROW))

    def select(self, mask, a, number, negate=False):
        """a where the i1 operand is true, else the number."""
        def body(m, x):
            c = self.f.constant(number, "f32")
            return self.f.select(m, *((c, x) if negate else (x, c)))
        return self.ew(body, mask, a, shape=a.shape)

    def case(self, name, result, expected, expectation="never", optional=False, attentions=1):
        results = result if isinstance(result, (list, tuple)) else [result]
        self.f.give(*results)
        expected = list(expected) if isinstance(expected, (list, tuple)) else [expected]
        return Case(f"{expectation}-{name}", self.f.text(), self.arrays, expected, expectation,
                    attentions=attentions, values={"near": expectation}, remark_optional=optional)


CASES = {}


def near(expectation="never", **options):
    """Registers a function from a Near to a result and what it should be."""
    sizes = {k: options.pop(k) for k in ("queries", "keys", "channels") if k in options}

    def register(function):
        name = function.__name__.strip("_").replace("_", "-")

        def make():
            n = Near(name, **sizes)
            result, expected = function(n)
            return n.case(name, result, expected, expectation, **options)

        CASES[name] = make
        return function

    return register


def cases():
    for make in CASES.values():
        yield make()


# No attentions -----------------------------------------------------------------------------------


@near(queries=12)
def softmax_over_queries(n):
    x = n.scores()
    e = n.math("exp", n.arith("subf", x, (n.over("arith.maximumf", x, -INFINITY, 1), (0, 2))))
    p = n.arith("divf", e, (n.sum(e, dimension=1), (0, 2)))
    return n.product(p, n.tv), softmax(n.meant.swapaxes(1, 2)).swapaxes(1, 2) @ n.v


@near(queries=2)
def softmax_over_heads(n):
    x = n.scores()
    e = n.math("exp", n.arith("subf", x, (n.over("arith.maximumf", x, -INFINITY, 0), (1, 2))))
    p = n.arith("divf", e, (n.sum(e, dimension=0), (1, 2)))
    return n.product(p, n.tv), softmax(n.meant.transpose(1, 2, 0)).transpose(2, 0, 1) @ n.v


@near()
def softmax_over_queries_and_keys(n):
    x = n.scores()
    top = n.over("arith.maximumf", n.top(x), -INFINITY)
    e = n.math("exp", n.arith("subf", x, (top, (0,))))
    p = n.arith("divf", e, (n.sum(n.sum(e)), (0,)))
    return n.product(p, n.tv), softmax(n.meant.reshape(H, -1)).reshape(n.meant.shape) @ n.v


@near()
def denominator_of_other_scores(n):
    x = n.scores()
    e, other = n.exponentials(x), n.math("exp", x)
    m = n.meant
    expected = np.exp(m - m.max(-1, keepdims=True)) / np.exp(m).sum(-1, keepdims=True) @ n.v
    return n.product(n.arith("divf", e, (n.sum(other), ROW)), n.tv), expected


@near()
def denominator_of_twice_the_scores(n):
    x = n.scores()
    row = n.top(x)
    e = n.exponentials(x, row)
    other = n.exponentials(n.number("mulf", x, 2.0), row)
    m, top = n.meant, n.meant.max(-1, keepdims=True)
    expected = np.exp(m - top) / np.exp(2 * m - top).sum(-1, keepdims=True) @ n.v
    return n.product(n.arith("divf", e, (n.sum(other), ROW)), n.tv), expected


@near()
def denominator_of_other_keys(n):
    """Scores with a second set of keys in the denominator."""
    other, t = n.input(H, K, D)
    x, y = n.scores(), n.scores(k=t)
    row = n.top(x)
    z = n.sum(n.exponentials(y, row))
    m, o = n.meant, n.q @ other.swapaxes(-1, -2) * SCALE
    top = m.max(-1, keepdims=True)
    return (n.product(n.arith("divf", n.exponentials(x, row), (z, ROW)), n.tv),
            np.exp(m - top) / np.exp(o - top).sum(-1, keepdims=True) @ n.v)


@near()
def two_row_values(n):
    """The numerator has its maximum subtracted, the denominator something else."""
    c, t = n.input(H, Q)
    x = n.scores()
    m, top = n.meant, n.meant.max(-1, keepdims=True)
    z = n.sum(n.exponentials(x, t))
    return (n.product(n.arith("divf", n.exponentials(x), (z, ROW)), n.tv),
            np.exp(m - top) / np.exp(m - c[..., None]).sum(-1, keepdims=True) @ n.v)


@near()
def weight_of_keys(n):
    w, t = n.input(H, K)
    p = n.arith("mulf", n.softmax(n.scores()), (t, (0, 2)))
    return n.product(p, n.tv), softmax(n.meant) * w[:, None] @ n.v


@near()
def random_dropout(n):
    kept = (n.rng.random((H, Q, K)) < 0.9) / 0.9
    w, t = n.input(values=round_to(kept, "f32"))
    return n.product(n.arith("mulf", n.softmax(n.scores()), t), n.tv), softmax(n.meant) * w @ n.v


def _mask(n, probability=0.6):
    allowed = n.rng.random((H, Q, n.K)) < probability
    allowed[..., 0] = True
    return n.input(values=allowed, kind="i1")


@near()
def sum_over_another_mask(n):
    a, ta = _mask(n)
    b, tb = _mask(n)
    x = n.scores()
    e = n.exponentials(x)
    z = n.sum(n.select(tb, e, 0.0))
    w = np.exp(n.meant - n.meant.max(-1, keepdims=True))
    return (n.product(n.arith("divf", n.select(ta, e, 0.0), (z, ROW)), n.tv),
            w * a / (w * b).sum(-1, keepdims=True) @ n.v)


@near()
def masked_after_the_sum(n):
    """Not renormalised, as where(mask, softmax(x), 0)."""
    a, ta = _mask(n)
    p = n.select(ta, n.softmax(n.scores()), 0.0)
    return n.product(p, n.tv), softmax(n.meant) * a @ n.v


@near()
def masked_again_by_another_mask(n):
    a, ta = _mask(n)
    b, tb = _mask(n)
    p = n.softmax(n.select(ta, n.scores(), -INFINITY))
    return n.product(n.select(tb, p, 0.0), n.tv), softmax(n.meant, a) * b @ n.v


@near(optional=True)
def sigmoid(n):
    x = n.scores()
    one = n.f.constant(1.0, "f32")

    def body(a):
        e = n.f.op("math.exp", n.f.op("arith.negf", a))
        return n.f.op("arith.divf", one, n.f.op("arith.addf", e, one))
    return n.product(n.ew(body, x), n.tv), 1 / (1 + np.exp(-n.meant)) @ n.v


@near(optional=True)
def relu(n):
    p = n.number("maximumf", n.scores(), 0.0)
    return n.product(p, n.tv), np.maximum(n.meant, 0) @ n.v


@near(optional=True)
def relu_normalised(n):
    p = n.number("addf", n.number("maximumf", n.scores(), 0.0), 1e-3)
    w = np.maximum(n.meant, 0) + 1e-3
    return (n.product(n.arith("divf", p, (n.sum(p), ROW)), n.tv),
            w / w.sum(-1, keepdims=True) @ n.v)


@near(optional=True)
def squared_norm(n):
    """x^2 / sum x^2."""
    x = n.scores()
    p = n.arith("mulf", x, x)
    w = n.meant**2
    return (n.product(n.arith("divf", p, (n.sum(p), ROW)), n.tv),
            w / w.sum(-1, keepdims=True) @ n.v)


@near()
def softcap(n):
    x = n.number("mulf", n.math("tanh", n.number("divf", n.scores(), 2.0)), 2.0)
    return n.product(n.softmax(x), n.tv), softmax(2 * np.tanh(n.meant / 2)) @ n.v


@near()
def top_two(n):
    x = n.scores()
    first = n.top(x)

    def below(a, m):
        return n.f.select(n.f.compare("oge", a, m), n.f.constant(-INFINITY, "f32"), a)
    second = n.top(n.ew(below, x, (first, ROW)))

    def kept(a, m):
        return n.f.select(n.f.compare("oge", a, m), a, n.f.constant(-INFINITY, "f32"))
    y = n.ew(kept, x, (second, ROW))
    limit = np.sort(n.meant, -1)[..., -2:-1]
    return n.product(n.softmax(y), n.tv), softmax(n.meant, n.meant >= limit) @ n.v


@near()
def threshold_of_scores(n):
    """Scores below zero do not count; each row has one above."""
    x = n.scores()
    y = n.ew(lambda a: n.f.select(n.f.compare("ogt", a, n.f.constant(-0.5, "f32")), a,
                                  n.f.constant(-1e9, "f32")), x)
    return n.product(n.softmax(y), n.tv), softmax(n.meant, n.meant > -0.5) @ n.v


@near()
def sink_in_the_sum(n):
    """A logit of each head counts in the denominator alone."""
    c, t = n.input(H)
    x = n.scores()
    row = n.top(x)
    e = n.exponentials(x, row)
    extra = n.math("exp", n.arith("subf", (t, (0,)), row, shape=(H, Q)))
    z = n.arith("addf", n.sum(e), extra)
    w = np.exp(n.meant)
    return (n.product(n.arith("divf", e, (z, ROW)), n.tv),
            w / (w.sum(-1, keepdims=True) + np.exp(c)[:, None, None]) @ n.v)


@near()
def sink_column(n):
    """The same as a column beside the scores that is cut off again."""
    c, t = n.input(H, Q, 1)
    f, x = n.f, n.scores()
    wide = f.empty((H, Q, K + 1), "f32")

    def insert(source, target, offset):
        name = f.fresh()
        f.line(f"{name} = tensor.insert_slice {source.name} into {target.name}[0, 0, {offset}] "
               f"[{', '.join(map(str, source.shape))}] [1, 1, 1] : {source.type} into "
               f"{target.type}")
        return type(target)(name, target.shape, target.kind)

    p = n.softmax(insert(t, insert(x, wide, 0), K))
    cut = type(p)(f.fresh(), (H, Q, K), "f32")
    f.line(f"{cut.name} = tensor.extract_slice {p.name}[0, 0, 0] [{H}, {Q}, {K}] [1, 1, 1] : "
           f"{p.type} to {cut.type}")
    w = np.exp(n.meant)
    return n.product(cut, n.tv), w / (w.sum(-1, keepdims=True) + np.exp(c)) @ n.v


@near()
def sum_from_one(n):
    """exp(x) / (1 + sum exp(x))."""
    e = n.exponentials(n.scores())
    w = np.exp(n.meant - n.meant.max(-1, keepdims=True))
    return (n.product(n.arith("divf", e, (n.sum(e, 1.0), ROW)), n.tv),
            w / (1 + w.sum(-1, keepdims=True)) @ n.v)


@near()
def sum_with_a_large_constant(n):
    e = n.exponentials(n.scores())
    w = np.exp(n.meant - n.meant.max(-1, keepdims=True))
    return (n.product(n.arith("divf", e, (n.number("addf", n.sum(e), 0.5), ROW)), n.tv),
            w / (0.5 + w.sum(-1, keepdims=True)) @ n.v)


@near()
def sum_of_some_keys(n):
    """The last key is not in the sum: a product with ones and a zero."""
    e = n.exponentials(n.scores())
    ones = np.ones((K, 1))
    ones[-1] = 0
    t = n.f.array_constant(ones, "f32")
    flat = n.f.reshape(e, (H * Q, K))
    z = n.f.named("matmul", [flat, t], n.f.fill(0.0, (H * Q, 1), "f32"))
    z = n.f.reshape(z, (H, Q))
    w = np.exp(n.meant - n.meant.max(-1, keepdims=True))
    return (n.product(n.arith("divf", e, (z, ROW)), n.tv),
            w / w[..., :-1].sum(-1, keepdims=True) @ n.v)


@near()
def numerator_not_exponential(n):
    """x / sum exp(x)."""
    x = n.scores()
    z = n.sum(n.math("exp", x))
    return (n.product(n.arith("divf", x, (z, ROW)), n.tv),
            n.meant / np.exp(n.meant).sum(-1, keepdims=True) @ n.v)


@near()
def probabilities_squared(n):
    p = n.softmax(n.scores())
    return n.product(n.arith("mulf", p, p), n.tv), softmax(n.meant)**2 @ n.v


@near()
def softmax_twice(n):
    p = n.softmax(n.softmax(n.scores()))
    return n.product(p, n.tv), softmax(softmax(n.meant)) @ n.v


@near()
def softmax_plus_identity(n):
    w, t = n.input(H, Q, K)
    return n.product(n.arith("addf", n.softmax(n.scores()), t), n.tv), (softmax(n.meant) + w) @ n.v


@near(keys=8)
def values_over_queries(n):
    """The transposed probabilities times the values."""
    p = n.softmax(n.scores())
    return n.product(n.f.transpose(p, (0, 2, 1)), n.tv), softmax(n.meant).swapaxes(1, 2) @ n.v


@near()
def mean_of_heads(n):
    """The probabilities' sum over heads times the values of each head."""
    p = n.sum(n.softmax(n.scores()), dimension=0)
    whole = n.f.broadcast(p, (H, Q, K), [0])
    return n.product(whole, n.tv), softmax(n.meant).sum(0)[None] @ n.v


@near()
def talking_heads(n):
    """Scores mixed between heads before the softmax."""
    w, t = n.input(H, H)
    f, x = n.f, n.scores()

    def body(a, b, out):
        return f.op("arith.addf", out, f.op("arith.mulf", a, b))
    mixed = f.generic([(t, (0, 1)), (x, (1, 2, 3))], (f.fill(0.0, x.shape, "f32"), (0, 2, 3)), body,
                      [1], 4)
    return n.product(n.softmax(mixed), n.tv), \
        softmax(np.einsum("gh,hij->gij", w, n.meant)) @ n.v


@near(optional=True)
def linear(n):
    """softmax(q) times (softmax(k^T) times v): no scores."""
    kt = n.f.transpose(n.tk, (0, 2, 1))
    context = n.product(n.softmax(kt), n.tv)
    return (n.product(n.softmax(n.tq), context),
            softmax(n.q) @ (softmax(n.k.swapaxes(1, 2)) @ n.v))


@near()
def returned_probabilities(n):
    p = n.softmax(n.scores())
    return [n.product(p, n.tv), p], [softmax(n.meant) @ n.v, softmax(n.meant)]


@near()
def probabilities_used_twice(n):
    """Their entropy is a result, too."""
    p = n.softmax(n.scores())
    entropy = n.sum(n.arith("mulf", p, n.math("log", p)))
    m = softmax(n.meant)
    return [n.product(p, n.tv), entropy], [m @ n.v, (m * np.log(m)).sum(-1)]


@near("either")
def returned_scores(n):
    """Scores before the softmax are a result as well; the attention is one all the same."""
    x = n.scores()
    return [n.product(n.softmax(x), n.tv), x], [softmax(n.meant) @ n.v, n.meant]


@near()
def scores_of_a_cube(n):
    x = n.scores()
    cube = n.arith("mulf", n.arith("mulf", x, x), x)
    return n.product(n.softmax(cube), n.tv), softmax(n.meant**3) @ n.v


@near(optional=True)
def distances(n):
    """Negative distances |q - k| are no product of q and k."""
    f = n.f

    def body(a, b):
        return f.op("math.absf", f.op("arith.subf", a, b))
    d = f.elementwise([(n.tq, (0, 1, 3)), (n.tk, (0, 2, 3))], (H, Q, K, D), "f32", body)
    x = n.number("mulf", n.sum(d), -0.3)
    m = -0.3 * np.abs(n.q[:, :, None] - n.k[:, None]).sum(-1)
    return n.product(n.softmax(x), n.tv), softmax(m) @ n.v


@near(optional=True)
def pooling(n):
    """Learned scores, no queries."""
    w, t = n.input(H, Q, K)
    return n.product(n.softmax(t), n.tv), softmax(w) @ n.v


@near()
def online_blocks(n):
    """A recurrence over blocks of keys."""
    f, block = n.f, 4
    zero, end, step = (f.constant(c, "index") for c in (0, K, block))
    top = f.fill(-INFINITY, (H, Q), "f32")
    total = f.fill(0.0, (H, Q), "f32")
    out = f.fill(0.0, (H, Q, E), "f32")
    types = f"{top.type}, {total.type}, {out.type}"
    result, j = f.fresh(), f.fresh()
    carried = [type(t)(f.fresh(), t.shape, t.kind) for t in (top, total, out)]
    start = ", ".join(f"{c.name} = {i.name}" for c, i in zip(carried, (top, total, out)))
    f.line(f"{result}:3 = scf.for {j} = {zero.name} to {end.name} step {step.name} "
           f"iter_args({start}) -> ({types}) {{")
    f.indent += 1

    def part(tensor, width):
        piece = type(tensor)(f.fresh(), (H, block, width), "f32")
        f.line(f"{piece.name} = tensor.extract_slice {tensor.name}[0, {j}, 0] "
               f"[{H}, {block}, {width}] [1, 1, 1] : {tensor.type} to {piece.type}")
        return piece
    m0, l0, o0 = carried
    f_constants, f.constants = f.constants, dict(f.constants)
    x = n.scores(k=part(n.tk, D))
    m1 = n.arith("maximumf", m0, n.top(x))
    shrink = n.math("exp", n.arith("subf", m0, m1))
    e = n.exponentials(x, m1)
    l1 = n.arith("addf", n.arith("mulf", l0, shrink), n.sum(e))
    o1 = n.arith("addf", n.arith("mulf", o0, (shrink, ROW)), n.product(e, part(n.tv, E)))
    f.line(f"scf.yield {m1.name}, {l1.name}, {o1.name} : {types}")
    f.indent -= 1
    f.constants = f_constants
    f.line("}")
    last = [type(t)(f"{result}#{i}", t.shape, t.kind) for i, t in enumerate((top, total, out))]
    return n.arith("divf", last[2], (last[1], ROW)), softmax(n.meant) @ n.v


@near()
def key_dependent_shift_of_the_numerator(n):
    """exp(x - c_j) over the sum of exp(x - max)."""
    c, t = n.input(H, K)
    x = n.scores()
    row = n.top(x)
    e = n.math("exp", n.arith("subf", n.arith("subf", x, (row, ROW)), (t, (0, 2))))
    z = n.sum(n.exponentials(x, row))
    return (n.product(n.arith("divf", e, (z, ROW)), n.tv),
            softmax(n.meant) * np.exp(-c)[:, None] @ n.v)


@near()
def division_by_a_sum_of_keys(n):
    """The sum over queries, read at the key: the map is (h, j)."""
    e = n.exponentials(n.scores())
    p = n.arith("divf", e, (n.sum(e, dimension=1), (0, 2)))
    w = np.exp(n.meant - n.meant.max(-1, keepdims=True))
    return n.product(p, n.tv), w / w.sum(1, keepdims=True) @ n.v


@near(queries=12)
def sum_read_at_the_key(n):
    """As many queries as keys: the sum of row i divides column i."""
    e = n.exponentials(n.scores())
    p = n.arith("divf", e, (n.sum(e), (0, 2)))
    w = np.exp(n.meant - n.meant.max(-1, keepdims=True))
    return n.product(p, n.tv), w / w.sum(-1)[:, None, :] @ n.v


@near(queries=12)
def maximum_read_at_the_key(n):
    """The maximum of row j is subtracted from column j, in the numerator and not in the sum."""
    x = n.scores()
    top = n.top(x)
    e = n.math("exp", n.arith("subf", x, (top, (0, 2))))
    z = n.sum(n.exponentials(x))
    m = n.meant.max(-1)
    w = np.exp(n.meant - n.meant.max(-1, keepdims=True))
    return (n.product(n.arith("divf", e, (z, ROW)), n.tv),
            np.exp(n.meant - m[:, None, :]) / w.sum(-1, keepdims=True) @ n.v)


@near()
def other_heads_sum(n):
    """Each head divides by the sum of the other one."""
    f = n.f
    e = n.exponentials(n.scores())
    z = n.sum(e)

    def body(a):
        h = f.op("arith.subi", f.constant(1, "index"), f.index(0))
        return f.op("arith.divf", a, f.extract(z, h, f.index(1)))
    w = np.exp(n.meant - n.meant.max(-1, keepdims=True))
    return n.product(n.ew(body, e), n.tv), w / w.sum(-1, keepdims=True)[::-1] @ n.v


@near(queries=12)
def transposed_sum(n):
    """A reshape that moves more than unit dimensions stands between sum and division."""
    f = n.f
    e = n.exponentials(n.scores())
    z = f.transpose(n.sum(e), (1, 0))
    z = f.reshape(f.reshape(z, (12 * H,)), (H, 12))
    w = np.exp(n.meant - n.meant.max(-1, keepdims=True))
    total = w.sum(-1).T.reshape(H, 12)
    return n.product(n.arith("divf", e, (z, ROW)), n.tv), w / total[..., None] @ n.v


@near()
def scrambled_probabilities(n):
    """Collapsed and expanded to other sizes: (query, key) pairs change places."""
    f = n.f
    p = n.softmax(n.scores())
    p = f.reshape(f.reshape(p, (H * Q * K,)), (H, K, Q))
    p = f.transpose(p, (0, 2, 1))
    expected = softmax(n.meant).reshape(H, K, Q).swapaxes(1, 2) @ n.v
    return n.product(p, n.tv), expected


# Attentions in disguise --------------------------------------------------------------------------


@near("raise")
def cosine(n):
    """q and k normalised; a temperature instead of the scale."""
    def unit(x):
        norm = n.math("sqrt", n.number("addf", n.sum(n.arith("mulf", x, x)), 1e-6))
        return n.arith("divf", x, (norm, ROW))
    x = n.scores(unit(n.tq), unit(n.tk), 5.0)
    q, k = (a / np.linalg.norm(a, axis=-1, keepdims=True) for a in (n.q, n.k))
    return n.product(n.softmax(x), n.tv), softmax(5 * q @ k.swapaxes(1, 2)) @ n.v


@near("raise")
def maximum_with_zero(n):
    """max(0, maximum) is as good a row value as the maximum."""
    x = n.scores()
    e = n.exponentials(x, n.over("arith.maximumf", x, 0.0))
    return n.product(n.arith("divf", e, (n.sum(e), ROW)), n.tv), softmax(n.meant) @ n.v


@near("raise")
def maximum_before_the_mask(n):
    a, t = _mask(n)
    x = n.scores()
    row = n.top(x)
    e = n.exponentials(n.select(t, x, -INFINITY), row)
    return n.product(n.arith("divf", e, (n.sum(e), ROW)), n.tv), softmax(n.meant, a) @ n.v


@near("raise")
def base_two(n):
    """2^x: the scale has a logarithm of 2."""
    x = n.scores()
    e = n.math("exp2", n.arith("subf", x, (n.top(x), ROW)))
    return (n.product(n.arith("divf", e, (n.sum(e), ROW)), n.tv),
            softmax(n.meant * math.log(2)) @ n.v)


@near("raise")
def base_three(n):
    x = n.arith("subf", (s := n.scores()), (n.top(s), ROW))
    e = n.ew(lambda a: n.f.op("math.powf", n.f.constant(3.0, "f32"), a), x)
    return (n.product(n.arith("divf", e, (n.sum(e), ROW)), n.tv),
            softmax(n.meant * math.log(3)) @ n.v)


@near("raise")
def residual_and_projection(n):
    """What follows is no part of the attention."""
    w, t = n.input(H, Q, E)
    o = n.product(n.softmax(n.scores()), n.tv)
    return n.arith("addf", o, t), softmax(n.meant) @ n.v + w


@near("raise")
def same_tensor_thrice(n):
    """Queries, keys and values are one tensor."""
    x, t = n.input(H, K, D, spread=0.7)
    o = n.product(n.softmax(n.scores(t, t)), t)
    return o, softmax(x @ x.swapaxes(1, 2) * SCALE) @ x


@near("raise", attentions=2)
def two_in_a_row(n):
    """The second one's queries come from the first."""
    o = n.product(n.softmax(n.scores()), n.tk)
    second = n.product(n.softmax(n.scores(o)), n.tv)
    q = softmax(n.meant) @ n.k
    return second, softmax(q @ n.k.swapaxes(1, 2) * SCALE) @ n.v


@near("raise", attentions=2)
def difference_of_two(n):
    """Differential attention: one result minus a part of another."""
    q, t = n.input(H, Q, D)
    first = n.product(n.softmax(n.scores()), n.tv)
    second = n.product(n.softmax(n.scores(t)), n.tv)
    return (n.arith("subf", first, n.number("mulf", second, 0.3)),
            (softmax(n.meant) - 0.3 * softmax(q @ n.k.swapaxes(1, 2) * SCALE)) @ n.v)


@near("either", attentions=2)
def probabilities_times_two_values(n):
    """One softmax, two tensors of values."""
    w, t = n.input(H, K, E)
    p = n.softmax(n.scores())
    return [n.product(p, n.tv), n.product(p, t)], [softmax(n.meant) @ n.v, softmax(n.meant) @ w]


@near("either")
def negative_scale(n):
    """softmin."""
    x = n.scores(scale=-SCALE)
    return n.product(n.softmax(x), n.tv), softmax(-n.meant) @ n.v


@near("either")
def minimum_minus_scores(n):
    x = n.scores()
    row = n.over("arith.minimumf", x, INFINITY)
    e = n.math("exp", n.arith("subf", (row, ROW), x, shape=x.shape))
    return n.product(n.arith("divf", e, (n.sum(e), ROW)), n.tv), softmax(-n.meant) @ n.v


@near("either")
def key_dependent_shift(n):
    """exp(x - c_j) over its own sum: a bias."""
    c, t = n.input(H, K)
    e = n.math("exp", n.arith("subf", n.scores(), (t, (0, 2))))
    return (n.product(n.arith("divf", e, (n.sum(e), ROW)), n.tv),
            softmax(n.meant - c[:, None]) @ n.v)


@near("either")
def exponentials_times_weights(n):
    """exp(x) w_j over its own sum: a bias of log w."""
    w, t = n.input(values=round_to(n.rng.uniform(0.2, 2, (H, K)), "f32"))
    e = n.arith("mulf", n.exponentials(n.scores()), (t, (0, 2)))
    return (n.product(n.arith("divf", e, (n.sum(e), ROW)), n.tv),
            softmax(n.meant + np.log(w)[:, None]) @ n.v)


@near("either")
def temperature_of_heads(n):
    c, t = n.input(values=round_to(n.rng.uniform(0.5, 2, (H,)), "f32"))
    x = n.arith("mulf", n.scores(), (t, (0,)))
    return n.product(n.softmax(x), n.tv), softmax(n.meant * c[:, None, None]) @ n.v


@near("either")
def temperature_of_keys(n):
    c, t = n.input(values=round_to(n.rng.uniform(0.5, 2, (H, K)), "f32"))
    x = n.arith("mulf", n.scores(), (t, (0, 2)))
    return n.product(n.softmax(x), n.tv), softmax(n.meant * c[:, None]) @ n.v


@near("either")
def two_score_products(n):
    """Disentangled scores: the sum of two products."""
    q, tq = n.input(H, Q, D)
    k, tk = n.input(H, K, D)
    x = n.arith("addf", n.scores(), n.scores(tq, tk))
    return (n.product(n.softmax(x), n.tv),
            softmax(n.meant + q @ k.swapaxes(1, 2) * SCALE) @ n.v)


@near("either")
def constant_that_absorbs(n):
    """Added to all scores, it leaves nothing of them."""
    x = n.number("addf", n.scores(), -3.4028234663852886e38)
    return n.product(n.softmax(x), n.tv), np.repeat(n.v.mean(1, keepdims=True), Q, 1)


@near("either")
def soft_mask(n):
    """(1 - m) * lowest with m between 0 and 1: only the largest m of a row counts."""
    m, t = n.input(values=round_to(n.rng.random((H, Q, K)), "f32"))
    one = n.f.constant(1.0, "f32")
    bias = n.ew(lambda a: n.f.op("arith.mulf", n.f.op("arith.subf", one, a),
                                 n.f.constant(-3.4028234663852886e38, "f32")), t)
    x = n.arith("addf", n.scores(), bias)
    return n.product(n.softmax(x), n.tv), softmax(n.meant, m == m.max(-1, keepdims=True)) @ n.v


@near("either")
def random_mask_of_finite_numbers(n):
    """A float argument that is nearly 0 or a large number; who masks by it does not know."""
    a, t = n.input(values=np.where(n.rng.random((H, Q, K)) < 0.7, 0.0, -1e4) +
                   round_to(n.rng.random((H, Q, K)), "f32"))
    a[..., 0] = 0.0
    x = n.arith("addf", n.scores(), t)
    return n.product(n.softmax(x), n.tv), softmax(n.meant + a) @ n.v
