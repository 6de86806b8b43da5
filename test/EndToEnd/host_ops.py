#!/usr/bin/env python3
# Part of the Sprint project.
"""The host runs what producers of linalg lower to: named ops, tensor ops, control flow, math functions, complex numbers,
numbers that are in no tensor; against NumPy.
"""

import math
import pathlib
import sys

import numpy as np

import harness

RANDOM = np.random.default_rng(7)
#: Errors that are allowed for each type, relative to the largest element.
TOLERANCES = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-12, "complex64": 2e-6,
              "complex128": 1e-12}
#: Types of elements in MLIR.
TYPES = {"bool": "i1", "int8": "i8", "int32": "i32", "int64": "i64", "float16": "f16", "float32": "f32",
         "float64": "f64", "complex64": "complex<f32>", "complex128": "complex<f64>"}

CASES = []


def normal(*shape, dtype=np.float32):
    return RANDOM.standard_normal(shape).astype(dtype)


def tensor_type(array):
    return f"tensor<{''.join(f'{size}x' for size in array.shape)}{TYPES[array.dtype.name]}>"


def case(name, body, inputs, *expected):
    """A function of `inputs`, `%0`, `%1`, ..., whose `body` ends without its return: `%r0`, `%r1`, ... are its results."""
    arguments = ", ".join(f"%{index}: {tensor_type(array)}" for index, array in enumerate(inputs))
    results = ", ".join(tensor_type(array) for array in expected)
    names = ", ".join(f"%r{index}" for index in range(len(expected)))
    text = f"func.func @main({arguments}) -> ({results}) {{\n{body}\n  return {names} : {results}\n}}\n"
    CASES.append((name, text, inputs, expected))


def raw(name, text, inputs, *expected):
    """A whole module."""
    CASES.append((name, text, inputs, [np.asarray(array) for array in expected]))


# Named ops ---------------------------------------------------------------------------------------

X, Y = normal(3, 4), normal(3, 4)
T = "tensor<3x4xf32>"
EMPTY = f"  %e = tensor.empty() : {T}\n"

for op, function in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
                     "max": np.maximum, "min": np.minimum}.items():
    case(f"linalg.{op}", EMPTY + f"  %r0 = linalg.{op} ins(%0, %1 : {T}, {T}) outs(%e : {T}) -> {T}", [X, Y], function(X, Y))
P = np.abs(X) + np.float32(0.1)
case("linalg.powf", EMPTY + f"  %r0 = linalg.powf ins(%0, %1 : {T}, {T}) outs(%e : {T}) -> {T}", [P, Y], P ** Y)
for op, function in {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "tanh": np.tanh,
                     "abs": np.abs, "negf": np.negative, "reciprocal": np.reciprocal, "square": np.square, "ceil": np.ceil,
                     "floor": np.floor, "round": np.round,
                     "erf": np.vectorize(math.erf, otypes=[np.float32])}.items():
    case(f"linalg.{op}", EMPTY + f"  %r0 = linalg.{op} ins(%0 : {T}) outs(%e : {T}) -> {T}", [P], function(P))
case("linalg.elementwise", EMPTY + f"  %r0 = linalg.elementwise kind=#linalg.elementwise_kind<exp> ins(%0 : {T}) outs(%e : {T}) -> {T}",
     [X], np.exp(X))
case("linalg.select", EMPTY + f"  %r0 = linalg.select ins(%0, %1, %2 : tensor<3x4xi1>, {T}, {T}) outs(%e : {T}) -> {T}",
     [X > 0, X, Y], np.where(X > 0, X, Y))
case("linalg.copy", EMPTY + f"  %r0 = linalg.copy ins(%0 : {T}) outs(%e : {T}) -> {T}", [X], X)
case("linalg.map", EMPTY + f"  %r0 = linalg.map {{ arith.mulf }} ins(%0, %1 : {T}, {T}) outs(%e : {T})", [X, Y], X * Y)
case("linalg.reduce", """
  %z = arith.constant dense<0.0> : tensor<3xf32>
  %r0 = linalg.reduce { arith.addf } ins(%0 : tensor<3x4xf32>) outs(%z : tensor<3xf32>) dimensions = [1]""", [X], X.sum(1))
case("linalg.reduce of everything", """
  %z = arith.constant dense<0xFF800000> : tensor<f32>
  %r0 = linalg.reduce { arith.maximumf } ins(%0 : tensor<3x4xf32>) outs(%z : tensor<f32>) dimensions = [0, 1]""", [X], X.max())
case("linalg.reduce to places", """
  %z = arith.constant dense<0xFF800000> : tensor<3xf32>
  %n = arith.constant dense<0> : tensor<3xi64>
  %i = tensor.empty() : tensor<3x4xi64>
  %j = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]} outs(%i : tensor<3x4xi64>) {
  ^bb0(%o: i64):
    %k = linalg.index 1 : index
    %l = arith.index_cast %k : index to i64
    linalg.yield %l : i64
  } -> tensor<3x4xi64>
  %r0, %r1 = linalg.reduce ins(%0, %j : tensor<3x4xf32>, tensor<3x4xi64>) outs(%z, %n : tensor<3xf32>, tensor<3xi64>) dimensions = [1]
    (%x: f32, %p: i64, %best: f32, %place: i64) {
      %is = arith.cmpf ogt, %x, %best : f32
      %b = arith.select %is, %x, %best : f32
      %q = arith.select %is, %p, %place : i64
      linalg.yield %b, %q : f32, i64
    }""", [X], X.max(1), X.argmax(1))
case("linalg.broadcast", "  %e = tensor.empty() : tensor<3x4x2xf32>\n"
     f"  %r0 = linalg.broadcast ins(%0 : {T}) outs(%e : tensor<3x4x2xf32>) dimensions = [2]", [X],
     np.repeat(X[:, :, None], 2, 2))
case("linalg.broadcast of a number", "  %e = tensor.empty() : tensor<3xf32>\n"
     "  %r0 = linalg.broadcast ins(%0 : tensor<f32>) outs(%e : tensor<3xf32>) dimensions = [0]", [np.float32(2.5)],
     np.full(3, 2.5, np.float32))
case("linalg.transpose", "  %e = tensor.empty() : tensor<4x3xf32>\n"
     f"  %r0 = linalg.transpose ins(%0 : {T}) outs(%e : tensor<4x3xf32>) permutation = [1, 0]", [X], X.T.copy())
S = np.exp(X - X.max(1, keepdims=True))
case("linalg.softmax", EMPTY + f"  %r0 = linalg.softmax dimension(1) ins(%0 : {T}) outs(%e : {T}) -> {T}", [X],
     S / S.sum(1, keepdims=True))
B, V, W = normal(2, 3, 4), normal(2, 4), normal(2, 3)
Z = "  %z = arith.constant dense<0.0> : "
case("linalg.matvec", Z + "tensor<3xf32>\n  %r0 = linalg.matvec ins(%0, %1 : tensor<3x4xf32>, tensor<4xf32>) outs(%z : tensor<3xf32>) -> tensor<3xf32>",
     [B[0], V[0]], B[0] @ V[0])
case("linalg.vecmat", Z + "tensor<4xf32>\n  %r0 = linalg.vecmat ins(%0, %1 : tensor<3xf32>, tensor<3x4xf32>) outs(%z : tensor<4xf32>) -> tensor<4xf32>",
     [W[0], B[0]], W[0] @ B[0])
case("linalg.batch_matvec", Z + "tensor<2x3xf32>\n  %r0 = linalg.batch_matvec ins(%0, %1 : tensor<2x3x4xf32>, tensor<2x4xf32>) outs(%z : tensor<2x3xf32>) -> tensor<2x3xf32>",
     [B, V], np.einsum("bij,bj->bi", B, V))
case("linalg.batch_vecmat", Z + "tensor<2x4xf32>\n  %r0 = linalg.batch_vecmat ins(%0, %1 : tensor<2x3xf32>, tensor<2x3x4xf32>) outs(%z : tensor<2x4xf32>) -> tensor<2x4xf32>",
     [W, B], np.einsum("bi,bij->bj", W, B))
case("linalg.dot", Z + "tensor<f32>\n  %r0 = linalg.dot ins(%0, %1 : tensor<4xf32>, tensor<4xf32>) outs(%z : tensor<f32>) -> tensor<f32>",
     [V[0], V[1]], V[0] @ V[1])
case("linalg.batch_reduce_matmul", Z + "tensor<3x3xf32>\n  %r0 = linalg.batch_reduce_matmul ins(%0, %1 : tensor<2x3x4xf32>, tensor<2x4x3xf32>) outs(%z : tensor<3x3xf32>) -> tensor<3x3xf32>",
     [B, B.transpose(0, 2, 1).copy()], np.einsum("bij,bkj->ik", B, B))
case("linalg.contract", Z + """tensor<2x3x3xf32>
  %r0 = linalg.contract indexing_maps = [affine_map<(b, i, j, k) -> (b, i, k)>, affine_map<(b, i, j, k) -> (b, j, k)>, affine_map<(b, i, j, k) -> (b, i, j)>]
      ins(%0, %0 : tensor<2x3x4xf32>, tensor<2x3x4xf32>) outs(%z : tensor<2x3x3xf32>) -> tensor<2x3x3xf32>""", [B],
     np.einsum("bij,bkj->bik", B, B))
case("linalg.matmul of i8", """
  %z = arith.constant dense<0> : tensor<2x2xi32>
  %r0 = linalg.matmul ins(%0, %1 : tensor<2x3xi8>, tensor<3x2xi8>) outs(%z : tensor<2x2xi32>) -> tensor<2x2xi32>""",
     [np.array([[1, -2, 127], [-128, 5, 6]], np.int8), np.array([[1, 2], [3, 4], [-128, 7]], np.int8)],
     np.array([[1 - 6 - 127 * 128, 2 - 8 + 889], [-128 + 15 - 768, -256 + 20 + 42]], np.int32))
IMAGE = normal(1, 4, 4, 2)
case("linalg.pooling_nhwc_max", """
  %z = arith.constant dense<0xFF800000> : tensor<1x2x2x2xf32>
  %w = tensor.empty() : tensor<2x2xf32>
  %r0 = linalg.pooling_nhwc_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
      ins(%0, %w : tensor<1x4x4x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>""", [IMAGE],
     IMAGE.reshape(1, 2, 2, 2, 2, 2).max((2, 4)))

# Tensor ops --------------------------------------------------------------------------------------

case("tensor.pad", """
  %c = arith.constant 7.0 : f32
  %r0 = tensor.pad %0 low[1, 0] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c : f32
  } : tensor<3x4xf32> to tensor<4x6xf32>""", [X], np.pad(X, ((1, 0), (0, 2)), constant_values=7))
case("tensor.pad with what stands at the index", """
  %r0 = tensor.pad %0 low[1, 0] high[0, 2] {
  ^bb0(%i: index, %j: index):
    %k = arith.index_cast %j : index to i32
    %f = arith.sitofp %k : i32 to f32
    tensor.yield %f : f32
  } : tensor<3x4xf32> to tensor<4x6xf32>""", [X],
     np.block([[np.arange(6, dtype=np.float32)[None]], [X, np.tile(np.float32([4, 5]), (3, 1))]]))
case("tensor.concat", f"  %r0 = tensor.concat dim(1) %0, %1 : ({T}, {T}) -> tensor<3x8xf32>", [X, Y],
     np.concatenate([X, Y], 1))
case("tensor.gather", f"""  %r0 = tensor.gather %0[%1] gather_dims([0]) : ({T}, tensor<2x1xi64>) -> tensor<2x1x4xf32>""",
     [X, np.array([[2], [0]])], X[[2, 0]][:, None])
case("tensor.gather without the gathered dimension", """
  %r0 = tensor.gather %0[%1] gather_dims([1]) : (tensor<3x4xf32>, tensor<2x1xindex>) -> tensor<2x3xf32>"""
     .replace("%0[%1]", "%0[%i]").replace("  %r0", """  %e = tensor.empty() : tensor<2x1xindex>
  %i = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<2x1xi64>) outs(%e : tensor<2x1xindex>) {
  ^bb0(%x: i64, %o: index):
    %y = arith.index_cast %x : i64 to index
    linalg.yield %y : index
  } -> tensor<2x1xindex>
  %r0"""), [X, np.array([[3], [1]])], X[:, [3, 1]].T.copy())
case("arithmetic on tensors", """
  %a = arith.mulf %0, %1 : tensor<3x4xf32>
  %b = math.exp %a : tensor<3x4xf32>
  %c = arith.cmpf ogt, %b, %1 : tensor<3x4xf32>
  %r0 = arith.select %c, %b, %1 : tensor<3x4xi1>, tensor<3x4xf32>""", [X, Y], np.maximum(np.exp(X * Y), Y))
case("tensor.generate", """
  %r0 = tensor.generate {
  ^bb0(%i: index, %j: index):
    %x = tensor.extract %0[%j, %i] : tensor<3x4xf32>
    tensor.yield %x : f32
  } : tensor<4x3xf32>""", [X], X.T.copy())
case("tensor.splat", "  %x = tensor.extract %0[] : tensor<f32>\n  %r0 = tensor.splat %x : tensor<2x3xf32>", [np.float32(3)],
     np.full((2, 3), 3, np.float32))
case("tensor.insert", """
  %c1 = arith.constant 1 : index
  %x = arith.constant 9.0 : f32
  %r0 = tensor.insert %x into %0[%c1, %c1] : tensor<3x4xf32>""", [np.zeros((3, 4), np.float32)],
     np.float32([[0] * 4, [0, 9, 0, 0], [0] * 4]))
case("slices at offsets of the data", """
  %n = tensor.extract %1[] : tensor<i64>
  %i = arith.index_cast %n : i64 to index
  %s = tensor.extract_slice %0[%i, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<4xf32>
  %c0 = arith.constant 0 : index
  %r0 = tensor.insert_slice %s into %0[%c0, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<3x4xf32>""", [X, np.array(2)],
     np.stack([X[2], X[1], X[2]]))
case("tensor.bitcast", "  %r0 = tensor.bitcast %0 : tensor<3xi32> to tensor<3xf32>", [np.float32([1, 2, 3]).view(np.int32)],
     np.float32([1, 2, 3]))
case("tensor.from_elements", """
  %n = tensor.rank %0 : tensor<3x4xf32>
  %m = arith.index_cast %n : index to i64
  %c = arith.constant 5 : i64
  %r0 = tensor.from_elements %m, %c : tensor<2xi64>""", [X], np.array([2, 5]))

# Numbers -----------------------------------------------------------------------------------------


def pointwise(name, ops, inputs, expected):
    """A linalg.generic whose body, `ops`, computes `%y` of `%x0`, `%x1`, ...."""
    outs = tensor_type(expected)
    ranks = ["affine_map<(i) -> (i)>"] * (len(inputs) + 1)
    types = ", ".join(tensor_type(array) for array in inputs)
    names = ", ".join(f"%{index}" for index in range(len(inputs)))
    arguments = "".join(f"%x{index}: {TYPES[array.dtype.name]}, " for index, array in enumerate(inputs))
    element = TYPES[expected.dtype.name]
    case(name, f"""  %e = tensor.empty() : {outs}
  %r0 = linalg.generic {{indexing_maps = [{', '.join(ranks)}], iterator_types = ["parallel"]}} ins({names} : {types}) outs(%e : {outs}) {{
  ^bb0({arguments}%out: {element}):
    {ops}
    linalg.yield %y : {element}
  }} -> {outs}""", inputs, expected)


R = np.float32([-2.5, -1.5, -0.5, 0.3, 0.5, 1.5, 2.5, 7.75])
A = np.abs(R) + np.float32(0.5)
with np.errstate(all="ignore"):
    for op, x, function in (
            ("absf", R, np.abs), ("acos", R / 8, np.arccos), ("acosh", A + 1, np.arccosh), ("asin", R / 8, np.arcsin),
            ("asinh", R, np.arcsinh), ("atan", R, np.arctan), ("atanh", R / 8, np.arctanh), ("cbrt", R, np.cbrt),
            ("ceil", R, np.ceil), ("cos", R, np.cos), ("cosh", R, np.cosh), ("exp", R, np.exp), ("exp2", R, np.exp2),
            ("expm1", R, np.expm1), ("floor", R, np.floor), ("log", A, np.log), ("log10", A, np.log10),
            ("log1p", A, np.log1p), ("log2", A, np.log2), ("roundeven", R, np.round),
            ("round", R, lambda x: np.trunc(x + np.copysign(0.5, x))), ("rsqrt", A, lambda x: 1 / np.sqrt(x)), ("sin", R, np.sin),
            ("sinh", R, np.sinh), ("sqrt", A, np.sqrt), ("tan", R, np.tan), ("tanh", R, np.tanh), ("trunc", R, np.trunc),
            ("erf", R, np.vectorize(math.erf)), ("erfc", R, np.vectorize(math.erfc))):
        for dtype in (np.float16, np.float32, np.float64):
            given = x.astype(dtype)
            wide = given.astype(np.float64)
            pointwise(f"math.{op} of {np.dtype(dtype)}", f"%y = math.{op} %x0 : {TYPES[np.dtype(dtype).name]}", [given],
                      function(wide).astype(dtype))
    for dtype in (np.float16, np.float32, np.float64):
        kind, a, r = TYPES[np.dtype(dtype).name], A.astype(dtype), R.astype(dtype)
        for op, function, x, y in (("powf", np.power, a, r), ("atan2", np.arctan2, r, a), ("copysign", np.copysign, a, r)):
            pointwise(f"math.{op} of {np.dtype(dtype)}", f"%y = math.{op} %x0, %x1 : {kind}", [x, y], function(x.astype(float), y).astype(dtype))
        pointwise(f"math.fma of {np.dtype(dtype)}", f"%y = math.fma %x0, %x1, %x0 : {kind}", [a, r], (a.astype(float) * r + a).astype(dtype))
        n = np.array([0, 1, 2, 3, -1, -2, 4, 1], np.int32)
        pointwise(f"math.fpowi of {np.dtype(dtype)}", f"%y = math.fpowi %x0, %x1 : {kind}, i32", [a, n], (a.astype(float) ** n).astype(dtype))
N = np.float32([np.nan, 1, np.nan, -np.inf, np.inf, 0.0, -0.0, 3])
M = np.float32([1, np.nan, np.nan, 2, 2, -0.0, 0.0, 4])
for op, function in {"maxnumf": np.fmax, "minnumf": np.fmin, "maximumf": np.maximum, "minimumf": np.minimum}.items():
    for dtype in (np.float16, np.float32, np.float64):
        pointwise(f"arith.{op} of {np.dtype(dtype)}", f"%y = arith.{op} %x0, %x1 : {TYPES[np.dtype(dtype).name]}",
                  [N.astype(dtype), M.astype(dtype)], function(N, M).astype(dtype))
UNORDERED = np.isnan(N) | np.isnan(M)
for predicate, holds in {"oeq": N == M, "ogt": N > M, "oge": N >= M, "olt": N < M, "ole": N <= M,
                         "one": (N != M) & ~UNORDERED, "ord": ~UNORDERED, "ueq": (N == M) | UNORDERED, "ugt": ~(N <= M), "uge": ~(N < M),
                         "ult": ~(N >= M), "ule": ~(N > M), "une": N != M, "uno": UNORDERED}.items():
    pointwise(f"arith.cmpf {predicate}", f"%y = arith.cmpf {predicate}, %x0, %x1 : f32", [N, M], holds)
pointwise("arith.remf", "%y = arith.remf %x0, %x1 : f32", [R, A], np.fmod(R, A))
pointwise("math.isnan", "%y = math.isnan %x0 : f32", [N], np.isnan(N))
pointwise("math.isinf", "%y = math.isinf %x0 : f32", [N], np.isinf(N))
for op, function in {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}.items():
    pointwise(f"math.{op} of f16", f"%y = math.{op} %x0 : f16", [N.astype(np.float16)], function(N))
    pointwise(f"math.{op} of f64", f"%y = math.{op} %x0 : f64", [N.astype(np.float64)], function(N))
    pointwise(f"math.{op} of bf16", f"%a = arith.truncf %x0 : f32 to bf16\n    %y = math.{op} %a : bf16", [N], function(N))
pointwise("math.isfinite", "%y = math.isfinite %x0 : f32", [N], np.isfinite(N))
I = np.array([1, 2, 3, -4, 5, 60, -7, 1000], np.int64)
pointwise("math.absi", "%y = math.absi %x0 : i64", [I], np.abs(I))
pointwise("math.ctpop", "%y = math.ctpop %x0 : i64", [I], np.array([bin(int(n) & (2**64 - 1)).count("1") for n in I]))
pointwise("math.ctlz", "%y = math.ctlz %x0 : i64", [I], np.array([64 - int(int(n) & (2**64 - 1)).bit_length() for n in I]))
pointwise("math.ipowi", "%y = math.ipowi %x0, %x1 : i64", [I, np.array([3, 2, 1, 3, 0, 2, 1, 2])], I ** np.array([3, 2, 1, 3, 0, 2, 1, 2]))
pointwise("arith.floordivsi", "%y = arith.floordivsi %x0, %x1 : i64", [I, np.full(8, 3)], I // 3)
pointwise("arith.ceildivsi", "%y = arith.ceildivsi %x0, %x1 : i64", [I, np.full(8, 3)], -(-I // 3))
pointwise("arith.maxsi", "%y = arith.maxsi %x0, %x1 : i64", [I, -I], np.abs(I))
pointwise("arith.fptosi", "%y = arith.fptosi %x0 : f32 to i64", [R], np.trunc(R).astype(np.int64))
pointwise("arith.uitofp of i1", "%y = arith.uitofp %x0 : i1 to f32", [R > 0], (R > 0).astype(np.float32))
H = R.astype(np.float16)
for op, function in {"addf": np.add, "subf": np.subtract, "mulf": np.multiply, "divf": np.divide}.items():
    pointwise(f"arith.{op} of f16", f"%y = arith.{op} %x0, %x1 : f16", [H, A.astype(np.float16)], function(H, A.astype(np.float16)))


def to_bf16(array):
    """The nearest number with the mantissa of a bf16."""
    bits = np.asarray(array, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16
    return bits.astype(np.uint32).view(np.float32)


for name, ops, function in (
        ("addf", "%w = arith.addf %a, %b : bf16", np.add), ("mulf", "%w = arith.mulf %a, %b : bf16", np.multiply),
        ("divf", "%w = arith.divf %a, %b : bf16", np.divide), ("maximumf", "%w = arith.maximumf %a, %b : bf16", np.maximum),
        ("maxnumf", "%w = arith.maxnumf %a, %b : bf16", np.fmax),
        ("exp", "%w = math.exp %a : bf16", lambda a, b: np.exp(a.astype(float))),
        ("powf", "%w = math.powf %b, %a : bf16", lambda a, b: np.power(b.astype(float), a)),
        ("tanh", "%w = math.tanh %a : bf16", lambda a, b: np.tanh(a.astype(float))),
        ("negf", "%w = arith.negf %a : bf16", lambda a, b: -a),
        ("cmpf", "%c = arith.cmpf olt, %a, %b : bf16\n    %w = arith.select %c, %a, %b : bf16", np.minimum),
        ("roundeven", "%w = math.roundeven %a : bf16", lambda a, b: np.round(a))):
    a, b = to_bf16(R * np.float32(1.3)), to_bf16(A)
    pointwise(f"{name} of bf16", f"""%a = arith.truncf %x0 : f32 to bf16
    %b = arith.truncf %x1 : f32 to bf16
    {ops}
    %y = arith.extf %w : bf16 to f32""", [a, b], to_bf16(function(a, b)))

# Complex numbers ---------------------------------------------------------------------------------

C = (R + 1j * A).astype(np.complex64)
D = (A - 0.5j * R).astype(np.complex64)
for op, function in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power}.items():
    for dtype in (np.complex64, np.complex128):
        pointwise(f"complex.{op} of {np.dtype(dtype)}", f"%y = complex.{op} %x0, %x1 : {TYPES[np.dtype(dtype).name]}",
                  [C.astype(dtype), D.astype(dtype)], function(C.astype(complex), D).astype(dtype))
for op, function in {"exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "neg": np.negative, "sqrt": np.sqrt,
                     "rsqrt": lambda c: 1 / np.sqrt(c), "sign": lambda c: c / np.abs(c), "sin": np.sin, "cos": np.cos, "tan": np.tan, "tanh": np.tanh,
                     "conj": np.conj}.items():
    for dtype in (np.complex64, np.complex128):
        pointwise(f"complex.{op} of {np.dtype(dtype)}", f"%y = complex.{op} %x0 : {TYPES[np.dtype(dtype).name]}", [C.astype(dtype)],
                  function(C.astype(complex)).astype(dtype))
for op, function in {"abs": np.abs, "angle": np.angle, "re": np.real, "im": np.imag}.items():
    pointwise(f"complex.{op}", f"%y = complex.{op} %x0 : complex<f32>", [C], function(C).astype(np.float32))
pointwise("complex.eq", "%y = complex.eq %x0, %x1 : complex<f32>", [C, np.where(R > 0, C, D)], R > 0)
pointwise("complex.create", "%y = complex.create %x0, %x1 : complex<f32>", [R, A], C)
pointwise("complex.constant", """%c = complex.constant [1.5 : f32, -2.0 : f32] : complex<f32>
    %y = complex.mul %x0, %c : complex<f32>""", [C], (C * (1.5 - 2j)).astype(np.complex64))
pointwise("select of complex", "%y = arith.select %x0, %x1, %x2 : complex<f32>", [R > 0, C, D], np.where(R > 0, C, D))
case("a constant of complex numbers", """
  %c = arith.constant dense<[(1.0, 2.0), (-3.0, 0.5)]> : tensor<2xcomplex<f32>>
  %e = tensor.empty() : tensor<2xcomplex<f32>>
  %r0 = linalg.add ins(%0, %c : tensor<2xcomplex<f32>>, tensor<2xcomplex<f32>>) outs(%e : tensor<2xcomplex<f32>>) -> tensor<2xcomplex<f32>>""",
     [C[:2]], C[:2] + np.complex64([1 + 2j, -3 + 0.5j]))
case("a splat of complex numbers", """
  %c = arith.constant dense<(1.0, 2.0)> : tensor<2xcomplex<f32>>
  %e = tensor.empty() : tensor<2xcomplex<f32>>
  %r0 = linalg.mul ins(%0, %c : tensor<2xcomplex<f32>>, tensor<2xcomplex<f32>>) outs(%e : tensor<2xcomplex<f32>>) -> tensor<2xcomplex<f32>>""",
     [C[:2]], C[:2] * np.complex64(1 + 2j))
MANY = (normal(300) + 1j * normal(300)).astype(np.complex64)
case("a large constant of complex numbers", f"""
  %c = arith.constant dense<"0x{MANY.tobytes().hex().upper()}"> : tensor<300xcomplex<f32>>
  %e = tensor.empty() : tensor<300xcomplex<f32>>
  %r0 = linalg.add ins(%0, %c : tensor<300xcomplex<f32>>, tensor<300xcomplex<f32>>) outs(%e : tensor<300xcomplex<f32>>) -> tensor<300xcomplex<f32>>""",
     [MANY], MANY + MANY)
G = (normal(3, 3) + 1j * normal(3, 3)).astype(np.complex64)
case("linalg.matmul of complex numbers", """
  %c = complex.constant [0.0 : f32, 0.0 : f32] : complex<f32>
  %e = tensor.empty() : tensor<3x3xcomplex<f32>>
  %z = linalg.fill ins(%c : complex<f32>) outs(%e : tensor<3x3xcomplex<f32>>) -> tensor<3x3xcomplex<f32>>
  %r0 = linalg.matmul ins(%0, %0 : tensor<3x3xcomplex<f32>>, tensor<3x3xcomplex<f32>>) outs(%z : tensor<3x3xcomplex<f32>>) -> tensor<3x3xcomplex<f32>>""",
     [G], G @ G)
case("slices of complex numbers", """
  %s = tensor.extract_slice %0[0, 1] [3, 2] [1, 1] : tensor<3x3xcomplex<f32>> to tensor<3x2xcomplex<f32>>
  %z = complex.constant [0.0 : f32, 1.0 : f32] : complex<f32>
  %r0 = tensor.pad %s low[0, 1] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %z : complex<f32>
  } : tensor<3x2xcomplex<f32>> to tensor<3x3xcomplex<f32>>""", [G], np.pad(G[:, 1:], ((0, 0), (1, 0)), constant_values=1j))
case("complex numbers around a loop", """
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
pointwise("complex numbers of f16", """%a = complex.create %x0, %x1 : complex<f16>
    %b = complex.mul %a, %a : complex<f16>
    %y = complex.im %b : complex<f16>""", [H, A.astype(np.float16)], (H * A.astype(np.float16) + H * A.astype(np.float16)))

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
case("cf.assert", """
  %c = tensor.extract %1[] : tensor<i1>
  cf.assert %c, "expected true"
  %r0 = linalg.copy ins(%0 : tensor<3x4xf32>) outs(%0 : tensor<3x4xf32>) -> tensor<3x4xf32>""", [X, np.array(True)], X)
case("scf.index_switch", """
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
case("scf.while over layers", """
  %n = arith.constant dense<3> : tensor<i32>
  %zero = arith.constant dense<0> : tensor<i32>
  %one = arith.constant 1 : i32
  %f0 = arith.constant 0.0 : f32
  %all0 = tensor.empty() : tensor<3x3x4xf32>
  %all1 = linalg.fill ins(%f0 : f32) outs(%all0 : tensor<3x3x4xf32>) -> tensor<3x3x4xf32>
  %end, %w, %r0, %r1 = scf.while (%i = %zero, %ws = %1, %x = %0, %all = %all1)
      : (tensor<i32>, tensor<3x4x4xf32>, tensor<3x4xf32>, tensor<3x3x4xf32>) -> (tensor<i32>, tensor<3x4x4xf32>, tensor<3x4xf32>, tensor<3x3x4xf32>) {
    %a = tensor.extract %i[] : tensor<i32>
    %b = tensor.extract %n[] : tensor<i32>
    %goes = arith.cmpi slt, %a, %b : i32
    scf.condition(%goes) %i, %ws, %x, %all : tensor<i32>, tensor<3x4x4xf32>, tensor<3x4xf32>, tensor<3x3x4xf32>
  } do {
  ^bb0(%i: tensor<i32>, %ws: tensor<3x4x4xf32>, %x: tensor<3x4xf32>, %all: tensor<3x3x4xf32>):
    %a = tensor.extract %i[] : tensor<i32>
    %p = arith.index_cast %a : i32 to index
    %lw = tensor.extract_slice %ws[%p, 0, 0] [1, 4, 4] [1, 1, 1] : tensor<3x4x4xf32> to tensor<4x4xf32>
    %e = tensor.empty() : tensor<3x4xf32>
    %z = linalg.fill ins(%f0 : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
    %y = linalg.matmul ins(%x, %lw : tensor<3x4xf32>, tensor<4x4xf32>) outs(%z : tensor<3x4xf32>) -> tensor<3x4xf32>
    %t = linalg.tanh ins(%y : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
    %put = tensor.insert_slice %t into %all[%p, 0, 0] [1, 3, 4] [1, 1, 1] : tensor<3x4xf32> into tensor<3x3x4xf32>
    %next = arith.addi %a, %one : i32
    %j = tensor.from_elements %next : tensor<i32>
    scf.yield %j, %ws, %t, %put : tensor<i32>, tensor<3x4x4xf32>, tensor<3x4xf32>, tensor<3x3x4xf32>
  }""", [X, LAYERS], ROWS[-1], np.stack(ROWS[1:]))
case("scf.while that swaps what it carries", """
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %n = arith.constant 3 : i32
  %end, %r0, %r1 = scf.while (%i = %zero, %x = %0, %y = %1) : (i32, tensor<3x4xf32>, tensor<3x4xf32>) -> (i32, tensor<3x4xf32>, tensor<3x4xf32>) {
    %goes = arith.cmpi slt, %i, %n : i32
    scf.condition(%goes) %i, %x, %y : i32, tensor<3x4xf32>, tensor<3x4xf32>
  } do {
  ^bb0(%i: i32, %x: tensor<3x4xf32>, %y: tensor<3x4xf32>):
    %next = arith.addi %i, %one : i32
    scf.yield %next, %y, %x : i32, tensor<3x4xf32>, tensor<3x4xf32>
  }""", [X, Y], Y, X)
case("scf.for that writes slices", """
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %e = tensor.empty() : tensor<3x4xf32>
  %r0 = scf.for %i = %c0 to %c3 step %c1 iter_args(%all = %e) -> tensor<3x4xf32> {
    %s = tensor.extract_slice %0[%i, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<1x4xf32>
    %x = linalg.exp ins(%s : tensor<1x4xf32>) outs(%s : tensor<1x4xf32>) -> tensor<1x4xf32>
    %put = tensor.insert_slice %x into %all[%i, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<3x4xf32>
    scf.yield %put : tensor<3x4xf32>
  }""", [X], np.exp(X))
case("scf.forall", """
  %e = tensor.empty() : tensor<3x4xf32>
  %r0 = scf.forall (%i) in (3) shared_outs(%all = %e) -> tensor<3x4xf32> {
    %s = tensor.extract_slice %0[%i, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<1x4xf32>
    %x = linalg.exp ins(%s : tensor<1x4xf32>) outs(%s : tensor<1x4xf32>) -> tensor<1x4xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %x into %all[%i, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<3x4xf32>
    }
  }""", [X], np.exp(X))
raw("functions that functions call", f"""
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
""", [X, np.float32(1.25)], 4 * X, np.float32(5))


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
    limit = TOLERANCES[wanted.dtype.name] * np.maximum(np.abs(wanted[finite]), 1e-3)
    return None if (error <= limit).all() else f"expected {wanted}, got {got}, {(error / limit).max():.1f} times the tolerance"


def main():
    report = harness.Report()

    def attempt(job):
        name, text, inputs, expected = job
        with harness.temporary_directory() as folder:
            directory = pathlib.Path(folder)
            (directory / "model.mlir").write_text(text)
            done = harness.run("sprint-run", directory / "model.mlir", *harness.write_inputs(directory, *inputs),
                               f"--output-dir={directory / 'out'}", check=False)
            if not report.check(done.returncode == 0, f"{name}: {done.stderr.strip()[-1500:]}"):
                return
            for index, wanted in enumerate(expected):
                wrong = compare(np.load(directory / "out" / f"{index}.npy"), wanted)
                report.check(wrong is None, f"{name}, result {index}: {wrong}")

    harness.in_parallel(attempt, [job for job in CASES if len(sys.argv) < 2 or sys.argv[1] in job[0]], report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
