# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attentions as files of MLIR: in TOSA, and in linalg with softmax decomposed by several."""

from __future__ import annotations

import functools
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional

import numpy as np

from ..export.producers.from_mlir import SOFTMAX, tosa_to_linalg
from ..export.producers.program import Program
from .entry import ProducerEntry

#: Batch and heads in one dimension.
HEADS = 4
LENGTH = 24
HEAD_DIM = 16
SEED = 1

_SCORES = f"{HEADS}x{LENGTH}x{LENGTH}xf32"
_HEAD = f"{HEADS}x{LENGTH}x{HEAD_DIM}xf32"
_ROWS = f"{HEADS}x{LENGTH}xf32"


class Form(NamedTuple):
    """How an attention is written."""

    text: str
    #: Makes linalg on tensors of it.
    lower: Callable[[str, str], str]
    #: Makes what is added to the scores; without it there is no such argument.
    mask: Optional[Callable[[np.random.Generator], np.ndarray]] = None


def _causal() -> np.ndarray:
    """0 where a key may be seen, minus infinity elsewhere."""
    return np.triu(np.full((LENGTH, LENGTH), -np.inf, np.float32), 1)


def _additive(generator: np.random.Generator) -> np.ndarray:
    """As _causal, of no pattern; each query sees itself."""
    hidden = (generator.random((HEADS, LENGTH, LENGTH)) < 0.4) & ~np.eye(LENGTH, dtype=bool)
    return np.where(hidden, -np.inf, 0).astype(np.float32)


def _attention(query: np.ndarray, key: np.ndarray, value: np.ndarray,
               mask: Optional[np.ndarray] = None) -> np.ndarray:
    """What all of them compute, from the formula."""
    scores = np.einsum("hqd,hkd->hqk", query, key, dtype=np.float64) / np.sqrt(HEAD_DIM)
    if mask is not None:
        scores = scores + mask
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = powers / powers.sum(-1, keepdims=True) @ value.astype(np.float64)
    return mixed.astype(np.float32)


# TOSA ---------------------------------------------------------------------------------------------


def _tosa(scores: str = "", arguments: str = "") -> str:
    """An attention; `scores` makes %scores of %scaled."""
    return f"""
func.func @main(%query: tensor<{_HEAD}>, %key: tensor<{_HEAD}>, %value: tensor<{_HEAD}>{arguments})
    -> tensor<{_HEAD}> {{
  %zero = "tosa.const"() {{values = dense<0.0> : tensor<1xf32>}} : () -> tensor<1xf32>
  %shift = "tosa.const"() {{values = dense<0> : tensor<1xi8>}} : () -> tensor<1xi8>
  %factor = "tosa.const"() {{values = dense<{HEAD_DIM**-0.5}> : tensor<1x1x1xf32>}}
    : () -> tensor<1x1x1xf32>
  %transposed = tosa.transpose %key {{perms = array<i32: 0, 2, 1>}}
    : (tensor<{_HEAD}>) -> tensor<{HEADS}x{HEAD_DIM}x{LENGTH}xf32>
  %products = tosa.matmul %query, %transposed, %zero, %zero
    : (tensor<{_HEAD}>, tensor<{HEADS}x{HEAD_DIM}x{LENGTH}xf32>, tensor<1xf32>, tensor<1xf32>)
    -> tensor<{_SCORES}>
  %scaled = tosa.mul %products, %factor, %shift
    : (tensor<{_SCORES}>, tensor<1x1x1xf32>, tensor<1xi8>) -> tensor<{_SCORES}>
  {scores}
  %largest = tosa.reduce_max %scores {{axis = 2 : i32}}
    : (tensor<{_SCORES}>) -> tensor<{HEADS}x{LENGTH}x1xf32>
  %differences = tosa.sub %scores, %largest
    : (tensor<{_SCORES}>, tensor<{HEADS}x{LENGTH}x1xf32>) -> tensor<{_SCORES}>
  %powers = tosa.exp %differences : (tensor<{_SCORES}>) -> tensor<{_SCORES}>
  %sum = tosa.reduce_sum %powers {{axis = 2 : i32}}
    : (tensor<{_SCORES}>) -> tensor<{HEADS}x{LENGTH}x1xf32>
  %inverse = tosa.reciprocal %sum
    : (tensor<{HEADS}x{LENGTH}x1xf32>) -> tensor<{HEADS}x{LENGTH}x1xf32>
  %probabilities = tosa.mul %powers, %inverse, %shift
    : (tensor<{_SCORES}>, tensor<{HEADS}x{LENGTH}x1xf32>, tensor<1xi8>) -> tensor<{_SCORES}>
  %mixed = tosa.matmul %probabilities, %value, %zero, %zero
    : (tensor<{_SCORES}>, tensor<{_HEAD}>, tensor<1xf32>, tensor<1xf32>) -> tensor<{_HEAD}>
  return %mixed : tensor<{_HEAD}>
}}
"""


_TOSA_PLAIN = f"%scores = tosa.identity %scaled : (tensor<{_SCORES}>) -> tensor<{_SCORES}>"
_TOSA_MASKED = f"""%scores = tosa.add %scaled, %mask
    : (tensor<{_SCORES}>, tensor<{_SCORES}>) -> tensor<{_SCORES}>"""


def _tosa_causal() -> str:
    """A constant of booleans that selects the lowest number."""
    rows = ", ".join(str([key <= query for key in range(LENGTH)]).lower()
                     for query in range(LENGTH))
    shape = f"1x{LENGTH}x{LENGTH}xi1"
    return f"""%allowed = "tosa.const"() {{values = dense<[[{rows}]]> : tensor<{shape}>}}
    : () -> tensor<{shape}>
  %lowest = "tosa.const"() {{values = dense<-3.40282347E+38> : tensor<1x1x1xf32>}}
    : () -> tensor<1x1x1xf32>
  %scores = tosa.select %allowed, %scaled, %lowest
    : (tensor<{shape}>, tensor<{_SCORES}>, tensor<1x1x1xf32>) -> tensor<{_SCORES}>"""


# linalg -------------------------------------------------------------------------------------------

_SAME = "affine_map<(d0, d1, d2) -> (d0, d1, d2)>"
_ROW = "affine_map<(d0, d1, d2) -> (d0, d1)>"
_PARALLEL = 'iterator_types = ["parallel", "parallel", "parallel"]'


def _linalg(softmax: str, masked: bool = False) -> str:
    """An attention; `softmax` makes %probabilities of %scores."""
    mask, operand, block = "", "", ""
    if masked:
        mask, operand, block = f", %mask: tensor<{_SCORES}>", ", %mask", ", %added: f32"
    # Upstream renames its element-wise operations from version to version; generic ones stay.
    body = "%score = arith.mulf %in, %factor : f32" if not masked else \
        "%scaled = arith.mulf %in, %factor : f32\n    %score = arith.addf %scaled, %added : f32"
    types = ", ".join([f"tensor<{_SCORES}>"] * (1 + masked))
    return f"""
func.func @main(%query: tensor<{_HEAD}>, %key: tensor<{_HEAD}>, %value: tensor<{_HEAD}>{mask})
    -> tensor<{_HEAD}> {{
  %zero = arith.constant 0.0 : f32
  %factor = arith.constant {HEAD_DIM**-0.5} : f32
  %empty = tensor.empty() : tensor<{_SCORES}>
  %empty_key = tensor.empty() : tensor<{HEADS}x{HEAD_DIM}x{LENGTH}xf32>
  %empty_head = tensor.empty() : tensor<{_HEAD}>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<{_SCORES}>) -> tensor<{_SCORES}>
  %zeros_head = linalg.fill ins(%zero : f32) outs(%empty_head : tensor<{_HEAD}>) -> tensor<{_HEAD}>
  %transposed = linalg.transpose ins(%key : tensor<{_HEAD}>)
    outs(%empty_key : tensor<{HEADS}x{HEAD_DIM}x{LENGTH}xf32>) permutation = [0, 2, 1]
  %products = linalg.batch_matmul
    ins(%query, %transposed : tensor<{_HEAD}>, tensor<{HEADS}x{HEAD_DIM}x{LENGTH}xf32>)
    outs(%zeros : tensor<{_SCORES}>) -> tensor<{_SCORES}>
  %scores = linalg.generic {{indexing_maps = [{", ".join([_SAME] * (2 + masked))}], {_PARALLEL}}}
    ins(%products{operand} : {types}) outs(%empty : tensor<{_SCORES}>) {{
  ^bb0(%in: f32{block}, %out: f32):
    {body}
    linalg.yield %score : f32
  }} -> tensor<{_SCORES}>
  {softmax}
  %mixed = linalg.batch_matmul ins(%probabilities, %value : tensor<{_SCORES}>, tensor<{_HEAD}>)
    outs(%zeros_head : tensor<{_HEAD}>) -> tensor<{_HEAD}>
  return %mixed : tensor<{_HEAD}>
}}
"""


_SOFTMAX = f"""%probabilities = linalg.softmax dimension(2) ins(%scores : tensor<{_SCORES}>)
    outs(%empty : tensor<{_SCORES}>) -> tensor<{_SCORES}>"""

#: Named operations, the maximum and the sum broadcast to the scores' shape.
_NAMED = f"""%infinity = arith.constant 0xFF800000 : f32
  %empty_row = tensor.empty() : tensor<{_ROWS}>
  %lowest = linalg.fill ins(%infinity : f32) outs(%empty_row : tensor<{_ROWS}>) -> tensor<{_ROWS}>
  %nothing = linalg.fill ins(%zero : f32) outs(%empty_row : tensor<{_ROWS}>) -> tensor<{_ROWS}>
  %largest = linalg.reduce {{ arith.maximumf }} ins(%scores : tensor<{_SCORES}>)
    outs(%lowest : tensor<{_ROWS}>) dimensions = [2]
  %largest_all = linalg.broadcast ins(%largest : tensor<{_ROWS}>)
    outs(%empty : tensor<{_SCORES}>) dimensions = [2]
  %differences = linalg.sub ins(%scores, %largest_all : tensor<{_SCORES}>, tensor<{_SCORES}>)
    outs(%empty : tensor<{_SCORES}>) -> tensor<{_SCORES}>
  %powers = linalg.exp ins(%differences : tensor<{_SCORES}>)
    outs(%empty : tensor<{_SCORES}>) -> tensor<{_SCORES}>
  %sum = linalg.reduce {{ arith.addf }} ins(%powers : tensor<{_SCORES}>)
    outs(%nothing : tensor<{_ROWS}>) dimensions = [2]
  %sum_all = linalg.broadcast ins(%sum : tensor<{_ROWS}>)
    outs(%empty : tensor<{_SCORES}>) dimensions = [2]
  %probabilities = linalg.div ins(%powers, %sum_all : tensor<{_SCORES}>, tensor<{_SCORES}>)
    outs(%empty : tensor<{_SCORES}>) -> tensor<{_SCORES}>"""

#: Generic operations, the numerator and the quotient in one body each.
_GENERIC = f"""%infinity = arith.constant 0xFF800000 : f32
  %empty_row = tensor.empty() : tensor<{_ROWS}>
  %lowest = linalg.fill ins(%infinity : f32) outs(%empty_row : tensor<{_ROWS}>) -> tensor<{_ROWS}>
  %nothing = linalg.fill ins(%zero : f32) outs(%empty_row : tensor<{_ROWS}>) -> tensor<{_ROWS}>
  %largest = linalg.generic {{indexing_maps = [{_SAME}, {_ROW}],
    iterator_types = ["parallel", "parallel", "reduction"]}}
    ins(%scores : tensor<{_SCORES}>) outs(%lowest : tensor<{_ROWS}>) {{
  ^bb0(%in: f32, %out: f32):
    %greater = arith.cmpf ogt, %in, %out : f32
    %selected = arith.select %greater, %in, %out : f32
    linalg.yield %selected : f32
  }} -> tensor<{_ROWS}>
  %powers = linalg.generic {{indexing_maps = [{_SAME}, {_ROW}, {_SAME}], {_PARALLEL}}}
    ins(%scores, %largest : tensor<{_SCORES}>, tensor<{_ROWS}>)
    outs(%empty : tensor<{_SCORES}>) {{
  ^bb0(%in: f32, %row: f32, %out: f32):
    %difference = arith.subf %in, %row : f32
    %power = math.exp %difference : f32
    linalg.yield %power : f32
  }} -> tensor<{_SCORES}>
  %sum = linalg.generic {{indexing_maps = [{_SAME}, {_ROW}],
    iterator_types = ["parallel", "parallel", "reduction"]}}
    ins(%powers : tensor<{_SCORES}>) outs(%nothing : tensor<{_ROWS}>) {{
  ^bb0(%in: f32, %out: f32):
    %added = arith.addf %out, %in : f32
    linalg.yield %added : f32
  }} -> tensor<{_ROWS}>
  %probabilities = linalg.generic {{indexing_maps = [{_SAME}, {_ROW}, {_SAME}], {_PARALLEL}}}
    ins(%powers, %sum : tensor<{_SCORES}>, tensor<{_ROWS}>) outs(%empty : tensor<{_SCORES}>) {{
  ^bb0(%in: f32, %row: f32, %out: f32):
    %quotient = arith.divf %in, %row : f32
    linalg.yield %quotient : f32
  }} -> tensor<{_SCORES}>"""


def _as_it_is(text: str, _source: str) -> str:
    return text


_MASK = f", %mask: tensor<{_SCORES}>"

FORMS: Dict[str, Dict[str, Form]] = {
    "tosa": {
        "plain": Form(_tosa(_TOSA_PLAIN), tosa_to_linalg),
        "additive-mask": Form(_tosa(_TOSA_MASKED, _MASK), tosa_to_linalg, _additive),
        "causal": Form(_tosa(_tosa_causal()), tosa_to_linalg),
    },
    "linalg": {
        "softmax": Form(_linalg(_SOFTMAX), _as_it_is),
        "softmax-masked": Form(_linalg(_SOFTMAX, masked=True), _as_it_is, _additive),
        **{f"softmax-by-{tool}": Form(_linalg(_SOFTMAX), lower) for tool, lower in SOFTMAX.items()},
        **{f"softmax-by-{tool}-masked": Form(_linalg(_SOFTMAX, masked=True), lower, _additive)
           for tool, lower in SOFTMAX.items()},
        "by-hand-named": Form(_linalg(_NAMED), _as_it_is),
        "by-hand-generic": Form(_linalg(_GENERIC), _as_it_is),
        "by-hand-masked": Form(_linalg(_GENERIC, masked=True), _as_it_is, _additive),
    },
}


def _translate(family: str, name: str) -> Program:
    form = FORMS[family][name]
    generator = np.random.default_rng(SEED)
    inputs: List[np.ndarray] = [
        generator.standard_normal((HEADS, LENGTH, HEAD_DIM)).astype(np.float32) for _ in range(3)]
    names = ["query", "key", "value"]
    if form.mask:
        inputs.append(form.mask(generator))
        names.append("mask")
    hidden = inputs[3] if form.mask else _causal() if name == "causal" else None
    return Program(form.lower(form.text, name), names, inputs, [_attention(*inputs[:3], hidden)])


def entries() -> Iterator[ProducerEntry]:
    """Every form, each a model of its own."""
    for family, forms in FORMS.items():
        for name in forms:
            yield ProducerEntry(f"{family}-{name}", family, name, "static", 1, False,
                                functools.partial(_translate, family, name))
