# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One attention in many spellings.

A spelling chooses a value of every axis of spelling_axes.py. A `Case` has the module's text, its
inputs, the result by NumPy, which comes from what is meant and not from the text, and what is expected
of the raiser.
"""

import dataclasses
import math
import zlib

import numpy as np

from linalg_text import Function, Tensor, identity, lowest, map_text
from spelling_axes import AXES, EITHER, NO_QUERIES, PAD_CONSTANTS, default, element, fits

LOG2E = 1.4426950408889634
DROPOUT = 0.1

# Numbers -----------------------------------------------------------------------------------------


def round_to(array, kind):
    """To a floating-point type and back to f64. NumPy has no bf16."""
    array = np.asarray(array, np.float64)
    if kind == "f16":
        with np.errstate(over="ignore"):
            return array.astype(np.float16).astype(np.float64)
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    if kind == "bf16":
        bits = single.view(np.uint32)
        rounded = ((bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16) << 16
        single = np.where(np.isfinite(single), rounded.astype(np.uint32).view(np.float32), single)
    return single.astype(np.float64)


def softmax(x, where=None):
    """Over the last axis; rows without a key are 0."""
    x = np.where(where, x, -np.inf) if where is not None else x
    top = x.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(over="ignore"):
        e = np.exp(x - top)
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1, total)


# Values between operations -----------------------------------------------------------------------


@dataclasses.dataclass
class Lazy:
    """An element-wise value that is not written yet: operands, and a body from them."""
    operands: list
    body: object
    shape: tuple
    kind: str


@dataclasses.dataclass
class Argument:
    value: object  # Scalar or Tensor
    array: np.ndarray


class Writer:
    """Writes one attention in a spelling."""

    def __init__(self, spelling, rng, prefix=""):
        self.s = spelling
        self.rng = rng
        self.f = Function("main")
        self.kind = element(spelling)
        self.soft_kind = "f32" if spelling["type"].endswith("softmax-f32") else self.kind
        self.functions = []
        self.arrays = []
        self.sizes()

    def sizes(self):
        b, h, q, k, d, e = {"cross": (2, 3, 8, 12, 16, 8), "square": (2, 2, 16, 16, 16, 16),
                            "even": (2, 2, 8, 16, 16, 16),
                            "long": (2, 4, 64, 64, 16, 16)}[self.s["sizes"]]
        if self.s["layout"] in ("hsd", "sd", "vector"):
            b = 1
        if self.s["layout"] in ("sd", "vector"):
            h = 1
        if self.s["layout"] in NO_QUERIES:
            q = 1
        self.B, self.H, self.Q, self.K, self.D, self.E = b, h, q, k, d, e
        self.K2 = (4, k // 4)

    # Arguments ------------------------------------------------------------------------------------

    def argument(self, array, kind):
        """A tensor argument of `main`; a scalar one of NumPy arrays without dimensions."""
        self.arrays.append(array)
        return self.f.argument(array.shape, kind)

    def scalar_argument(self, number, kind):
        self.arrays.append(np.asarray(number, np.float32))
        return self.f.argument(None, kind)

    def random(self, *shape, spread=1.0):
        return round_to(self.rng.normal(size=shape) * spread, self.kind)

    # Elementwise operations in the spelling -------------------------------------------------------

    def materialise(self, x):
        if isinstance(x, Tensor):
            return x
        return self.f.elementwise(x.operands, x.shape, x.kind, x.body)

    def full(self, operand, shape):
        """An operand at full shape, for operations without maps."""
        tensor, results = operand
        if results == identity(len(shape)):
            return tensor
        plain = tuple(r for r in results if r is not None)
        if len(plain) != len(results):
            tensor = self.f.reshape(tensor, tuple(n for n, r in zip(tensor.shape, results)
                                                  if r is not None))
        return self.f.broadcast(tensor, shape, [d for d in range(len(shape)) if d not in plain])

    _BINARY = {"sub": "arith.subf", "div": "arith.divf", "mul": "arith.mulf", "add": "arith.addf",
               "max": "arith.maximumf"}

    def binary(self, name, a, b, shape, kind):
        """a NAME b; operands are (tensor, map)."""
        style = self.s["ops"]
        arith = self._BINARY[name]
        if style in ("named", "map", "elementwise"):
            a, b = self.full(a, shape), self.full(b, shape)
            if style == "named":
                return self.f.named(name, [a, b], self.f.empty(shape, kind))
            if style == "elementwise":
                return self.f.named("elementwise", [a, b], self.f.empty(shape, kind),
                                    f"kind=#linalg.elementwise_kind<{name}> ")
            return self.f.map([a, b], kind, lambda x, y: self.f.op(arith, x, y))
        if style == "in-place" and a[1] == identity(len(shape)) and a[0].kind == kind:
            return self.f.generic([b], (a[0], identity(len(shape))),
                                  lambda y, x: self.f.op(arith, x, y), dims=len(shape))
        return self.f.elementwise([a, b], shape, kind, lambda x, y: self.f.op(arith, x, y))

    def unary(self, name, x, body):
        """NAME of a tensor; `body` is the same as a scalar."""
        style = self.s["ops"]
        if style == "named" and name:
            return self.f.named(name, [x], self.f.empty(x.shape, x.kind))
        if style == "elementwise" and name:
            return self.f.named("elementwise", [x], self.f.empty(x.shape, x.kind),
                                f"kind=#linalg.elementwise_kind<{name}> ")
        if style == "map":
            return self.f.map([x], x.kind, body)
        if style == "in-place":
            return self.f.generic([], (x, identity(x.rank)), body, dims=x.rank)
        return self.f.elementwise([(x, identity(x.rank))], x.shape, x.kind, body)

    def copy(self, x):
        """Where copies may stand."""
        if self.s["copies"] in ("copy", "everywhere"):
            x = self.f.named("copy", [x], self.f.empty(x.shape, x.kind))
        if self.s["copies"] in ("identity", "everywhere"):
            x = self.f.elementwise([(x, identity(x.rank))], x.shape, x.kind, lambda a: a)
        return x

    def converted(self, x, kind):
        if isinstance(x, Lazy):
            body = x.body
            return Lazy(x.operands, lambda *a: self.f.convert(body(*a), kind), x.shape, kind)
        if x.kind == kind:
            return x
        return self.f.elementwise([(x, identity(x.rank))], x.shape, kind,
                                  lambda a: self.f.convert(a, kind))

    # Rows -----------------------------------------------------------------------------------------

    def back(self, row, shape, keys=None):
        """A row value as operand of an operation over `shape`. A row has the shape of the parallel
        dimensions, or one more 1 for each key dimension.
        """
        keys = self.nk if keys is None else keys
        parallel = shape[:len(shape) - keys]
        kept = identity(len(parallel)) + (None,) * keys
        style = self.s["rows"]
        if row.shape == shape:
            return row, identity(len(shape))
        if row.rank == len(shape):  # keep-dim
            return row, kept
        if style == "expand":
            return self.f.reshape(row, parallel + (1,) * keys), kept
        if style == "through-1d":
            return self.f.reshape(row, parallel + (1,) * keys,
                                  through=(math.prod(parallel),)), kept
        if style == "broadcast":
            return self.f.broadcast(row, shape, range(len(parallel), len(shape))), \
                identity(len(shape))
        if style == "yield":
            return self.f.elementwise([(row, identity(len(parallel)))], shape, row.kind,
                                      lambda x: x), identity(len(shape))
        if style == "extract":
            def body(*_):
                return self.f.extract(row, *[self.f.index(d) for d in range(len(parallel))])
            init = (self.f.empty(shape, row.kind), identity(len(shape)))
            return self.f.generic([], init, body, dims=len(shape)), identity(len(shape))
        return row, identity(len(parallel))

    def reduction(self, x, init, name, swap=False, kind=None, named=False):
        """Over the key dimensions; x is a Tensor or Lazy."""
        kind = kind or x.kind
        rank = len(x.shape)
        parallel = x.shape[:rank - self.nk]
        kept = self.s["rows"] == "keep-dim"
        shape = parallel + (1,) * self.nk if kept else parallel
        results = identity(len(parallel)) + ((None,) * self.nk if kept else ())
        start = self.f.tensor_constant(0.0, shape, kind) if init == "dense" else \
            self.f.fill(init, shape, kind)
        if named and isinstance(x, Tensor) and x.kind == kind:
            start = start if not kept else self.f.reshape(start, parallel)
            return self.f.reduce(x, start, range(len(parallel), rank),
                                 lambda a, out: self.f.op(name, a, out))
        operands = x.operands if isinstance(x, Lazy) else [(x, identity(rank))]
        inner = x.body if isinstance(x, Lazy) else (lambda a: a)

        def body(*arguments):
            value, out = self.f.convert(inner(*arguments[:-1]), kind), arguments[-1]
            if callable(name):
                return name(value, out)
            return self.f.op(name, out, value) if swap else self.f.op(name, value, out)

        return self.f.generic(operands, (start, results), body, reductions=self.nk, dims=rank)

    def row_unary(self, row, body):
        return self.f.elementwise([(row, identity(row.rank))], row.shape, row.kind, body)

    # Scores ---------------------------------------------------------------------------------------

    def prepared(self):
        """q [G..., Q, D], k [G..., K, D] and v [G..., K, E] from arguments of the layout."""
        B, H, Q, K, D, E = self.B, self.H, self.Q, self.K, self.D, self.E
        # Scores of about 1 without a scale, too.
        spread = 1.0 if self.s["scale"] != "none" else 1 / math.sqrt(self.D)
        self.q = self.random(B, H, Q, D, spread=spread)
        self.k = self.random(B, H, K, D)
        self.v = self.random(B, H, K, E)
        layout = self.s["layout"]

        def give(array):
            if layout == "bhsd":
                return self.argument(array, self.kind)
            if layout == "hsd":
                return self.argument(array[0], self.kind)
            if layout == "sd":
                return self.argument(array[0, 0], self.kind)
            if layout in ("bshd", "bshd-maps"):
                return self.argument(array.transpose(0, 2, 1, 3), self.kind)
            if layout == "packed":
                moved = array.transpose(0, 2, 1, 3)
                return self.argument(moved.reshape(*moved.shape[:2], -1), self.kind)
            if layout == "units":
                return self.argument(array[:, :, None], self.kind)
            if layout == "one-d":
                return self.argument(array, self.kind)
            if layout == "merged":
                return self.argument(array.reshape(B * H, *array.shape[2:]), self.kind)
            if layout in NO_QUERIES:
                array = array[:, :, 0] if array is self.q else array
                return self.argument(array[0, 0] if layout == "vector" else array, self.kind)
            raise AssertionError(layout)

        values = [give(a) for a in (self.q, self.k, self.v)]

        def arrange(x, logical):
            b, h, s, d = logical
            if layout == "bshd":
                return self.f.transpose(x, (0, 2, 1, 3))
            if layout == "packed":
                return self.f.transpose(self.f.reshape(x, (b, s, h, d)), (0, 2, 1, 3))
            if layout == "units":
                return self.f.reshape(x, (b, h, s, d))
            if layout == "one-d":
                return self.f.reshape(x, (b * h, s, d), through=(b * h * s * d,))
            if layout == "merged" and self.s["rank"] == "4":
                return self.f.reshape(x, (b, h, s, d))
            return x

        self.raw = values
        q, k, v = (arrange(x, (B, H, n, d)) for x, n, d in
                   zip(values, (Q, K, K), (D, D, E)))
        # Names of the parallel dimensions.
        self.G = {"hsd": "h", "sd": "", "vector": "", "one-d": "g"}.get(layout, "bh")
        if layout == "merged" and self.s["rank"] == "3":
            self.G = "g"
        if self.s["rank"] == "3" and self.G == "bh":
            q, k, v = (self.f.reshape(x, (B * H, *x.shape[2:])) for x in (q, k, v))
            self.G = "g"
        return q, k, v

    def g_shape(self):
        sizes = {"b": self.B, "h": self.H, "g": self.B * self.H}
        return tuple(sizes[n] for n in self.G)

    def contraction(self, style, a, a_map, b, b_map, out_shape, out_map, dims, reductions,
                    swap=False, factor=None):
        """A generic or linalg.contract."""
        init = self.f.fill(0.0, out_shape, a.kind)
        if style == "contract":
            maps = ", ".join(map_text(dims, m) for m in (a_map, b_map, out_map))
            return self.f.named("contract", [a, b], init, f"indexing_maps = [{maps}] ")

        def body(x, y, out):
            if factor is not None:
                x = self.f.op("arith.mulf", x, self.f.constant(factor, x.kind))
            product = self.f.op("arith.mulf", x, y)
            return self.f.op("arith.addf", *((product, out) if swap else (out, product)))

        return self.f.generic([(a, a_map), (b, b_map)], (init, out_map), body, reductions, dims)

    def product_sum(self, a, a_map, b, b_map, full_shape, reduced):
        """An elementwise product of all dimensions and a sum over some of them."""
        rank = len(full_shape)
        product = self.f.elementwise([(a, a_map), (b, b_map)], full_shape, a.kind,
                                     lambda x, y: self.f.op("arith.mulf", x, y))
        kept = tuple(d for d in range(rank) if d not in reduced)
        init = self.f.fill(0.0, tuple(full_shape[d] for d in kept), a.kind)
        return self.f.generic([(product, identity(rank))], (init, kept),
                              lambda x, out: self.f.op("arith.addf", x, out), list(reduced), rank)

    def scale_operand(self, x, factor, style):
        """x times a factor in a body; as a Lazy."""
        n = len(x.shape)
        kind = x.kind
        whole = (x, identity(n))

        def mul(operands, body):
            return Lazy([whole, *operands], body, x.shape, kind)

        f = self.f
        if style == "divf":
            return mul([], lambda a: f.op("arith.divf", a, f.constant(1 / factor, kind)))
        if style == "rsqrt":
            c = f.op("math.rsqrt", f.constant(1 / factor**2, kind))
            return mul([], lambda a: f.op("arith.mulf", a, c))
        if style == "0d":
            c = f.tensor_constant(factor, (), kind)
            return mul([(c, ())], lambda a, b: f.op("arith.mulf", a, b))
        if style == "argument":
            c = self.scalar_argument(factor, kind)
            return mul([], lambda a: f.op("arith.mulf", a, c))
        if style in ("extract", "extract-in-body"):
            t = self.argument(np.asarray(factor), kind)
            if style == "extract":
                c = f.extract(t)
                return mul([], lambda a: f.op("arith.mulf", a, c))
            return mul([], lambda a: f.op("arith.mulf", a, f.extract(t)))
        if style == "truncf":
            c = f.constant(factor, "f64")
            return mul([], lambda a: f.op("arith.mulf", a, f.cast("arith.truncf", c, kind)))
        if style == "unit-tensor":
            c = f.tensor_constant(factor, (1,) * n, kind)
            return mul([(c, (None,) * n)], lambda a, b: f.op("arith.mulf", a, b))
        return mul([], lambda a: f.op("arith.mulf", a, f.constant(factor, kind)))

    def scores(self, q, k):
        """The product of queries and keys, scaled; as a Lazy or Tensor."""
        s = self.s
        factor = 1 / math.sqrt(self.D) if s["scale"] != "none" else 1.0
        self.factor = factor
        if s["exp"] == "exp2-fused":
            factor *= LOG2E
        if s["scale"] == "on-q":
            q = self.materialise(self.scale_operand(q, factor, "mulf"))
        if s["scale"] in ("on-k", "split"):
            k = self.materialise(self.scale_operand(
                k, math.sqrt(factor) if s["scale"] == "split" else factor, "mulf"))
        if s["scale"] == "split":
            q = self.materialise(self.scale_operand(q, math.sqrt(factor), "truncf"))
        if s["scale"] == "late-on-q":
            q = self.materialise(self.scale_operand(q, factor, "divf"))
        if s["scores"] == "scaled-in-body":
            return self.product(q, k, factor)
        x = self.product(q, k)
        if s["scale"] in ("on-q", "on-k", "split", "late-on-q", "none"):
            return x
        if s["scale"] == "mulf" and s["ops"] in ("named",) and s["exp"] != "fused":
            factors = self.f.fill(factor, x.shape, x.kind)
            n = identity(x.rank)
            return self.binary("mul", (x, n), (factors, n), x.shape, x.kind)
        return self.scale_operand(x, factor, s["scale"])

    def product(self, q, k, factor=None):
        """With a factor, the body of the contraction multiplies by it."""
        s, f = self.s, self.f
        g = self.g_shape()
        n = len(g)
        Q, K, D = self.Q, self.K, self.D
        style = s["scores"]
        base = tuple(range(n))
        if s["layout"] in NO_QUERIES:
            shape = g + (K,)
            if style == "transpose" and not g:
                return f.named("matvec", [k, q], f.fill(0.0, shape, self.kind))
            if style == "transpose":
                flat = self.flat_count(g)
                kk, qq = f.reshape(k, (flat, K, D)), f.reshape(q, (flat, D))
                out = f.named("batch_matvec", [kk, qq], f.fill(0.0, (flat, K), self.kind))
                return f.reshape(out, shape)
            j, d = n, n + 1
            if style == "product-sum":
                return self.product_sum(q, base + (d,), k, base + (j, d), shape + (D,), [d])
            return self.contraction(style, q, base + (d,), k, base + (j, d), shape, base + (j,),
                                    n + 2, [d])
        shape = g + (Q, K)
        i, j, d = n, n + 1, n + 2
        if s["keys"] == "two":  # keys in two dimensions throughout
            h, w = self.K2
            k = f.reshape(k, k.shape[:-2] + (h, w, D)) if s["layout"] != "bshd-maps" else \
                f.reshape(k, (self.B, h, w, self.H, D))
            shape = g + (Q, h, w)
            i, j, j2, d = n, n + 1, n + 2, n + 3
            q_map, k_map = base + (i, d), base + (j, j2, d)
            if s["layout"] == "bshd-maps":
                q_map, k_map = (0, i, 1, d), (0, j, j2, 1, d)
            if style == "product-sum":
                return self.product_sum(q, q_map, k, k_map, shape + (D,), [d])
            return self.contraction(style, q, q_map, k, k_map, shape, base + (i, j, j2), n + 4, [d])
        q_map, k_map = base + (i, d), base + (j, d)
        if s["layout"] == "bshd-maps":
            q_map, k_map = (0, i, 1, d), (0, j, 1, d)
        if style == "product-sum":
            x = self.product_sum(q, q_map, k, k_map, shape + (D,), [d])
        elif style in ("generic", "contract", "scaled-in-body"):
            x = self.contraction(style, q, q_map, k, k_map, shape, base + (i, j), n + 3, [d],
                                 factor=factor)
        elif style == "generic-dk":
            kt = f.transpose(k, base + (n + 1, n))
            x = self.contraction(style, q, q_map, kt, base + (d, j), shape, base + (i, j), n + 3,
                                 [d], swap=True)
        elif style == "swapped":
            x = self.matmul(k, f.transpose(q, base + (n + 1, n)))
            x = f.transpose(x, base + (n + 1, n))
        elif style == "maps":
            x = self.matmul(q, k, transposed=True)
        else:
            x = self.matmul(q, f.transpose(k, base + (n + 1, n)))
        return x

    @staticmethod
    def flat_count(g):
        return math.prod(g)

    def matmul(self, a, b, transposed=False):
        """linalg.matmul or batch_matmul over collapsed batches."""
        f = self.f
        g = a.shape[:-2]
        m, c = a.shape[-2:]
        n = b.shape[-2] if transposed else b.shape[-1]
        if not g:
            maps = ", ".join(map_text(3, m_) for m_ in ((0, 2), (1, 2), (0, 1)))
            return f.named("matmul", [a, b], f.fill(0.0, (m, n), a.kind),
                           f"indexing_maps = [{maps}] " if transposed else "")
        flat = math.prod(g)
        aa, bb = f.reshape(a, (flat, m, c)), f.reshape(b, (flat, *b.shape[-2:]))
        maps = ", ".join(map_text(4, m_) for m_ in ((0, 1, 3), (0, 2, 3), (0, 1, 2)))
        out = f.named("batch_matmul", [aa, bb], f.fill(0.0, (flat, m, n), a.kind),
                      f"indexing_maps = [{maps}] " if transposed else "")
        return f.reshape(out, (*g, m, n))

    # Masks ----------------------------------------------------------------------------------------

    def dims(self, x_shape):
        """Names of the score dimensions."""
        return list(self.G) + ([] if self.s["layout"] in NO_QUERIES else ["q"]) + \
            (["k1", "k2"] if self.s["keys"] == "two" else ["k"])

    def mask_operand(self, array, kind, names):
        """An argument [B|1, H|1, Q|1, K|1] as operand over the score dimensions `names`: dimensions
        of size 1 dropped, or kept and read at 0.
        """
        sizes = dict(zip("bhqk", array.shape))
        used = [n for n in "bhqk" if sizes[n] > 1]
        keep_units = self.rng.random() < 0.5
        if keep_units and "k1" not in names:
            used = [n for n in "bhqk" if n in names]
        tensor = self.argument(array.reshape([sizes[n] for n in used]), kind)
        results = []
        for name in used:
            if name == "k" and "k1" in names:
                results += [names.index("k1"), names.index("k2")]
            else:
                results.append(names.index(name) if sizes[name] > 1 else None)
        if "k1" in names and sizes["k"] > 1:
            h, w = self.K2
            tensor = self.f.reshape(tensor, tensor.shape[:-1] + (h, w))
        return tensor, tuple(results)

    def key_index(self, names):
        f = self.f
        if "k1" in names:
            w = f.constant(self.K2[1], "index")
            row = f.op("arith.muli", f.index(names.index("k1")), w)
            return f.op("arith.addi", row, f.index(names.index("k2")))
        return f.index(names.index("k"))

    def add_to(self, x, operands, body):
        """A Lazy over x and more operands; body(x, ...)."""
        if isinstance(x, Tensor):
            x = Lazy([(x, identity(x.rank))], lambda a: a, x.shape, x.kind)
        count, inner = len(x.operands), x.body
        return Lazy(x.operands + operands,
                    lambda *a: body(inner(*a[:count]), *a[count:]), x.shape, x.kind)

    def padding(self, mask):
        """[B, 1, 1, K] of allowed keys."""
        allowed = np.ones((self.B, 1, 1, self.K), bool)
        hidden = self.K // 3
        if "left" in mask:
            allowed[0, ..., :hidden] = False
        else:
            allowed[-1, ..., -hidden:] = False
        if self.B > 1:
            allowed[0 if "left" not in mask else 1, ..., (slice(-1, None) if "left" not in mask
                                                         else slice(0, 1))] = False
        if mask.startswith("all-pad"):
            allowed[-1] = False
        return allowed

    def some_keys(self, empty=False, left=False):
        """[B, 1, Q, K] of allowed keys: each row has one, or some rows have none."""
        allowed = self.rng.random((self.B, 1, self.Q, self.K)) < 0.6
        allowed[..., 0 if left else -1] = True
        if left:
            allowed[..., -3:] = False
        if empty:
            allowed[0, :, :max(1, self.Q // 4)] = False
        return allowed

    def masked(self, x):
        """The scores with their mask; keeps what is meant in self.allowed and self.meant."""
        mask, f = self.s["mask"], self.f
        factor = self.factor
        meant = self.q @ self.k.swapaxes(-1, -2) * factor  # [B, H, Q, K]
        self.allowed = np.ones((1, 1, 1, self.K), bool)
        self.meant = meant
        if mask == "none":
            return x
        rank_4 = ("g" in self.G and mask not in ("causal-select", "causal-lowest", "causal-1e9",
                                                 "window", "row-constant", "absorbing-row"))
        shape = x.shape
        G = self.G
        if rank_4:
            x = self.materialise(x)
            x = f.reshape(x, (self.B, self.H) + x.shape[1:])
            self.G = "bh"
        names = self.dims(x.shape)
        x = self.mask_over(x, names, mask)
        if rank_4 and not mask.startswith("after-exp"):
            x = f.reshape(self.materialise(x), shape)
        elif rank_4:
            self.mask_names = names
            x = f.reshape(self.materialise(x), shape)
        self.G = G
        return x

    def mask_over(self, x, names, mask):
        f, kind = self.f, x.kind
        infinity = -math.inf
        if mask.startswith("causal-pad") or mask.startswith("causal-and-pad"):
            return self.causal_and_padding(x, names, mask)
        if mask.startswith("causal"):
            allowed = np.tril(np.ones((self.Q, self.K), bool))[None, None]
            self.allowed = allowed
            if mask == "causal-constant":
                constant = f.array_constant(allowed[0, 0].reshape(
                    (self.Q, *self.K2) if "k1" in names else (self.Q, self.K)), "i1")
                results = (names.index("q"), *((names.index("k1"), names.index("k2"))
                                               if "k1" in names else (names.index("k"),)))
                self.remask_operand = (constant, results)
                return self.add_to(x, [(constant, results)], lambda a, m: f.select(
                    m, a, f.constant(infinity, kind)))

            def later():
                return f.compare("ugt", self.key_index(names), f.index(names.index("q")))

            if mask == "causal-select":
                return self.add_to(x, [], lambda a: f.select(
                    later(), f.constant(infinity, kind), a))
            if mask == "causal-1e9":
                c = -1e9 if kind != "f16" else -1e4
                return self.add_to(x, [], lambda a: f.select(later(), f.constant(c, kind), a))
            return self.add_to(x, [], lambda a: f.op("arith.addf", a, f.select(
                later(), f.constant(lowest(kind), kind), f.constant(0.0, kind))))
        if mask == "window":
            distance = np.arange(self.Q)[:, None] - np.arange(self.K)
            self.allowed = ((distance >= 0) & (distance < 3))[None, None]

            def outside():
                i, j = f.index(names.index("q")), self.key_index(names)
                low = f.op("arith.addi", j, f.constant(2, "index"))
                return f.op("arith.ori", f.compare("ugt", j, i), f.compare("ult", low, i))
            return self.add_to(x, [], lambda a: f.select(
                outside(), f.constant(infinity, kind), a))
        if mask == "not-equal":  # masked_fill(mask == 0, -1e9) of an i64 mask
            self.allowed = self.some_keys()
            operand = self.mask_operand(self.allowed.astype(np.int64), "i64", names)
            c = -1e9 if kind != "f16" else -6e4
            return self.add_to(x, [operand], lambda a, m: f.select(
                f.compare("eq", m, f.constant(0, "i64")), f.constant(c, kind), a))
        if mask in ("bool", "bool-left", "empty-bool"):
            self.allowed = self.some_keys(mask == "empty-bool", mask == "bool-left")
            operand = self.mask_operand(self.allowed, "i1", names)
            self.remask_operand = operand
            return self.add_to(x, [operand], lambda a, m: f.select(
                m, a, f.constant(infinity, kind)))
        if mask in ("after-exp", "after-exp-own-max"):
            self.allowed = self.some_keys()
            self.exp_mask = self.mask_operand(self.allowed, "i1", names)
            return x
        if mask in ("additive", "empty-additive"):
            self.allowed = self.some_keys(mask == "empty-additive")
            operand = self.mask_operand(np.where(self.allowed, 0.0, -np.inf), kind, names)
            return self.add_to(x, [operand], lambda a, m: f.op("arith.addf", a, m))
        if mask == "bias":
            bias = self.random(1, self.H, self.Q, self.K)
            self.meant = self.meant + bias
            operand = self.mask_operand(bias, kind, names)
            return self.add_to(x, [operand], lambda a, m: f.op("arith.addf", a, m))
        if mask == "row-constant":
            return self.add_to(x, [], lambda a: f.op("arith.addf", a, f.constant(3.5, kind)))
        if mask == "absorbing-row":
            self.meant = round_to(round_to(self.meant, "f32") + 1e9, "f32") - 1e9
            return self.add_to(x, [], lambda a: f.op("arith.addf", a, f.constant(1e9, kind)))
        if mask == "row-argument":
            row = self.random(self.B, self.H, self.Q, 1)
            operand = self.mask_operand(row, kind, names)
            return self.add_to(x, [operand], lambda a, m: f.op("arith.addf", a, m))
        assert "pad" in mask, mask
        self.allowed = allowed = self.padding(mask)
        select = "select" in mask
        name = mask.rsplit("-", 1)[1]
        number = lowest(kind) if name == "lowest" else PAD_CONSTANTS[name]
        if name == "lowest" and self.s["mask-constant"] == "extf":
            number = lowest("bf16")
        # What the type holds.
        held = float(round_to(number, kind))
        if self.s["mask-constant"] == "extf" and kind == "f32":
            held = float(round_to(number, "bf16"))
        broken = not allowed.any(-1).all()
        if select:
            self.meant = np.where(allowed, self.meant, held)
        else:
            # The arithmetic of the source: what the scores are once the constant is added.
            added = round_to(round_to(self.meant, kind) + np.where(allowed, 0.0, held), kind)
            self.meant = np.where(allowed, self.meant, added)
            if broken:
                self.check_ties(round_to(self.q @ self.k.swapaxes(-1, -2) * self.factor, kind),
                                held, allowed, kind)
        self.finite_pad = True
        if select:
            operand = self.mask_operand(allowed, "i1", names)
            return self.add_to(x, [operand], lambda a, m: f.select(m, a, f.constant(number, kind)))

        # (1 - mask) * c of an i64 attention mask.
        tensor, results = self.mask_operand(allowed.astype(np.int64), "i64", names)
        one = f.constant(1.0, kind)
        if self.s["mask-constant"] == "truncf":
            wide = f.constant(number, "f64")
            constant = lambda: f.cast("arith.truncf", wide, kind)  # noqa: E731
        elif self.s["mask-constant"] == "extf":
            narrow = f.constant(number, "bf16")
            constant = lambda: f.cast("arith.extf", narrow, kind)  # noqa: E731
        else:
            constant = lambda: f.constant(number, kind)  # noqa: E731
        inverted = f.elementwise(
            [(tensor, identity(tensor.rank))], tensor.shape, kind,
            lambda m: f.op("arith.subf", one, f.cast("arith.sitofp", m, kind)))
        frac = f.elementwise([(inverted, identity(tensor.rank))], tensor.shape, kind,
                             lambda m: f.op("arith.mulf", m, constant()))
        return self.add_to(x, [(frac, results)], lambda a, m: f.op("arith.addf", a, m))

    def causal_and_padding(self, x, names, mask):
        """Both masks at once, as decoders have them: one condition, or one after the other."""
        f, kind = self.f, x.kind
        causal = np.tril(np.ones((self.Q, self.K), bool))
        padding = np.ones((self.B, 1, 1, self.K), bool)
        if "left" in mask:
            padding[-1, ..., :2] = False
        else:
            padding[-1, ..., 3:5] = False
        self.allowed = causal & padding

        def later():
            return f.compare("ugt", self.key_index(names), f.index(names.index("q")))

        if mask.startswith("causal-and-pad"):
            x = self.add_to(x, [], lambda a: f.select(
                later(), f.constant(-math.inf, kind), a))
            tensor, results = self.mask_operand(padding.astype(np.int64), "i64", names)
            one = f.constant(1.0, kind)
            frac = f.elementwise(
                [(tensor, identity(tensor.rank))], tensor.shape, kind,
                lambda m: f.op("arith.mulf", f.op("arith.subf", one, f.cast(
                    "arith.sitofp", m, kind)), f.constant(-1e4, kind)))
            return self.add_to(x, [(frac, results)], lambda a, m: f.op("arith.addf", a, m))
        # select(causal and padding, 0, lowest) is added.
        operand = self.mask_operand(padding, "i1", names)
        low = lowest(kind)
        added = round_to(round_to(self.meant, kind) + np.where(self.allowed, 0.0, low), kind)
        self.meant = np.where(self.allowed, self.meant, added)
        self.finite_pad = True
        return self.add_to(x, [operand], lambda a, m: f.op("arith.addf", a, f.select(
            f.op("arith.andi", m, f.op("arith.xori", later(), f.constant(True, "i1"))),
            f.constant(0.0, kind), f.constant(low, kind))))

    def check_ties(self, scores, constant, allowed, kind):
        """Scores that the constant absorbs must not be near where the rounding changes."""
        for delta in (-0.05, 0.05):
            moved = round_to(scores + delta + constant, kind)
            plain = round_to(scores + constant, kind)
            step = {"f16": 8, "bf16": 64, "f32": 1e-3}[kind]
            if (np.abs(moved - plain)[~np.broadcast_to(allowed, scores.shape)] > step / 2).any() \
                    and kind != "f32":
                raise Tie

    # Softmax --------------------------------------------------------------------------------------

    def maximum(self, x):
        """The row value that is subtracted, or None."""
        s, f, style, kind = self.s, self.f, self.s["maximum"], x.kind
        infinity = -math.inf
        if style == "none":
            return None
        parallel = x.shape[:len(x.shape) - self.nk]
        if style == "row-argument":
            row = self.random(*parallel)
            return self.argument(row, kind)
        if style == "absolute":
            def absolute(a, out):
                return f.op("arith.maximumf", f.op("math.absf", a), out)
            return self.reduction(x, 0.0, absolute)
        if style == "query-norm":
            q = self.prepared_q
            init = f.fill(0.0, q.shape[:-1], kind)

            def norm(a, out):
                return f.op("arith.addf", f.convert(f.op("math.absf", a), kind), out)
            norm_row = f.generic([(q, identity(q.rank))], (init, identity(q.rank - 1)), norm, 1,
                                 q.rank)
            return self.row_unary(norm_row, lambda a: f.op("arith.mulf", a,
                                                           f.constant(0.1, kind)))
        if style == "over-head":
            x = self.materialise(x)
            heads = x.shape[:len(parallel) - 1]
            init = f.fill(infinity, heads, kind)
            top = f.generic([(x, identity(x.rank))], (init, identity(len(heads))),
                            lambda a, out: f.op("arith.maximumf", a, out),
                            x.rank - len(heads), x.rank)
            return f.broadcast(top, parallel, [len(heads)])
        if style == "reduce":
            return self.reduction(self.materialise(x), infinity, "arith.maximumf", named=True)
        if style in ("select", "select-left"):
            def choose(a, out):
                if style == "select":
                    return f.select(f.compare("ogt", a, out), a, out)
                return f.select(f.compare("ogt", out, a), out, a)
            return self.reduction(x, infinity, choose)
        if style == "arg-max":
            x = self.materialise(x)
            kept = s["rows"] == "keep-dim"
            results = identity(len(parallel)) + ((None,) if kept else ())
            shape = parallel + ((1,) if kept else ())
            inits = [(f.fill(infinity, shape, kind), results), (f.fill(0, shape, "i64"), results)]

            def body(a, top, where):
                here = f.cast("arith.index_cast", f.index(x.rank - 1), "i64")
                return [f.op("arith.maximumf", a, top),
                        f.select(f.compare("ogt", a, top), here, where)]
            return f.generics([(x, identity(x.rank))], inits, body, 1, x.rank)[0]
        start = {"lowest": lowest(kind), "maxnumf-nan": math.nan, "from-zero": 0.0}.get(
            style, infinity)
        name = "arith.maxnumf" if style.startswith("maxnumf") else "arith.maximumf"
        row = self.reduction(x, start, name, swap=style == "right",
                             named=s["ops"] == "named" and style == "maximumf")
        if style == "guard-zero":
            row = self.row_unary(row, lambda a: f.select(
                f.compare("oeq", a, f.constant(infinity, kind)), f.constant(0.0, kind), a))
        if style == "guard-isinf":
            row = self.row_unary(row, lambda a: f.select(
                f.compare("oeq", f.op("math.absf", a), f.constant(math.inf, kind)),
                f.constant(0.0, kind), a))
        if style == "guard-lowest":
            row = self.row_unary(row, lambda a: f.op("arith.maximumf", a,
                                                     f.constant(-1e4, kind)))
        return row

    def power(self, difference):
        """exp of a scalar in the spelling."""
        f, style, kind = self.f, self.s["exp"], difference.kind
        if style == "exp2":
            return f.op("math.exp2", f.op("arith.mulf", difference, f.constant(LOG2E, kind)))
        if style == "exp2-fused":
            return f.op("math.exp2", difference)
        if style == "powf":
            return f.op("math.powf", f.constant(math.e, kind), difference)
        return f.op("math.exp", difference)

    def shifted_lazy(self, x, row):
        """x - row as a Lazy."""
        if row is None:
            return self.add_to(x, [], lambda a: a)
        return self.add_to(x, [self.back(row, x.shape)],
                           lambda a, r: self.f.op("arith.subf", a, r))

    def exponentials(self, x, row):
        """exp(x - row) as Tensor, or as a Lazy where it is computed again in each use."""
        f, style = self.f, self.s["exp"]
        if style in ("sub-exp", "fused", "recomputed", "exp-and-sum"):
            lazy = self.shifted_lazy(x, row)
            powers = self.add_to(lazy, [], self.power)
            return powers if style in ("recomputed", "exp-and-sum") else self.materialise(powers)
        x = self.materialise(x)
        if row is not None:
            x = self.binary("sub", (x, identity(x.rank)), self.back(row, x.shape), x.shape, x.kind)
        x = self.copy(x)
        return self.unary("exp" if style == "separate" else None, x, self.power)

    def total(self, e):
        """The sum of exponentials: a row, or for ones-matrix a full tensor."""
        f, style, kind = self.f, self.s["sum"], e.kind
        if style == "reduce":
            return self.reduction(self.materialise(e), 0.0, "arith.addf", named=True)
        if style in ("ones-vector", "ones-matrix"):
            e = self.materialise(e)
            parallel, keys = e.shape[:-1], e.shape[-1]
            rows = math.prod(parallel)
            columns = keys if style == "ones-matrix" else 1
            if columns == 1 and self.rng.random() < 0.5:
                flat = f.reshape(e, (rows, keys))
                ones = f.fill(1.0, (keys,), kind)
                out = f.named("matvec", [flat, ones], f.fill(0.0, (rows,), kind))
                return f.reshape(out, parallel)
            ones = f.tensor_constant(1.0, (keys, columns), kind)
            flat = f.reshape(e, (rows, keys))
            out = f.named("matmul", [flat, ones], f.fill(0.0, (rows, columns), kind))
            return f.reshape(out, parallel + (columns,)) if columns > 1 else \
                f.reshape(f.reshape(out, (rows,)), parallel)
        if style in ("f64", "f32"):
            return self.converted(self.reduction(e, 0.0, "arith.addf", kind=style), kind)
        if style == "add-zero":
            row = self.reduction(e, 0.0, "arith.addf")
            return self.row_unary(row, lambda a: f.op("arith.addf", a, f.constant(0.0, kind)))
        start = {"minus-zero": -0.0, "dense-zero": "dense"}.get(style, 0.0)
        return self.reduction(e, start, "arith.addf", swap=style == "right",
                              named=self.s["ops"] == "named" and style == "generic")

    def safe_total(self, row):
        f, kind = self.f, row.kind
        if self.s["safe"] == "sum-zero":
            return self.row_unary(row, lambda a: f.select(
                f.compare("oeq", a, f.constant(0.0, kind)), f.constant(1.0, kind), a))
        if self.s["safe"] == "eps":
            eps = 1e-9 if kind != "f16" else 1e-7
            return self.row_unary(row, lambda a: f.op("arith.addf", a, f.constant(eps, kind)))
        return row

    def softmax(self, x):
        """Probabilities, and the row to divide the result by where that comes late."""
        s, f = self.s, self.f
        kind = x.kind
        if s["ops"] == "softmax":
            x = self.materialise(x)
            return f.named("softmax", [x], f.empty(x.shape, kind),
                           f"dimension({x.rank - 1}) "), None
        if s["exp"] == "online-row":
            return self.online(self.materialise(x))
        if s["exp"] != "fused":
            x = self.materialise(x)
        mask_operand = getattr(self, "exp_mask", None)
        row = self.maximum(x if s["mask"] != "after-exp-own-max" else self.only_allowed(x))
        division = s["division"]
        if division in ("logsumexp", "minus-log-sum", "log-softmax"):
            return self.by_logarithm(x, row), None
        if s["exp"] == "exp-and-sum":
            e, total = self.together(x, row)
        else:
            e = self.exponentials(x, row)
            if mask_operand is not None:
                e = self.zeroed(e)
            total = self.total(e)
        if isinstance(total, Tensor) and total.shape != x.shape:
            total = self.safe_total(total)
        e = self.copy(e) if isinstance(e, Tensor) else e
        if s["values"] == "divided-in-body":
            self.divisor = total
            return self.materialise(e), None
        if division in ("late", "late-reciprocal", "late-transposed", "half-late"):
            if division == "half-late":  # e / sqrt(sum) first, the other root after the product
                root = self.row_unary(total, lambda a: f.op("math.sqrt", a))
                e = self.materialise(self.add_to(e, [self.back(root, x.shape)],
                                                 lambda a, r: f.op("arith.divf", a, r)))
                return e, root
            return self.materialise(e), total
        if division in ("reciprocal", "reciprocal-powf"):
            one = f.constant(1.0, kind)
            if division == "reciprocal":
                inverse = self.row_unary(total, lambda a: f.op("arith.divf", one, a))
            else:
                inverse = self.row_unary(total, lambda a: f.op("math.powf", a,
                                                               f.constant(-1.0, kind)))
            return self.combined("mul", "arith.mulf", e, inverse, x.shape), None
        return self.combined("div", "arith.divf", e, total, x.shape), None

    def combined(self, name, arith, e, row, shape):
        operand = self.back(row, shape)
        if isinstance(e, Lazy):
            return self.materialise(self.add_to(e, [operand],
                                                lambda a, r: self.f.op(arith, a, r)))
        return self.binary(name, (e, identity(e.rank)), operand, shape, e.kind)

    def only_allowed(self, x):
        f = self.f
        tensor, results = self.exp_mask_over(x)
        return self.materialise(self.add_to(x, [(tensor, results)], lambda a, m: f.select(
            m, a, f.constant(-math.inf, a.kind))))

    def exp_mask_over(self, x):
        """The mask of exponentials as operand over the shape of x."""
        tensor, results = self.exp_mask
        if hasattr(self, "mask_names") or self.flat:
            names = ["b", "h", "q", "k"] if self.s["layout"] not in NO_QUERIES else \
                ["b", "h", "k"]
            sizes = {"b": self.B, "h": self.H, "q": self.Q, "k": self.K}
            if not hasattr(self, "mask_names"):
                names = list(self.G) + names[2:]
                sizes["g"] = self.B * self.H
            whole = self.f.elementwise([(tensor, results)], tuple(sizes[n] for n in names), "i1",
                                       lambda m: m)
            tensor = self.f.reshape(whole, x.shape)
            results = identity(len(x.shape))
        return tensor, results

    def zeroed(self, e):
        f = self.f
        e = self.materialise(e)
        return self.materialise(self.add_to(e, [self.exp_mask_over(e)], lambda a, m: f.select(
            m, a, f.constant(0.0, a.kind))))

    def by_logarithm(self, x, row):
        f, s = self.f, self.s
        x = self.materialise(x)
        e = self.exponentials(x, row)
        total = self.total(e)
        logarithm = self.row_unary(total, lambda a: f.op("math.log", a))
        exp = lambda a: f.op("math.exp", a)  # noqa: E731
        if s["division"] == "logsumexp":
            if row is not None:
                logarithm, row = self.same_rows(logarithm, row)
                both = f.elementwise([(row, identity(row.rank)),
                                      (logarithm, identity(row.rank))], row.shape, row.kind,
                                     lambda a, b: f.op("arith.addf", a, b))
            else:
                both = logarithm
            y = self.shifted_lazy(x, both)
            return self.materialise(self.add_to(y, [], exp))
        y = self.shifted_lazy(x, row)
        if s["division"] == "log-softmax":
            y = self.materialise(y)
        y = self.add_to(y, [self.back(logarithm, x.shape)],
                        lambda a, r: f.op("arith.subf", a, r))
        if s["division"] == "log-softmax":
            return self.unary("exp", self.materialise(y), exp)
        return self.materialise(self.add_to(y, [], exp))

    def same_rows(self, a, b):
        if a.rank > b.rank:
            a = self.f.reshape(a, b.shape)
        elif b.rank > a.rank:
            b = self.f.reshape(b, a.shape)
        return a, b

    def together(self, x, row):
        """The exponentials and their sum from one operation."""
        f = self.f
        lazy = self.exponentials(x, row)
        rank = len(x.shape)
        inits = [(f.empty(x.shape, x.kind), identity(rank)),
                 (f.fill(0.0, x.shape[:-1], x.kind), identity(rank - 1))]

        def body(*arguments):
            e = lazy.body(*arguments[:-2])
            return [e, f.op("arith.addf", e, arguments[-1])]

        e, total = f.generics(lazy.operands, inits, body, 1, rank)
        return e, total

    def online(self, x):
        """Maximum and sum in one pass over the keys."""
        f, kind = self.f, x.kind
        parallel = x.shape[:-1]
        results = identity(len(parallel))
        inits = [(f.fill(lowest(kind) if kind != "f16" else -6e4, parallel, kind), results),
                 (f.fill(0.0, parallel, kind), results)]

        def body(a, top, total):
            new = f.op("arith.maximumf", a, top)
            old = f.op("arith.mulf", total, f.op("math.exp", f.op("arith.subf", top, new)))
            return [new, f.op("arith.addf", old,
                              f.op("math.exp", f.op("arith.subf", a, new)))]

        top, total = f.generics([(x, identity(x.rank))], inits, body, 1, x.rank)
        p = f.elementwise([(x, identity(x.rank)), (top, results), (total, results)], x.shape, kind,
                          lambda a, t, z: f.op("arith.divf", f.op(
                              "math.exp", f.op("arith.subf", a, t)), z))
        return p, None

    def made_safe(self, p, x):
        """Rows without a key become 0."""
        f, style, kind = self.f, self.s["safe"], p.kind
        zero, infinity = (lambda: f.constant(0.0, kind)), -math.inf
        if style in ("none", "sum-zero", "eps"):
            return p
        n = identity(len(p.shape))
        if style in ("p-une", "p-uno"):
            return self.unary(None, p, lambda a: f.select(
                f.compare(style[2:], a, a), zero(), a))
        if style == "nan-to-num":
            def number(a):
                a = f.select(f.compare("uno", a, a), zero(), a)
                a = f.select(f.compare("oeq", a, f.constant(math.inf, kind)),
                             f.constant(-lowest(kind), kind), a)
                return f.select(f.compare("oeq", a, f.constant(-math.inf, kind)),
                                f.constant(lowest(kind), kind), a)
            return self.unary(None, p, number)
        if style == "maximum":
            row = self.reduction(x, infinity, "arith.maximumf")
            empty = f.elementwise([(row, identity(row.rank))], row.shape, "i1", lambda a: f.compare(
                "oeq", a, f.constant(infinity, x.kind)))
            invert = False
        else:
            test = "oeq" if style == "and" else "une"
            flags = f.elementwise([(self.materialise(x), n)], p.shape, "i1",
                                  lambda a: f.compare(test, a, f.constant(infinity, x.kind)))
            empty = self.reduction(flags, style == "and",
                                   "arith.andi" if style == "and" else "arith.ori")
            invert = style == "or"
        operand = self.back(empty, p.shape)
        return f.elementwise([operand, (p, n)], p.shape, kind, lambda e, a: f.select(
            e, *((a, zero()) if invert else (zero(), a))))

    # After the softmax ----------------------------------------------------------------------------

    def after(self, p):
        """Factors and masks on the probabilities; keeps what is meant in self.rows_meant."""
        f, style, kind = self.f, self.s["after"], p.kind
        self.row_factor = np.ones((1, 1, 1, 1))
        if style == "none" or style == "result-head-factor":
            return p
        if style == "dropout":
            self.row_factor = np.full((1, 1, 1, 1), 1 / (1 - DROPOUT))
            return self.unary(None, p, lambda a: f.op("arith.mulf", a, f.constant(
                1 / (1 - DROPOUT), kind)))
        shape = p.shape
        four = "g" in self.G
        G = self.G
        if four:
            p = f.reshape(p, (self.B, self.H) + p.shape[1:])
            self.G = "bh"
        names = self.dims(p.shape)
        n = identity(p.rank)
        if style == "remask":
            p = f.elementwise([self.remask_operand, (p, n)], p.shape, kind, lambda m, a: f.select(
                m, a, f.constant(0.0, kind)))
        elif style in ("row-mask", "row-select"):
            rows = self.rng.random((self.B, 1, self.Q, 1)) < 0.7
            self.row_factor = rows.astype(float)
            if style == "row-mask":
                operand = self.mask_operand(self.row_factor, kind, names)
                p = f.elementwise([(p, n), operand], p.shape, kind,
                                  lambda a, m: f.op("arith.mulf", a, m))
            else:
                operand = self.mask_operand(rows, "i1", names)
                p = f.elementwise([(p, n), operand], p.shape, kind, lambda a, m: f.select(
                    m, a, f.constant(0.0, kind)))
        elif style == "head-factor":
            factor = round_to(self.rng.uniform(0.5, 1.5, (1, self.H, 1, 1)), self.kind)
            self.row_factor = factor
            operand = self.mask_operand(factor, kind, names)
            p = f.elementwise([(p, n), operand], p.shape, kind,
                              lambda a, m: f.op("arith.mulf", a, m))
        self.G = G
        return f.reshape(p, shape)

    # The product with the values ------------------------------------------------------------------

    def weighted(self, p, v):
        s, f = self.s, self.f
        g = self.g_shape()
        n = len(g)
        base = tuple(range(n))
        style = s["values"]
        Q, K, E = self.Q, self.K, self.E
        if s["layout"] in NO_QUERIES:
            shape = g + (E,)
            if style == "batch-matmul" and not g:
                return f.named("vecmat", [p, v], f.fill(0.0, shape, self.kind))
            if style == "batch-matmul":
                flat = math.prod(g)
                out = f.named("batch_vecmat", [f.reshape(p, (flat, K)), f.reshape(v, (flat, K, E))],
                              f.fill(0.0, (flat, E), self.kind))
                return f.reshape(out, shape)
            j, e = n, n + 1
            if style == "product-sum":
                return self.product_sum(p, base + (j,), v, base + (j, e), g + (K, E), [j])
            return self.contraction(style, p, base + (n + 1,), v, base + (n + 1, n), shape,
                                    base + (n,), n + 2, [n + 1])
        shape = g + (Q, E)
        if s["keys"] == "two":
            h, w = self.K2
            v = f.reshape(v, v.shape[:-2] + (h, w, E)) if s["layout"] != "bshd-maps" else \
                f.reshape(v, (self.B, h, w, self.H, E))
            i, e, j, j2 = n, n + 1, n + 2, n + 3
            p_map, v_map = base + (i, j, j2), base + (j, j2, e)
            if s["layout"] == "bshd-maps":
                v_map = (0, j, j2, 1, e)
            if style == "product-sum":
                return self.product_sum(p, p_map, v, v_map, shape + (h, w), [j, j2])
            if style == "v-first":
                return self.contraction(style, v, v_map, p, p_map, shape, base + (i, e), n + 4,
                                        [j, j2])
            return self.contraction(style, p, p_map, v, v_map, shape, base + (i, e), n + 4, [j, j2])
        i, e, j = n, n + 1, n + 2
        p_map, v_map = base + (i, j), base + (j, e)
        if s["layout"] == "bshd-maps":
            v_map = (0, j, 1, e)
        if style == "product-sum":
            return self.product_sum(p, base + (n, n + 1), v,
                                    base + (n + 1, n + 2) if s["layout"] != "bshd-maps"
                                    else (0, n + 1, 1, n + 2), g + (Q, K, E), [n + 1])
        if style == "v-first":
            return self.contraction(style, v, v_map, p, p_map, shape, base + (i, e), n + 3, [j])
        if style in ("generic", "contract"):
            return self.contraction(style, p, p_map, v, v_map, shape, base + (i, e), n + 3, [j])
        if style == "divided-in-body":
            divisor = f.reshape(self.divisor, p.shape[:-1])

            def body(a, z, b, out):
                return f.op("arith.addf", out, f.op("arith.mulf", f.op("arith.divf", a, z), b))
            return f.generic([(p, p_map), (divisor, base + (i,)), (v, v_map)],
                             (f.fill(0.0, shape, self.kind), base + (i, e)), body, [j], n + 3)
        swap = base + (n + 1, n)
        if style == "swapped":
            return f.transpose(self.matmul(f.transpose(v, swap), f.transpose(p, swap)), swap)
        if style == "v-transposed":
            return self.matmul(p, f.transpose(v, swap), transposed=True)
        return self.matmul(p, v)

    def given(self, o, late):
        """The result in the layout, divided where that comes last."""
        f, s = self.f, self.s
        B, H, Q, E = self.B, self.H, self.Q, self.E
        layout, kind = s["layout"], o.kind
        if late is not None:
            if late.rank > len(self.g_shape()) + (layout not in NO_QUERIES):
                late = f.reshape(late, o.shape[:-1])
            late = self.converted(f.reshape(late, o.shape[:-1]), kind)
        moved = None
        if s["division"] == "late-transposed":
            o = f.reshape(o, (B, H, Q, E))
            o = f.transpose(o, (0, 2, 1, 3))
            late = f.transpose(f.reshape(late, (B, H, Q)), (0, 2, 1))
            moved = True
        if late is not None:
            name, arith = "div", "arith.divf"
            if s["division"] == "late-reciprocal":
                one = f.constant(1.0, kind)
                late = self.row_unary(late, lambda a: f.op("arith.divf", one, a))
                name, arith = "mul", "arith.mulf"
            o = self.binary(name, (o, identity(o.rank)), self.back(late, o.shape, 1), o.shape, kind)
        o = self.copy(o)
        if s["after"] == "result-head-factor" and self.H > 1 and not moved:
            factor = round_to(self.rng.uniform(0.5, 1.5, (1, H, 1, 1)), self.kind)
            self.row_factor = factor
            shape = o.shape
            o = f.reshape(o, (B, H) + o.shape[1:]) if self.G == "g" else o
            names = ["b", "h"] if self.G in ("bh", "g") else ["h"]
            t = self.argument(factor.reshape(H), kind)
            o = f.elementwise([(o, identity(o.rank)), (t, (names.index("h"),))], o.shape, kind,
                              lambda a, m: f.op("arith.mulf", a, m))
            o = f.reshape(o, shape)
        if s["reshape"] == "result-1d":
            o = f.reshape(o, o.shape[:0] + (1,) + o.shape, through=(math.prod(o.shape),))
            o = f.reshape(o, o.shape[1:])
        if layout in ("bshd", "packed", "bshd-maps"):
            if not moved:
                o = f.transpose(f.reshape(o, (B, H, Q, E)), (0, 2, 1, 3))
            if layout == "packed":
                o = f.reshape(o, (B, Q, H * E))
        elif layout == "units":
            o = f.reshape(f.reshape(o, (B, H, Q, E)), (B, H, 1, Q, E))
        elif layout == "merged":
            o = f.reshape(o, (B * H, Q, E))
        elif layout in ("one-d", "bhsd"):
            o = f.reshape(o, (B, H, Q, E))
        elif layout == "no-queries":
            o = f.reshape(o, (B, H, E))
        return o

    def laid_out(self, array):
        """An expected result [B, H, Q, E] in the layout."""
        layout = self.s["layout"]
        if layout == "hsd":
            return array[0]
        if layout == "sd":
            return array[0, 0]
        if layout in ("bshd", "bshd-maps"):
            return array.transpose(0, 2, 1, 3)
        if layout == "packed":
            return array.transpose(0, 2, 1, 3).reshape(self.B, self.Q, -1)
        if layout == "units":
            return array[:, :, None]
        if layout == "merged":
            return array.reshape(self.B * self.H, *array.shape[2:])
        if layout in NO_QUERIES:
            return array[0, 0, 0] if layout == "vector" else array[:, :, 0]
        return array

    # The whole ------------------------------------------------------------------------------------

    @property
    def nk(self):
        return 2 if self.s["keys"] == "two" else 1

    def in_function(self, name, x, body):
        """Calls a private function of one tensor whose text `body` writes."""
        outer, inner = self.f, Function(name, private=True)
        self.f = inner
        result = body(inner.argument(x.shape, x.kind))
        inner.give(result)
        self.f = outer
        self.functions.append(inner)
        return outer.call(name, [(result.shape, result.kind)], x)[0]

    def mask_in_function(self, x):
        """The mask in a function of its own, whose other operands are arguments of `main`."""
        outer = self.f
        x = self.materialise(x)
        inner = Function("masked", private=True)
        before = len(outer.arguments)
        argument = inner.argument(x.shape, x.kind)
        # Arguments that the mask makes are arguments of both.
        forwarded = []
        original = self.argument

        def both(array, kind):
            forwarded.append((array, kind))
            return inner.argument(array.shape, kind)

        self.argument, self.f = both, inner
        y = self.materialise(self.masked(argument))
        inner.give(y)
        del self.argument
        self.f = outer
        self.functions.append(inner)
        values = [self.argument(array, kind) for array, kind in forwarded]
        assert len(outer.arguments) == before + len(values) and original
        return outer.call("masked", [(y.shape, y.kind)], x, *values)[0]

    def write(self):
        s, f = self.s, self.f
        self.flat = False
        q, k, v = self.prepared()
        self.prepared_q = q
        x = self.scores(q, k)
        if s["exp"] != "fused":
            x = self.copy(self.materialise(x))
        if s["reshape"] == "scores-1d":
            x = f.reshape(x, x.shape + (1,), through=(math.prod(x.shape),))
            x = f.reshape(x, x.shape[:-1])
        if s["functions"] == "mask":
            x = self.mask_in_function(x)
        else:
            x = self.masked(x)
        x = self.converted(x, self.soft_kind)
        shape = x.shape
        if s["reshape"] == "unit":
            x = f.reshape(self.materialise(x), (1, *shape))
            x = f.reshape(x, (*shape[:1], 1, *shape[1:]), through=(math.prod(shape),))
            x = f.reshape(x, shape)
        if s["reshape"] == "flat-softmax":
            x = f.reshape(self.materialise(x), (math.prod(shape[:-1]), shape[-1]))
            self.flat = True
        if s["keys"] == "two-flattened":
            # Scores with keys in two dimensions, flattened for the softmax only.
            x = f.reshape(self.materialise(x), shape[:-1] + self.K2)
            x = f.reshape(x, shape)
        if s["functions"] in ("softmax", "nested"):
            def whole(argument):
                if s["functions"] == "nested":
                    return self.in_function("inner_softmax", argument, only)
                return only(argument)

            def only(argument):
                p, _ = self.softmax(argument)
                return self.made_safe(p, argument)
            p, late = self.in_function("softmax", self.materialise(x), whole), None
        else:
            if s["safe"] != "none" and s["exp"] != "fused":
                x = self.materialise(x)
            p, late = self.softmax(x)
            p = self.made_safe(p, x)
        if s["keys"] == "two-flattened":
            p = f.reshape(f.reshape(p, shape[:-1] + self.K2), shape)
        p = f.reshape(p, shape)
        p = self.copy(p)
        p = self.converted(p, self.kind)
        p = self.after(p)
        if s["reshape"] == "probabilities-1d":
            p = f.reshape(p, (1, *p.shape), through=(math.prod(p.shape),))
            p = f.reshape(p, p.shape[1:])
        o = self.weighted(p, v)
        o = self.given(o, late)
        self.f.give(o)
        return self

    def expected(self):
        """By NumPy, in f64, from what is meant."""
        p = softmax(self.meant, None if getattr(self, "finite_pad", False) else self.allowed)
        return self.laid_out(p * self.row_factor @ self.v)


    def allowed_scores(self):
        """How many scores are not masked; None where a row has no key."""
        if not self.allowed.any(-1).all():
            return None
        return int(np.broadcast_to(self.allowed, self.meant.shape).sum())


class Tie(Exception):
    """A score is so near to where a rounding changes that its value is not known."""


@dataclasses.dataclass
class Case:
    """A module, its inputs, its results and what is expected of the raiser: "raise", "never" or
    "either", with how many attentions.
    """
    name: str
    text: str
    inputs: list
    results: list
    expectation: str
    kind: str = "f32"
    attentions: int = 1
    values: dict = dataclasses.field(default_factory=dict)  # axis -> value
    remark_optional: bool = False
    #: How many scores count as allowed, where every row has an allowed key.
    allowed_scores: int | None = None


def twice(writer, other):
    """The attention as a function that `main` calls twice. The second time argument `other` is
    another one: 0, queries with the same numbers, or 2, half the values, so that the result is half
    the first.
    """
    inner = writer.f
    inner.name, inner.private = "attention", True
    outer = Function("main")
    arguments = [outer.argument(a.shape, a.kind) if isinstance(a, Tensor)
                 else outer.argument(None, a.kind) for a in inner.arguments]
    second = list(arguments)
    second[other] = outer.argument(inner.arguments[other].shape, inner.arguments[other].kind)
    results = [(r.shape, r.kind) for r in inner.results]
    first = outer.call("attention", results, *arguments)
    second = outer.call("attention", results, *second)
    outer.give(*first, *second)
    writer.functions.append(inner)
    writer.f = outer
    writer.arrays.append(writer.arrays[other] / (2 if other else 1))


def case(name, spelling, seed=0):
    """The case of a settled spelling."""
    for attempt in range(50):
        rng = np.random.default_rng([seed, attempt, zlib.crc32(name.encode())])
        writer = Writer(spelling, rng)
        try:
            writer.write()
            break
        except Tie:
            continue
    else:
        raise AssertionError(f"{name}: every seed has a score near a tie")
    results = [writer.expected()]
    count = 1
    if spelling["functions"].startswith("twice"):
        other = 2 if spelling["functions"] == "twice-values" else 0
        twice(writer, other)
        results.append(results[0] / (2 if other else 1))
        count = 2
    text = "".join(f.text() for f in (*writer.functions, writer.f))
    either = any((axis, value) in EITHER for axis, value in spelling.items())
    # Minus infinity beside a number that leaves the scores, rounded: no attribute says both.
    either |= (spelling["type"] != "f32" and
               spelling["mask"] == "causal-and-pad-right-1e4")
    values = {axis: value for axis, value in spelling.items() if value != AXES[axis][0]}
    return Case(name, text, writer.arrays, results, "either" if either else "raise",
                writer.kind, count, values,
                allowed_scores=(writer.allowed_scores() or 0) * count or None)


def single_axis_cases():
    """Each value of each axis alone, with what it needs."""
    yield case("default", default())
    for axis, values in AXES.items():
        for value in values[1:]:
            spelling = fits({**default(), axis: value}, (axis,))
            if spelling is None:
                raise AssertionError(f"{axis}={value} does not fit the defaults")
            yield case(f"{axis}={value}", spelling)


def paired_cases():
    """Masks in half precision, where their constants absorb scores; and two attentions of one
    size.
    """
    for kind in AXES["type"]:
        for functions in ("twice", "twice-values"):
            spelling = {**default(), "type": kind, "functions": functions, "sizes": "square"}
            yield case(f"type={kind},functions={functions}", spelling)
    for kind in AXES["type"][1:]:
        for mask in AXES["mask"][1:]:
            spelling = fits({**default(), "type": kind, "mask": mask}, ("type", "mask"))
            if spelling:
                yield case(f"type={kind},mask={mask}", spelling)


def random_cases(count, seed):
    """Seeded combinations: some with few axes that are not at their default, some with half of
    them.
    """
    for number in range(1, count + 1):
        rng = np.random.default_rng([seed, number])
        spelling = None
        while spelling is None:
            density = rng.choice((0.15, 0.3, 0.5))
            spelling = fits({axis: str(rng.choice(values)) if rng.random() < density
                             else values[0] for axis, values in AXES.items()}, ())
        yield case(f"random{seed}-{number}", spelling, seed)
