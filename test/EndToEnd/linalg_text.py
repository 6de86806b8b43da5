# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes linalg on tensors as text: values with static shapes, generics whose bodies are Python
functions, and the named operations.
"""

import dataclasses
import math

import numpy as np

FLOATS = ("bf16", "f16", "f32", "f64")


@dataclasses.dataclass(frozen=True)
class Scalar:
    name: str
    kind: str


@dataclasses.dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple
    kind: str

    @property
    def type(self):
        return tensor_type(self.shape, self.kind)

    @property
    def rank(self):
        return len(self.shape)


def tensor_type(shape, kind):
    return f"tensor<{'x'.join([*map(str, shape), kind])}>"


def identity(rank):
    return tuple(range(rank))


def map_text(dims, results):
    """An affine map; None is the constant 0."""
    names = ", ".join(f"d{n}" for n in range(dims))
    return f"affine_map<({names}) -> ({', '.join('0' if r is None else f'd{r}' for r in results)})>"


_BITS = {"f16": np.float16, "f32": np.float32, "f64": np.float64}


def float_text(value, kind):
    """A number as MLIR reads it; hexadecimal where decimals cannot say it."""
    if math.isfinite(value):
        return f"{value:.17e}" if value else ("-0.0" if math.copysign(1, value) < 0 else "0.0")
    if kind == "bf16":
        bits = int(np.float32(value).view(np.uint32)) >> 16
        return f"0x{bits:04X}"
    number = _BITS[kind](value)
    digits = number.itemsize * 2
    return f"0x{int(number.view(f'u{number.itemsize}')):0{digits}X}"


def lowest(kind):
    return {"f16": -65504.0, "bf16": -3.3895313892515355e38, "f32": -3.4028234663852886e38,
            "f64": -1.7976931348623157e308}[kind]


class Function:
    """The text of one function, written line by line."""

    def __init__(self, name="main", private=False):
        self.name = name
        self.private = private
        self.arguments = []
        self.results = []
        self._lines = []
        self.indent = 1
        self._count = 0
        self.constants = {}

    # Names and lines ------------------------------------------------------------------------------

    def fresh(self):
        self._count += 1
        return f"%{self._count}"

    def line(self, text):
        self._lines.append("  " * self.indent + text)

    def argument(self, shape, kind):
        """A tensor, or a scalar where the shape is None."""
        name = f"%arg{len(self.arguments)}"
        value = Scalar(name, kind) if shape is None else Tensor(name, tuple(shape), kind)
        self.arguments.append(value)
        return value

    def give(self, *values):
        self.results = list(values)

    def text(self):
        arguments = ", ".join(f"{a.name}: {_type(a)}" for a in self.arguments)
        results = ", ".join(_type(r) for r in self.results)
        visibility = "private " if self.private else ""
        names = ", ".join(r.name for r in self.results)
        return (f"func.func {visibility}@{self.name}({arguments}) -> ({results}) {{\n"
                + "\n".join(self._lines) + f"\n  return {names} : {results}\n}}\n")

    # Scalars --------------------------------------------------------------------------------------

    def constant(self, value, kind):
        key = (repr(value), kind)
        if self.indent > 1 or key not in self.constants:
            name = self.fresh()
            if kind in FLOATS:
                literal = f"{float_text(value, kind)} : {kind}"
            elif kind == "i1":
                literal = "true" if value else "false"
            else:
                literal = f"{value} : {kind}"
            self.line(f"{name} = arith.constant {literal}")
            if self.indent > 1:
                return Scalar(name, kind)
            self.constants[key] = Scalar(name, kind)
        return self.constants[key]

    def op(self, name, *operands, kind=None):
        """An operation whose result has the kind of its operands."""
        result = Scalar(self.fresh(), kind or operands[0].kind)
        self.line(f"{result.name} = {name} {', '.join(o.name for o in operands)} "
                  f": {operands[0].kind}")
        return result

    def compare(self, predicate, a, b):
        result = Scalar(self.fresh(), "i1")
        name = "arith.cmpf" if a.kind in FLOATS else "arith.cmpi"
        self.line(f"{result.name} = {name} {predicate}, {a.name}, {b.name} : {a.kind}")
        return result

    def select(self, condition, a, b):
        result = Scalar(self.fresh(), a.kind)
        self.line(f"{result.name} = arith.select {condition.name}, {a.name}, {b.name} : {a.kind}")
        return result

    def cast(self, name, value, kind):
        result = Scalar(self.fresh(), kind)
        self.line(f"{result.name} = {name} {value.name} : {value.kind} to {kind}")
        return result

    def convert(self, value, kind):
        """To another floating-point type, or the same."""
        sizes = {"bf16": 16, "f16": 16, "f32": 32, "f64": 64}
        if value.kind == kind:
            return value
        wider = sizes[kind] > sizes[value.kind]
        return self.cast("arith.extf" if wider else "arith.truncf", value, kind)

    def index(self, dimension):
        result = Scalar(self.fresh(), "index")
        self.line(f"{result.name} = linalg.index {dimension} : index")
        return result

    def extract(self, tensor, *indices):
        result = Scalar(self.fresh(), tensor.kind)
        self.line(f"{result.name} = tensor.extract {tensor.name}"
                  f"[{', '.join(i.name for i in indices)}] : {tensor.type}")
        return result

    # Tensors --------------------------------------------------------------------------------------

    def tensor_constant(self, value, shape, kind):
        result = Tensor(self.fresh(), tuple(shape), kind)
        literal = float_text(value, kind) if kind in FLOATS else str(value).lower()
        self.line(f"{result.name} = arith.constant dense<{literal}> : {result.type}")
        return result

    def array_constant(self, array, kind):
        result = Tensor(self.fresh(), array.shape, kind)

        def literal(part):
            if part.ndim:
                return "[" + ", ".join(literal(p) for p in part) + "]"
            return float_text(float(part), kind) if kind in FLOATS else str(part).lower()

        self.line(f"{result.name} = arith.constant dense<{literal(array)}> : {result.type}")
        return result

    def empty(self, shape, kind):
        result = Tensor(self.fresh(), tuple(shape), kind)
        self.line(f"{result.name} = tensor.empty() : {result.type}")
        return result

    def fill(self, value, shape, kind):
        scalar = self.constant(value, kind)
        init = self.empty(shape, kind)
        result = Tensor(self.fresh(), init.shape, kind)
        self.line(f"{result.name} = linalg.fill ins({scalar.name} : {kind}) "
                  f"outs({init.name} : {init.type}) -> {result.type}")
        return result

    def generics(self, operands, inits, body, reductions=0, dims=None):
        """A linalg.generic of several results. `operands` and `inits` are (tensor, map); the last
        `reductions` of the dimensions are reductions.
        """
        if dims is None:
            dims = 1 + max(d for _, results in operands + inits for d in results if d is not None)
        maps = ", ".join(map_text(dims, results) for _, results in operands + inits)
        if isinstance(reductions, int):
            reductions = range(dims - reductions, dims)
        iterators = ", ".join('"reduction"' if d in reductions else '"parallel"'
                              for d in range(dims))
        results = [Tensor(self.fresh(), init.shape, init.kind) for init, _ in inits]
        ins = ""
        if operands:
            ins = (f"ins({', '.join(t.name for t, _ in operands)} : "
                   f"{', '.join(t.type for t, _ in operands)}) ")
        outs = (f"outs({', '.join(t.name for t, _ in inits)} : "
                f"{', '.join(t.type for t, _ in inits)})")
        head = results[0].name
        if len(results) > 1:
            base = results[0].name
            head = f"{base}:{len(results)}"
            results = [Tensor(f"{base}#{n}", r.shape, r.kind) for n, r in enumerate(results)]
        self.line(f"{head} = linalg.generic {{indexing_maps = [{maps}], iterator_types = "
                  f"[{iterators}]}} {ins}{outs} {{")
        arguments = [Scalar(self.fresh(), t.kind) for t, _ in operands + inits]
        self.line(f"^bb0({', '.join(f'{a.name}: {a.kind}' for a in arguments)}):")
        self.indent += 1
        yielded = body(*arguments)
        yielded = [yielded] if isinstance(yielded, Scalar) else yielded
        self.line(f"linalg.yield {', '.join(y.name for y in yielded)} : "
                  f"{', '.join(y.kind for y in yielded)}")
        self.indent -= 1
        types = ", ".join(r.type for r in results)
        self.line(f"}} -> {types if len(results) == 1 else f'({types})'}")
        return results

    def generic(self, operands, init, body, reductions=0, dims=None):
        return self.generics(operands, [init], body, reductions, dims)[0]

    def elementwise(self, operands, shape, kind, body):
        """A generic of parallel dimensions over a shape; the body does not see the init."""
        init = (self.empty(shape, kind), identity(len(shape)))
        return self.generic(operands, init, lambda *args: body(*args[:-1]), dims=len(shape))

    def named(self, name, operands, init, attributes=""):
        """linalg.NAME ins(...) outs(...)."""
        result = Tensor(self.fresh(), init.shape, init.kind)
        self.line(f"{result.name} = linalg.{name} {attributes}"
                  f"ins({', '.join(t.name for t in operands)} : "
                  f"{', '.join(t.type for t in operands)}) outs({init.name} : {init.type}) "
                  f"-> {result.type}")
        return result

    def transpose(self, tensor, permutation):
        shape = tuple(tensor.shape[p] for p in permutation)
        init = self.empty(shape, tensor.kind)
        result = Tensor(self.fresh(), shape, tensor.kind)
        self.line(f"{result.name} = linalg.transpose ins({tensor.name} : {tensor.type}) "
                  f"outs({init.name} : {init.type}) permutation = {list(permutation)}")
        return result

    def broadcast(self, tensor, shape, dimensions):
        init = self.empty(shape, tensor.kind)
        result = Tensor(self.fresh(), tuple(shape), tensor.kind)
        self.line(f"{result.name} = linalg.broadcast ins({tensor.name} : {tensor.type}) "
                  f"outs({init.name} : {init.type}) dimensions = {list(dimensions)}")
        return result

    def reduce(self, tensor, init, dimensions, body):
        result = Tensor(self.fresh(), init.shape, init.kind)
        value, accumulator = Scalar(self.fresh(), tensor.kind), Scalar(self.fresh(), init.kind)
        self.line(f"{result.name} = linalg.reduce ins({tensor.name} : {tensor.type}) "
                  f"outs({init.name} : {init.type}) dimensions = {list(dimensions)}")
        self.line(f"({value.name}: {value.kind}, {accumulator.name}: {accumulator.kind}) {{")
        self.indent += 1
        self.line(f"linalg.yield {body(value, accumulator).name} : {init.kind}")
        self.indent -= 1
        self.line("}")
        return result

    def map(self, tensors, kind, body):
        """linalg.map over tensors of one shape."""
        init = self.empty(tensors[0].shape, kind)
        result = Tensor(self.fresh(), init.shape, kind)
        arguments = [Scalar(self.fresh(), t.kind) for t in (*tensors, init)]
        self.line(f"{result.name} = linalg.map ins({', '.join(t.name for t in tensors)} : "
                  f"{', '.join(t.type for t in tensors)}) outs({init.name} : {init.type})")
        self.line(f"({', '.join(f'{a.name}: {a.kind}' for a in arguments)}) {{")
        self.indent += 1
        self.line(f"linalg.yield {body(*arguments[:-1]).name} : {kind}")
        self.indent -= 1
        self.line("}")
        return result

    def reshape(self, tensor, shape, through=None):
        """Collapses and expands; through one dimension where neither is enough."""
        shape = tuple(shape)
        if through is not None:
            return self.reshape(self.reshape(tensor, through), shape)
        if tensor.shape == shape:
            return tensor
        groups = _groups(tensor.shape, shape)
        if groups is None:
            return self.reshape(tensor, shape, through=(math.prod(shape),))
        result = Tensor(self.fresh(), shape, tensor.kind)
        reassociation = "[" + ", ".join(str(list(g)) for g in groups) + "]"
        if len(shape) < tensor.rank:
            self.line(f"{result.name} = tensor.collapse_shape {tensor.name} {reassociation} : "
                      f"{tensor.type} into {result.type}")
        else:
            self.line(f"{result.name} = tensor.expand_shape {tensor.name} {reassociation} "
                      f"output_shape {list(shape)} : {tensor.type} into {result.type}")
        return result

    def call(self, name, results, *operands):
        """A call; `results` are (shape, kind)."""
        base = self.fresh()
        values = [Tensor(base if len(results) == 1 else f"{base}#{n}", tuple(shape), kind)
                  for n, (shape, kind) in enumerate(results)]
        head = base if len(results) == 1 else f"{base}:{len(results)}"
        self.line(f"{head} = func.call @{name}({', '.join(o.name for o in operands)}) : "
                  f"({', '.join(_type(o) for o in operands)}) -> "
                  f"({', '.join(v.type for v in values)})")
        return values


def _type(value):
    return value.kind if isinstance(value, Scalar) else value.type


def _groups(source, target):
    """The reassociation that takes one shape to the other, or None."""
    if len(source) == len(target):
        return None
    long, short = (source, target) if len(source) > len(target) else (target, source)
    if not short:
        return []
    groups, position = [], 0
    for index, size in enumerate(short):
        group, product = [], 1
        last = index == len(short) - 1
        while position < len(long) and (not group or product < size or last):
            product *= long[position]
            group.append(position)
            position += 1
        if product != size:
            return None
        groups.append(group)
    return groups if position == len(long) else None
