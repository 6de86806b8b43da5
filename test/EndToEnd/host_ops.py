#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The host runs what producers of linalg lower to, as NumPy does: named ops, tensor ops, math
functions, complex numbers, control flow.
"""

import math
import pathlib
import sys

import numpy as np

import harness

RANDOM = np.random.default_rng(7)
#: Errors that are allowed for each type, relative to the largest element.
TOLERANCES = {
    "float16": 2e-3,
    "float32": 2e-6,
    "float64": 1e-12,
    "complex64": 2e-6,
    "complex128": 1e-12
}
#: Types of elements in MLIR.
TYPES = {
    "bool": "i1",
    "int8": "i8",
    "int32": "i32",
    "int64": "i64",
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "complex64": "complex<f32>",
    "complex128": "complex<f64>"
}

CASES = []


def normal(*shape, dtype=np.float32):
    return RANDOM.standard_normal(shape).astype(dtype)


def tensor_type(array):
    return f"tensor<{''.join(f'{size}x' for size in array.shape)}{element_type(array.dtype)}>"


def element_type(dtype):
    return TYPES[np.dtype(dtype).name]


def typed(inputs):
    """The inputs and their types, as ops have them."""
    names = ", ".join(f"%{index}" for index in range(len(inputs)))
    return f"{names} : {', '.join(tensor_type(array) for array in inputs)}"


def case(name, body, inputs, *expected):
    """A function of `inputs`, `%0`, `%1`, ...; its `body` computes its results, `%r0`, ...."""
    arguments = ", ".join(f"%{index}: {tensor_type(array)}" for index, array in enumerate(inputs))
    results = ", ".join(tensor_type(array) for array in expected)
    names = ", ".join(f"%r{index}" for index in range(len(expected)))
    CASES.append((name, f"func.func @main({arguments}) -> ({results}) {{\n{body}\n"
                  f"  return {names} : {results}\n}}\n", inputs, expected))


def named(op, inputs, expected, init="empty", attributes="", has_type=True):
    """A case of an op of linalg that writes into an empty tensor, or into one of `init`."""
    out = tensor_type(expected)
    value = (f"tensor.empty() : {out}"
             if init == "empty" else f"arith.constant dense<{init}> : {out}")
    type_at_end = f" -> {out}" if has_type else ""
    case(
        f"linalg.{op}", f"  %e = {value}\n"
        f"  %r0 = linalg.{op} ins({typed(inputs)}) outs(%e : {out}){attributes}{type_at_end}",
        inputs, expected)


def pointwise(name, ops, inputs, expected):
    """A case of a linalg.generic whose body, `ops`, computes `%y` of `%x0`, `%x1`, ...."""
    out, element = tensor_type(expected), element_type(expected.dtype)
    maps = ", ".join(["affine_map<(i) -> (i)>"] * (len(inputs) + 1))
    arguments = "".join(f"%x{index}: {element_type(array.dtype)}, "
                        for index, array in enumerate(inputs))
    case(
        name, f"""  %e = tensor.empty() : {out}
  %r0 = linalg.generic {{indexing_maps = [{maps}], iterator_types = ["parallel"]}}
      ins({typed(inputs)}) outs(%e : {out}) {{
  ^bb0({arguments}%out: {element}):
    {ops}
    linalg.yield %y : {element}
  }} -> {out}""", inputs, expected)


# Named ops ---------------------------------------------------------------------------------------

X, Y = normal(3, 4), normal(3, 4)
P = np.abs(X) + np.float32(0.1)
for op, function in {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "div": np.divide,
        "max": np.maximum,
        "min": np.minimum
}.items():
    named(op, [X, Y], function(X, Y))
named("powf", [P, Y], P**Y)
for op, function in {
        "exp": np.exp,
        "log": np.log,
        "sqrt": np.sqrt,
        "rsqrt": lambda x: 1 / np.sqrt(x),
        "tanh": np.tanh,
        "abs": np.abs,
        "negf": np.negative,
        "square": np.square,
        "reciprocal": np.reciprocal,
        "ceil": np.ceil,
        "floor": np.floor,
        "round": np.round,
        "erf": np.vectorize(math.erf, otypes=[np.float32])
}.items():
    named(op, [P], function(P))
named("elementwise kind=#linalg.elementwise_kind<exp>", [X], np.exp(X))
named("select", [X > 0, X, Y], np.where(X > 0, X, Y))
named("copy", [X], X)
named("map { arith.mulf }", [X, Y], X * Y, has_type=False)
named("reduce { arith.addf }", [X], X.sum(1), "0.0", " dimensions = [1]", has_type=False)
named("reduce { arith.maximumf }", [X],
      X.max(),
      "0xFF800000",
      " dimensions = [0, 1]",
      has_type=False)
named("broadcast", [X],
      np.repeat(X[:, :, None], 2, 2),
      "empty",
      " dimensions = [2]",
      has_type=False)
named("broadcast", [np.float32(2.5)],
      np.full(3, 2.5, np.float32),
      "empty",
      " dimensions = [0]",
      has_type=False)
named("transpose", [X], X.T.copy(), "empty", " permutation = [1, 0]", has_type=False)
S = np.exp(X - X.max(1, keepdims=True))
named("softmax dimension(1)", [X], S / S.sum(1, keepdims=True))
B, V, W = normal(2, 3, 4), normal(2, 4), normal(2, 3)
named("matvec", [B[0], V[0]], B[0] @ V[0], "0.0")
named("vecmat", [W[0], B[0]], W[0] @ B[0], "0.0")
named("batch_matvec", [B, V], np.einsum("bij,bj->bi", B, V), "0.0")
named("batch_vecmat", [W, B], np.einsum("bi,bij->bj", W, B), "0.0")
named("dot", [V[0], V[1]], V[0] @ V[1], "0.0")
named("batch_reduce_matmul", [B, B.transpose(0, 2, 1).copy()], np.einsum("bij,bkj->ik", B, B),
      "0.0")
MAPS = ", ".join(f"affine_map<(b, i, j, k) -> ({place})>"
                 for place in ("b, i, k", "b, j, k", "b, i, j"))
named(f"contract indexing_maps = [{MAPS}]", [B, B], np.einsum("bij,bkj->bik", B, B), "0.0")
BYTES = [
    np.array([[1, -2, 127], [-128, 5, 6]], np.int8),
    np.array([[1, 2], [3, 4], [-128, 7]], np.int8)
]
named("matmul", BYTES, BYTES[0].astype(np.int32) @ BYTES[1].astype(np.int32), "0")
IMAGE = normal(1, 4, 4, 2)
named("pooling_nhwc_max {strides = dense<2> : tensor<2xi64>}",
      [IMAGE, np.zeros((2, 2), np.float32)],
      IMAGE.reshape(1, 2, 2, 2, 2, 2).max((2, 4)), "0xFF800000")
PLACES = np.tile(np.arange(4), (3, 1))
case(
    "the place of the maximum", """
  %z = arith.constant dense<0xFF800000> : tensor<3xf32>
  %n = arith.constant dense<0> : tensor<3xi64>
  %r0, %r1 = linalg.reduce ins(%0, %1 : tensor<3x4xf32>, tensor<3x4xi64>)
      outs(%z, %n : tensor<3xf32>, tensor<3xi64>) dimensions = [1]
    (%x: f32, %p: i64, %best: f32, %place: i64) {
      %is = arith.cmpf ogt, %x, %best : f32
      %b = arith.select %is, %x, %best : f32
      %q = arith.select %is, %p, %place : i64
      linalg.yield %b, %q : f32, i64
    }""", [X, PLACES], X.max(1), X.argmax(1))
case(
    "linalg.index", """
  %e = tensor.empty() : tensor<2x3xi64>
  %r0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]} outs(%e : tensor<2x3xi64>) {
  ^bb0(%o: i64):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %n = arith.muli %i, %j : index
    %m = arith.index_cast %n : index to i64
    linalg.yield %m : i64
  } -> tensor<2x3xi64>""", [], np.outer(np.arange(2), np.arange(3)))

# Tensor ops --------------------------------------------------------------------------------------

case(
    "tensor.pad", """
  %c = arith.constant 7.0 : f32
  %r0 = tensor.pad %0 low[1, 0] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c : f32
  } : tensor<3x4xf32> to tensor<4x6xf32>""", [X], np.pad(X, ((1, 0), (0, 2)), constant_values=7))
case(
    "tensor.pad with what stands at the index", """
  %r0 = tensor.pad %0 low[1, 0] high[0, 2] {
  ^bb0(%i: index, %j: index):
    %k = arith.index_cast %j : index to i32
    %f = arith.sitofp %k : i32 to f32
    tensor.yield %f : f32
  } : tensor<3x4xf32> to tensor<4x6xf32>""", [X],
    np.block([[np.arange(6, dtype=np.float32)[None]], [X, np.tile(np.float32([4, 5]), (3, 1))]]))
TILES = normal(2, 2, 2, 2)
case(
    "linalg.pack", """
  %e = tensor.empty() : tensor<2x2x2x2xf32>
  %c = arith.constant 7.0 : f32
  %r0 = linalg.pack %0 padding_value(%c : f32) inner_dims_pos = [0, 1] inner_tiles = [2, 2] into %e
      : tensor<3x4xf32> -> tensor<2x2x2x2xf32>""", [X],
    np.pad(X, ((0, 1), (0, 0)), constant_values=7).reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).copy())
case(
    "linalg.unpack", """
  %e = tensor.empty() : tensor<3x4xf32>
  %r0 = linalg.unpack %0 inner_dims_pos = [0, 1] inner_tiles = [2, 2] into %e
      : tensor<2x2x2x2xf32> -> tensor<3x4xf32>""", [TILES],
    TILES.transpose(0, 2, 1, 3).reshape(4, 4)[:3].copy())
T = tensor_type(X)
case("tensor.concat", f"  %r0 = tensor.concat dim(1) %0, %1 : ({T}, {T}) -> tensor<3x8xf32>",
     [X, Y], np.concatenate([X, Y], 1))
case(
    "tensor.gather", """
  %r0 = tensor.gather %0[%1] gather_dims([0])
      : (tensor<3x4xf32>, tensor<2x1xi64>) -> tensor<2x1x4xf32>""", [X, np.array([[2], [0]])],
    X[[2, 0]][:, None])
case(
    "tensor.gather without the gathered dimension", """
  %r0 = tensor.gather %0[%1] gather_dims([1])
      : (tensor<3x4xf32>, tensor<2x1xi64>) -> tensor<2x3xf32>""", [X, np.array([[3], [1]])],
    X[:, [3, 1]].T.copy())
case(
    "tensor.gather of several dimensions", """
  %r0 = tensor.gather %0[%1] gather_dims([0, 2])
      : (tensor<2x3x4xf32>, tensor<2x2xi64>) -> tensor<2x3xf32>""",
    [B, np.array([[1, 3], [0, 2]])], np.stack([B[1, :, 3], B[0, :, 2]]))
case(
    "arithmetic on tensors", """
  %a = arith.mulf %0, %1 : tensor<3x4xf32>
  %b = math.exp %a : tensor<3x4xf32>
  %c = arith.cmpf ogt, %b, %1 : tensor<3x4xf32>
  %r0 = arith.select %c, %b, %1 : tensor<3x4xi1>, tensor<3x4xf32>""", [X, Y],
    np.maximum(np.exp(X * Y), Y))
case(
    "tensor.generate", """
  %r0 = tensor.generate {
  ^bb0(%i: index, %j: index):
    %x = tensor.extract %0[%j, %i] : tensor<3x4xf32>
    tensor.yield %x : f32
  } : tensor<4x3xf32>""", [X], X.T.copy())
case("tensor.splat",
     "  %x = tensor.extract %0[] : tensor<f32>\n  %r0 = tensor.splat %x : tensor<2x3xf32>",
     [np.float32(3)], np.full((2, 3), 3, np.float32))
case(
    "tensor.insert", """
  %c1 = arith.constant 1 : index
  %x = arith.constant 9.0 : f32
  %r0 = tensor.insert %x into %0[%c1, %c1] : tensor<3x4xf32>""", [np.zeros((3, 4), np.float32)],
    np.float32([[0] * 4, [0, 9, 0, 0], [0] * 4]))
case(
    "slices at offsets of the data", """
  %n = tensor.extract %1[] : tensor<i64>
  %i = arith.index_cast %n : i64 to index
  %s = tensor.extract_slice %0[%i, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<4xf32>
  %c0 = arith.constant 0 : index
  %r0 = tensor.insert_slice %s into %0[%c0, 0] [1, 4] [1, 1]
      : tensor<4xf32> into tensor<3x4xf32>""", [X, np.array(2)], np.stack([X[2], X[1], X[2]]))
case("tensor.bitcast", "  %r0 = tensor.bitcast %0 : tensor<3xi32> to tensor<3xf32>",
     [np.float32([1, 2, 3]).view(np.int32)], np.float32([1, 2, 3]))
case(
    "tensor.from_elements", """
  %n = tensor.rank %0 : tensor<3x4xf32>
  %m = arith.index_cast %n : index to i64
  %c = arith.constant 5 : i64
  %r0 = tensor.from_elements %m, %c : tensor<2xi64>""", [X], np.array([2, 5]))

# Numbers -----------------------------------------------------------------------------------------

R = np.float32([-2.5, -1.5, -0.5, 0.3, 0.5, 1.5, 2.5, 7.75])
A = np.abs(R) + np.float32(0.5)
with np.errstate(all="ignore"):
    for op, (x, function) in {
            "absf": (R, np.abs),
            "acos": (R / 8, np.arccos),
            "acosh": (A + 1, np.arccosh),
            "asin": (R / 8, np.arcsin),
            "asinh": (R, np.arcsinh),
            "atan": (R, np.arctan),
            "atanh": (R / 8, np.arctanh),
            "cbrt": (R, np.cbrt),
            "ceil": (R, np.ceil),
            "cos": (R, np.cos),
            "cosh": (R, np.cosh),
            "erf": (R, np.vectorize(math.erf)),
            "erfc": (R, np.vectorize(math.erfc)),
            "exp": (R, np.exp),
            "exp2": (R, np.exp2),
            "expm1": (R, np.expm1),
            "floor": (R, np.floor),
            "log": (A, np.log),
            "log10": (A, np.log10),
            "log1p": (A, np.log1p),
            "log2": (A, np.log2),
            "round": (R, lambda x: np.trunc(x + np.copysign(0.5, x))),
            "roundeven": (R, np.round),
            "rsqrt": (A, lambda x: 1 / np.sqrt(x)),
            "sin": (R, np.sin),
            "sinh": (R, np.sinh),
            "sqrt": (A, np.sqrt),
            "tan": (R, np.tan),
            "tanh": (R, np.tanh),
            "trunc": (R, np.trunc)
    }.items():
        for dtype in (np.float16, np.float32, np.float64):
            given = x.astype(dtype)
            wide = given.astype(np.float64)
            pointwise(f"math.{op} of {np.dtype(dtype)}",
                      f"%y = math.{op} %x0 : {element_type(dtype)}", [given],
                      function(wide).astype(dtype))
    for dtype in (np.float16, np.float32, np.float64):
        kind, a, r = element_type(dtype), A.astype(dtype), R.astype(dtype)
        for op, function, x, y in (("powf", np.power, a, r), ("atan2", np.arctan2, r, a),
                                   ("copysign", np.copysign, a, r)):
            pointwise(f"math.{op} of {np.dtype(dtype)}", f"%y = math.{op} %x0, %x1 : {kind}",
                      [x, y],
                      function(x.astype(float), y).astype(dtype))
        pointwise(f"math.fma of {np.dtype(dtype)}", f"%y = math.fma %x0, %x1, %x0 : {kind}", [a, r],
                  (a.astype(float) * r + a).astype(dtype))
        n = np.array([0, 1, 2, 3, -1, -2, 4, 1], np.int32)
        pointwise(f"math.fpowi of {np.dtype(dtype)}", f"%y = math.fpowi %x0, %x1 : {kind}, i32",
                  [a, n], (a.astype(float)**n).astype(dtype))
N = np.float32([np.nan, 1, np.nan, -np.inf, np.inf, 0.0, -0.0, 3])
M = np.float32([1, np.nan, np.nan, 2, 2, -0.0, 0.0, 4])
for op, function in {
        "maxnumf": np.fmax,
        "minnumf": np.fmin,
        "maximumf": np.maximum,
        "minimumf": np.minimum
}.items():
    for dtype in (np.float16, np.float32, np.float64):
        pointwise(f"arith.{op} of {np.dtype(dtype)}",
                  f"%y = arith.{op} %x0, %x1 : {element_type(dtype)}",
                  [N.astype(dtype), M.astype(dtype)],
                  function(N, M).astype(dtype))
UNORDERED = np.isnan(N) | np.isnan(M)
for predicate, holds in {
        "oeq": N == M,
        "ogt": N > M,
        "oge": N >= M,
        "olt": N < M,
        "ole": N <= M,
        "one": (N != M) & ~UNORDERED,
        "ord": ~UNORDERED,
        "ueq": (N == M) | UNORDERED,
        "ugt": ~(N <= M),
        "uge": ~(N < M),
        "ult": ~(N >= M),
        "ule": ~(N > M),
        "une": N != M,
        "uno": UNORDERED
}.items():
    pointwise(f"arith.cmpf {predicate}", f"%y = arith.cmpf {predicate}, %x0, %x1 : f32", [N, M],
              holds)
pointwise("arith.remf", "%y = arith.remf %x0, %x1 : f32", [R, A], np.fmod(R, A))
for op, function in {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}.items():
    for dtype in (np.float16, np.float32, np.float64):
        pointwise(f"math.{op} of {np.dtype(dtype)}", f"%y = math.{op} %x0 : {element_type(dtype)}",
                  [N.astype(dtype)], function(N))
    pointwise(f"math.{op} of bf16",
              f"%a = arith.truncf %x0 : f32 to bf16\n    %y = math.{op} %a : bf16", [N],
              function(N))
I = np.array([1, 2, 3, -4, 5, 60, -7, 1000], np.int64)
pointwise("math.absi", "%y = math.absi %x0 : i64", [I], np.abs(I))
pointwise("math.ctpop", "%y = math.ctpop %x0 : i64", [I],
          np.array([bin(int(n) & (2**64 - 1)).count("1") for n in I]))
pointwise("math.ctlz", "%y = math.ctlz %x0 : i64", [I],
          np.array([64 - int(int(n) & (2**64 - 1)).bit_length() for n in I]))
pointwise("math.ipowi", "%y = math.ipowi %x0, %x1 : i64", [I, np.array([3, 2, 1, 3, 0, 2, 1, 2])],
          I**np.array([3, 2, 1, 3, 0, 2, 1, 2]))
pointwise("arith.floordivsi", "%y = arith.floordivsi %x0, %x1 : i64", [I, np.full(8, 3)], I // 3)
pointwise("arith.ceildivsi", "%y = arith.ceildivsi %x0, %x1 : i64", [I, np.full(8, 3)], -(-I // 3))
pointwise("arith.maxsi", "%y = arith.maxsi %x0, %x1 : i64", [I, -I], np.abs(I))
pointwise("arith.fptosi", "%y = arith.fptosi %x0 : f32 to i64", [R], np.trunc(R).astype(np.int64))
pointwise("arith.uitofp of i1", "%y = arith.uitofp %x0 : i1 to f32", [R > 0],
          (R > 0).astype(np.float32))
H = R.astype(np.float16)
for op, function in {
        "addf": np.add,
        "subf": np.subtract,
        "mulf": np.multiply,
        "divf": np.divide
}.items():
    pointwise(f"arith.{op} of f16", f"%y = arith.{op} %x0, %x1 : f16", [H, A.astype(np.float16)],
              function(H, A.astype(np.float16)))


def to_bf16(array):
    """The nearest number with the mantissa of a bf16."""
    bits = np.asarray(array, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16
    return bits.astype(np.uint32).view(np.float32)


for ops, function in {
        "arith.addf %a, %b": np.add,
        "arith.mulf %a, %b": np.multiply,
        "arith.divf %a, %b": np.divide,
        "arith.maximumf %a, %b": np.maximum,
        "arith.maxnumf %a, %b": np.fmax,
        "arith.negf %a": lambda a, b: -a,
        "math.exp %a": lambda a, b: np.exp(a.astype(float)),
        "math.powf %b, %a": lambda a, b: np.power(b.astype(float), a),
        "math.tanh %a": lambda a, b: np.tanh(a.astype(float)),
        "math.roundeven %a": lambda a, b: np.round(a)
}.items():
    a, b = to_bf16(R * np.float32(1.3)), to_bf16(A)
    pointwise(
        f"{ops} of bf16", f"""%a = arith.truncf %x0 : f32 to bf16
    %b = arith.truncf %x1 : f32 to bf16
    %w = {ops} : bf16
    %y = arith.extf %w : bf16 to f32""", [a, b], to_bf16(function(a, b)))

pointwise(
    "f64 to bf16", """%a = arith.truncf %x0 : f64 to bf16
    %y = arith.extf %a : bf16 to f32""", [R.astype(np.float64) * 1.3],
    to_bf16(R.astype(float) * 1.3))
pointwise(
    "math.clampf", """%low = arith.constant -1.0 : f32
    %high = arith.constant 1.0 : f32
    %y = math.clampf %x0 to [%low, %high] : f32""", [R], np.clip(R, -1, 1))

# Complex numbers ---------------------------------------------------------------------------------

C = (R + 1j * A).astype(np.complex64)
D = (A - 0.5j * R).astype(np.complex64)
for op, function in {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "div": np.divide,
        "pow": np.power
}.items():
    for dtype in (np.complex64, np.complex128):
        pointwise(f"complex.{op} of {np.dtype(dtype)}",
                  f"%y = complex.{op} %x0, %x1 : {element_type(dtype)}",
                  [C.astype(dtype), D.astype(dtype)],
                  function(C.astype(complex), D).astype(dtype))
for op, function in {
        "exp": np.exp,
        "expm1": np.expm1,
        "log": np.log,
        "log1p": np.log1p,
        "neg": np.negative,
        "sqrt": np.sqrt,
        "rsqrt": lambda c: 1 / np.sqrt(c),
        "sign": lambda c: c / np.abs(c),
        "sin": np.sin,
        "cos": np.cos,
        "tan": np.tan,
        "tanh": np.tanh,
        "conj": np.conj
}.items():
    for dtype in (np.complex64, np.complex128):
        pointwise(f"complex.{op} of {np.dtype(dtype)}",
                  f"%y = complex.{op} %x0 : {element_type(dtype)}", [C.astype(dtype)],
                  function(C.astype(complex)).astype(dtype))
for op, function in {"abs": np.abs, "angle": np.angle, "re": np.real, "im": np.imag}.items():
    pointwise(f"complex.{op}", f"%y = complex.{op} %x0 : complex<f32>", [C],
              function(C).astype(np.float32))
pointwise("complex.eq", "%y = complex.eq %x0, %x1 : complex<f32>", [C, np.where(R > 0, C, D)],
          R > 0)
pointwise("complex.create", "%y = complex.create %x0, %x1 : complex<f32>", [R, A], C)
pointwise(
    "complex.constant", """%c = complex.constant [1.5 : f32, -2.0 : f32] : complex<f32>
    %y = complex.mul %x0, %c : complex<f32>""", [C], (C * (1.5 - 2j)).astype(np.complex64))
pointwise("select of complex", "%y = arith.select %x0, %x1, %x2 : complex<f32>", [R > 0, C, D],
          np.where(R > 0, C, D))
MANY = (normal(300) + 1j * normal(300)).astype(np.complex64)
for name, (constant, value) in {
        "a constant": ("[(1.0, 2.0), (-3.0, 0.5)]", np.complex64([1 + 2j, -3 + 0.5j])),
        "a splat": ("(1.0, 2.0)", np.full(2, 1 + 2j, np.complex64)),
        "a large constant": (f'"0x{MANY.tobytes().hex().upper()}"', MANY)
}.items():
    kind = tensor_type(value)
    case(
        f"{name} of complex numbers", f"""
  %c = arith.constant dense<{constant}> : {kind}
  %e = tensor.empty() : {kind}
  %r0 = linalg.add ins(%0, %c : {kind}, {kind}) outs(%e : {kind}) -> {kind}""", [MANY[:len(value)]],
        MANY[:len(value)] + value)
G = (normal(3, 3) + 1j * normal(3, 3)).astype(np.complex64)
case(
    "linalg.matmul of complex numbers", """
  %c = complex.constant [0.0 : f32, 0.0 : f32] : complex<f32>
  %e = tensor.empty() : tensor<3x3xcomplex<f32>>
  %z = linalg.fill ins(%c : complex<f32>) outs(%e : tensor<3x3xcomplex<f32>>)
      -> tensor<3x3xcomplex<f32>>
  %r0 = linalg.matmul ins(%0, %0 : tensor<3x3xcomplex<f32>>, tensor<3x3xcomplex<f32>>) outs(%z
      : tensor<3x3xcomplex<f32>>) -> tensor<3x3xcomplex<f32>>""", [G], G @ G)
case(
    "slices of complex numbers", """
  %s = tensor.extract_slice %0[0, 1] [3, 2] [1, 1]
      : tensor<3x3xcomplex<f32>> to tensor<3x2xcomplex<f32>>
  %z = complex.constant [0.0 : f32, 1.0 : f32] : complex<f32>
  %r0 = tensor.pad %s low[0, 1] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %z : complex<f32>
  } : tensor<3x2xcomplex<f32>> to tensor<3x3xcomplex<f32>>""", [G],
    np.pad(G[:, 1:], ((0, 0), (1, 0)), constant_values=1j))
case(
    "complex numbers around a loop", """
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %start = complex.constant [1.0 : f32, 0.0 : f32] : complex<f32>
  %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%x = %start) -> complex<f32> {
    %z = tensor.extract %0[%i, %i] : tensor<3x3xcomplex<f32>>
    %w = complex.mul %x, %z : complex<f32>
    scf.yield %w : complex<f32>
  }
  %r0 = tensor.from_elements %y : tensor<complex<f32>>""", [G], np.prod(np.diag(G)))
pointwise(
    "complex numbers of f16", """%a = complex.create %x0, %x1 : complex<f16>
    %b = complex.mul %a, %a : complex<f16>
    %y = complex.im %b : complex<f16>""", [H, A.astype(np.float16)],
    (H * A.astype(np.float16) + H * A.astype(np.float16)))

# Control flow ------------------------------------------------------------------------------------

IF = """
  %c = tensor.extract %1[] : tensor<i1>
  %r0 = scf.if %c -> tensor<3x4xf32> {
    %a = linalg.exp ins(%0 : tensor<3x4xf32>) outs(%0 : tensor<3x4xf32>) -> tensor<3x4xf32>
    scf.yield %a : tensor<3x4xf32>
  } else {
    scf.yield %0 : tensor<3x4xf32>
  }"""
case("scf.if taken", IF, [X, np.array(True)], np.exp(X))
case("scf.if not taken", IF, [X, np.array(False)], X)
case(
    "cf.assert", """
  %c = tensor.extract %1[] : tensor<i1>
  cf.assert %c, "expected true"
  %r0 = linalg.copy ins(%0 : tensor<3x4xf32>) outs(%0 : tensor<3x4xf32>)
      -> tensor<3x4xf32>""", [X, np.array(True)], X)
case(
    "scf.index_switch", """
  %n = tensor.extract %1[] : tensor<i64>
  %i = arith.index_cast %n : i64 to index
  %r0 = scf.index_switch %i -> tensor<3x4xf32>
  case 1 {
    %a = linalg.exp ins(%0 : tensor<3x4xf32>) outs(%0 : tensor<3x4xf32>) -> tensor<3x4xf32>
    scf.yield %a : tensor<3x4xf32>
  }
  default {
    scf.yield %0 : tensor<3x4xf32>
  }""", [X, np.array(1)], np.exp(X))
LAYERS = normal(3, 4, 4) / 2
ROWS = [X]
for layer in LAYERS:
    ROWS.append(np.tanh(ROWS[-1] @ layer))
# What JAX makes of a scan: all that it reads and writes is carried.
case(
    "scf.while over layers", """
  %n = arith.constant dense<3> : tensor<i32>
  %zero = arith.constant dense<0> : tensor<i32>
  %one = arith.constant 1 : i32
  %f0 = arith.constant 0.0 : f32
  %all0 = tensor.empty() : tensor<3x3x4xf32>
  %all1 = linalg.fill ins(%f0 : f32) outs(%all0 : tensor<3x3x4xf32>) -> tensor<3x3x4xf32>
  %end, %w, %r0, %r1 = scf.while (%i = %zero, %ws = %1, %x = %0, %all = %all1)
      : (tensor<i32>, tensor<3x4x4xf32>, tensor<3x4xf32>, tensor<3x3x4xf32>)
          -> (tensor<i32>, tensor<3x4x4xf32>, tensor<3x4xf32>, tensor<3x3x4xf32>) {
    %a = tensor.extract %i[] : tensor<i32>
    %b = tensor.extract %n[] : tensor<i32>
    %goes = arith.cmpi slt, %a, %b : i32
    scf.condition(%goes) %i, %ws, %x, %all
        : tensor<i32>, tensor<3x4x4xf32>, tensor<3x4xf32>, tensor<3x3x4xf32>
  } do {
  ^bb0(%i: tensor<i32>, %ws: tensor<3x4x4xf32>, %x: tensor<3x4xf32>, %all: tensor<3x3x4xf32>):
    %a = tensor.extract %i[] : tensor<i32>
    %p = arith.index_cast %a : i32 to index
    %lw = tensor.extract_slice %ws[%p, 0, 0] [1, 4, 4] [1, 1, 1]
        : tensor<3x4x4xf32> to tensor<4x4xf32>
    %e = tensor.empty() : tensor<3x4xf32>
    %z = linalg.fill ins(%f0 : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
    %y = linalg.matmul ins(%x, %lw : tensor<3x4xf32>, tensor<4x4xf32>) outs(%z
        : tensor<3x4xf32>) -> tensor<3x4xf32>
    %t = linalg.tanh ins(%y : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
    %put = tensor.insert_slice %t into %all[%p, 0, 0] [1, 3, 4] [1, 1, 1]
        : tensor<3x4xf32> into tensor<3x3x4xf32>
    %next = arith.addi %a, %one : i32
    %j = tensor.from_elements %next : tensor<i32>
    scf.yield %j, %ws, %t, %put : tensor<i32>, tensor<3x4x4xf32>, tensor<3x4xf32>, tensor<3x3x4xf32>
  }""", [X, LAYERS], ROWS[-1], np.stack(ROWS[1:]))
case(
    "scf.while that swaps what it carries", """
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %n = arith.constant 3 : i32
  %end, %r0, %r1 = scf.while (%i = %zero, %x = %0, %y = %1)
      : (i32, tensor<3x4xf32>, tensor<3x4xf32>) -> (i32, tensor<3x4xf32>, tensor<3x4xf32>) {
    %goes = arith.cmpi slt, %i, %n : i32
    scf.condition(%goes) %i, %x, %y : i32, tensor<3x4xf32>, tensor<3x4xf32>
  } do {
  ^bb0(%i: i32, %x: tensor<3x4xf32>, %y: tensor<3x4xf32>):
    %next = arith.addi %i, %one : i32
    scf.yield %next, %y, %x : i32, tensor<3x4xf32>, tensor<3x4xf32>
  }""", [X, Y], Y, X)
case(
    "scf.for that writes slices", """
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %e = tensor.empty() : tensor<3x4xf32>
  %r0 = scf.for %i = %c0 to %c3 step %c1 iter_args(%all = %e) -> tensor<3x4xf32> {
    %s = tensor.extract_slice %0[%i, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<1x4xf32>
    %x = linalg.exp ins(%s : tensor<1x4xf32>) outs(%s : tensor<1x4xf32>) -> tensor<1x4xf32>
    %put = tensor.insert_slice %x into %all[%i, 0] [1, 4] [1, 1]
        : tensor<1x4xf32> into tensor<3x4xf32>
    scf.yield %put : tensor<3x4xf32>
  }""", [X], np.exp(X))
case(
    "scf.forall", """
  %e = tensor.empty() : tensor<3x4xf32>
  %r0 = scf.forall (%i) in (3) shared_outs(%all = %e) -> tensor<3x4xf32> {
    %s = tensor.extract_slice %0[%i, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<1x4xf32>
    %x = linalg.exp ins(%s : tensor<1x4xf32>) outs(%s : tensor<1x4xf32>) -> tensor<1x4xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %x into %all[%i, 0] [1, 4] [1, 1]
          : tensor<1x4xf32> into tensor<3x4xf32>
    }
  }""", [X], np.exp(X))
CASES.append(("functions that functions call", f"""
func.func private @twice(%x: {T}, %s: f32) -> ({T}, f32) {{
  %y = linalg.add ins(%x, %x : {T}, {T}) outs(%x : {T}) -> {T}
  %t = arith.addf %s, %s : f32
  return %y, %t : {T}, f32
}}
func.func private @fourfold(%x: {T}, %s: f32) -> ({T}, f32) {{
  %y, %t = call @twice(%x, %s) : ({T}, f32) -> ({T}, f32)
  %z, %u = call @twice(%y, %t) : ({T}, f32) -> ({T}, f32)
  return %z, %u : {T}, f32
}}
func.func @main(%x: {T}, %s: f32) -> ({T}, f32) {{
  %y, %t = call @fourfold(%x, %s) : ({T}, f32) -> ({T}, f32)
  return %y, %t : {T}, f32
}}
""", [X, np.float32(1.25)], (4 * X, np.float32(5))))


def compare(got, wanted):
    """What is wrong with a result, or nothing."""
    if got.dtype != wanted.dtype or got.shape != wanted.shape:
        return f"expected {wanted.dtype} {list(wanted.shape)}, got {got.dtype} {list(got.shape)}"
    if wanted.dtype.kind not in "fc":
        return None if np.array_equal(got, wanted) else f"expected {wanted}, got {got}"
    finite = np.isfinite(wanted)
    if not np.array_equal(got[~finite], wanted[~finite], equal_nan=True):
        return f"expected {wanted}, got {got}"
    error = np.abs(got[finite] - wanted[finite])
    # A small element may be a sum of large ones, whose order is the BLAS's.
    least = max(1e-3, np.abs(wanted[finite]).max(initial=0) / 16)
    limit = TOLERANCES[wanted.dtype.name] * np.maximum(np.abs(wanted[finite]), least)
    return None if (error <= limit).all(
    ) else f"expected {wanted}, got {got}, {(error / limit).max():.1f} times the tolerance"


def main():
    report = harness.Report()

    def attempt(job):
        name, text, inputs, expected = job
        with harness.temporary_directory() as folder:
            directory = pathlib.Path(folder)
            (directory / "model.mlir").write_text(text)
            done = harness.run("sprint-run",
                               directory / "model.mlir",
                               *harness.write_inputs(directory, *inputs),
                               f"--output-dir={directory / 'out'}",
                               check=False)
            if not report.check(done.returncode == 0, f"{name}: {done.stderr.strip()[-1500:]}"):
                return
            for index, wanted in enumerate(expected):
                wrong = compare(np.load(directory / "out" / f"{index}.npy"), wanted)
                report.check(wrong is None, f"{name}, result {index}: {wrong}")

    harness.in_parallel(attempt,
                        [job for job in CASES if len(sys.argv) < 2 or sys.argv[1] in job[0]],
                        report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
