# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attentions as models of ONNX: built of its operators, and exported by torch."""

from __future__ import annotations

import functools
import itertools
import pathlib
import re
import tempfile
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from ..export.errors import ExportError, one_line
from ..export.inputs import attention_mask
from ..export.producers.from_onnx import translate
from ..export.producers.program import Program
from ..export.quiet import quiet
from ..export.wrapping import TensorModel
from . import families, forms
from .entry import ProducerEntry, TorchEntry

BATCH = 2
HEADS = 4
LENGTH = 24
HEAD_DIM = 16
WIDTH = HEADS * HEAD_DIM
#: The largest dynamic size.
LONGEST = 64
#: The version of the operators, and that of the file.
OPSET = 17
IR_VERSION = 8
SEED = 1

Nodes = List[onnx.NodeProto]


class Form(NamedTuple):
    """How a model is made."""

    #: Makes it.
    model: Callable[[], onnx.ModelProto]
    #: Makes its inputs; without it they are random.
    inputs: Optional[Callable[[np.random.Generator], Dict[str, np.ndarray]]] = None
    attentions: int = 1
    dynamic: bool = False
    padded: bool = False


# Built of operators -------------------------------------------------------------------------------


def _model(nodes: Nodes, inputs: Dict[str, tuple], constants: Dict[str, np.ndarray],
           result: tuple, dtype: int = TensorProto.FLOAT, opset: int = OPSET) -> onnx.ModelProto:
    """A model with the result `output`; an input's shape may begin with its type."""
    values = [helper.make_tensor_value_info(name, shape[0], shape[1:]) if shape[0] in
              (TensorProto.INT64, TensorProto.BOOL) and name.endswith("mask")
              else helper.make_tensor_value_info(name, dtype, shape)
              for name, shape in inputs.items()]
    graph = helper.make_graph(
        nodes, "attention", values, [helper.make_tensor_value_info("output", dtype, result)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = IR_VERSION
    return model


_NODE = helper.make_node
_HEADS = {name: (BATCH, HEADS, LENGTH, HEAD_DIM) for name in ("query", "key", "value")}
_OPEN = {name: ("batch", HEADS, "length", HEAD_DIM) for name in ("query", "key", "value")}


def _scores() -> Nodes:
    """The scaled product of queries and keys."""
    return [_NODE("Transpose", ["key"], ["transposed"], perm=[0, 1, 3, 2]),
            _NODE("MatMul", ["query", "transposed"], ["products"]),
            _NODE("Div", ["products", "root"], ["scores"])]


def _root(dtype: Any = np.float32) -> Dict[str, np.ndarray]:
    return {"root": np.asarray(HEAD_DIM**0.5, dtype)}


def _mixed(scores: str) -> Nodes:
    return [_NODE("Softmax", [scores], ["probabilities"], axis=-1),
            _NODE("MatMul", ["probabilities", "value"], ["output"])]


def _plain(dynamic: bool = False, dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
    numbers = helper.tensor_dtype_to_np_dtype(dtype)
    shapes = _OPEN if dynamic else _HEADS
    return _model(_scores() + _mixed("scores"), shapes, _root(numbers), shapes["value"], dtype)


def _additive_mask(lowest: float) -> onnx.ModelProto:
    """An attention_mask of ones and zeros becomes a finite number that is added."""
    nodes = [_NODE("Cast", ["mask"], ["kept"], to=TensorProto.FLOAT),
             _NODE("Sub", ["one", "kept"], ["hidden"]),
             _NODE("Mul", ["hidden", "lowest"], ["added"]),
             _NODE("Unsqueeze", ["added", "axes"], ["bias"]),
             _NODE("Add", ["scores", "bias"], ["masked"])]
    constants = {"one": np.float32(1), "lowest": np.float32(lowest),
                 "axes": np.asarray([1, 2], np.int64), **_root()}
    return _model(_scores() + nodes + _mixed("masked"),
                  {**_HEADS, "mask": (TensorProto.INT64, BATCH, LENGTH)},
                  {name: np.asarray(value) for name, value in constants.items()},
                  _HEADS["value"])


def _safe() -> onnx.ModelProto:
    """As torch writes scaled_dot_product_attention with a mask: the scale on queries and on keys,
    and rows without any key, which softmax makes no numbers, as zeros.
    """
    nodes = [_NODE("Mul", ["query", "factor"], ["scaled"]),
             _NODE("Transpose", ["key"], ["transposed"], perm=[0, 1, 3, 2]),
             _NODE("Mul", ["transposed", "factor"], ["scaled_key"]),
             _NODE("MatMul", ["scaled", "scaled_key"], ["scores"]),
             _NODE("Where", ["mask", "zero", "infinity"], ["added"]),
             _NODE("Add", ["scores", "added"], ["masked"]),
             _NODE("Softmax", ["masked"], ["softmax"], axis=-1),
             _NODE("IsNaN", ["softmax"], ["empty"]),
             _NODE("Where", ["empty", "zero", "softmax"], ["probabilities"]),
             _NODE("MatMul", ["probabilities", "value"], ["output"])]
    constants = {"factor": np.asarray(HEAD_DIM**-0.25, np.float32),
                 "zero": np.asarray(0, np.float32), "infinity": np.asarray(-np.inf, np.float32)}
    return _model(nodes, {**_HEADS, "mask": (TensorProto.BOOL, BATCH, 1, LENGTH, LENGTH)},
                  constants, _HEADS["value"])


def _packed() -> onnx.ModelProto:
    """Projections with weights, heads by reshaping, as exporters write a whole layer."""
    generator = np.random.default_rng(SEED)
    weights = {name: (generator.standard_normal((WIDTH, WIDTH)) / WIDTH**0.5).astype(np.float32)
               for name in ("query", "key", "value", "out")}
    nodes: Nodes = []
    for name in ("query", "key", "value"):
        nodes += [_NODE("MatMul", ["tokens", f"{name}_weight"], [f"{name}_flat"]),
                  _NODE("Reshape", [f"{name}_flat", "split"], [f"{name}_split"]),
                  _NODE("Transpose", [f"{name}_split"], [name], perm=[0, 2, 1, 3])]
    nodes += _scores()
    nodes += [_NODE("Softmax", ["scores"], ["probabilities"], axis=-1),
              _NODE("MatMul", ["probabilities", "value"], ["mixed"]),
              _NODE("Transpose", ["mixed"], ["joined"], perm=[0, 2, 1, 3]),
              _NODE("Reshape", ["joined", "join"], ["flat"]),
              _NODE("MatMul", ["flat", "out_weight"], ["output"])]
    constants = {"split": np.asarray([BATCH, LENGTH, HEADS, HEAD_DIM], np.int64),
                 "join": np.asarray([BATCH, LENGTH, WIDTH], np.int64), **_root(),
                 **{f"{name}_weight": array for name, array in weights.items()}}
    return _model(nodes, {"tokens": (BATCH, LENGTH, WIDTH)}, constants, (BATCH, LENGTH, WIDTH))


def _padding(_: np.random.Generator) -> np.ndarray:
    return attention_mask(BATCH, LENGTH, "right").numpy()


def _empty_rows(generator: np.random.Generator) -> np.ndarray:
    """Booleans of the keys that each query may see; two queries see nothing."""
    allowed = generator.random((BATCH, 1, LENGTH, LENGTH)) < 0.6
    allowed[:, :, [3, 11]] = False
    return allowed


def _with_mask(mask: Callable[[np.random.Generator], np.ndarray]):
    def make(generator: np.random.Generator) -> Dict[str, np.ndarray]:
        return {**_heads(generator), "mask": mask(generator)}

    return make


def _heads(generator: np.random.Generator) -> Dict[str, np.ndarray]:
    return {name: generator.standard_normal(shape).astype(np.float32)
            for name, shape in _HEADS.items()}


# Exported by torch --------------------------------------------------------------------------------


def _exported(model: TensorModel, dynamic: bool) -> onnx.ModelProto:
    """A module as torch.onnx writes it."""
    shapes = None
    if dynamic:
        dims = {name: torch.export.Dim(name, min=2, max=LONGEST)
                for argument in model.arguments for name in argument.axes.values()}
        shapes = (tuple({axis: dims[name] for axis, name in argument.axes.items()}
                        for argument in model.arguments),)
    with quiet(), tempfile.TemporaryDirectory(prefix="sprint-onnx-") as folder:
        path = pathlib.Path(folder) / "model.onnx"
        try:
            torch.onnx.export(model.module, model.examples(), str(path), dynamo=True,
                              verbose=False, dynamic_shapes=shapes)
        except Exception as error:  # torch raises nearly every type there is.
            raise ExportError(f"torch.onnx: {one_line(error)}") from error
        return onnx.load(str(path))


def _of_torch(entry: TorchEntry) -> Form:
    """A model of PyTorch in the zoo, by way of ONNX, with its inputs."""
    loaded = functools.lru_cache(maxsize=1)(lambda: entry.load().model)

    def inputs(_: np.random.Generator) -> List[np.ndarray]:
        return [tensor.contiguous().numpy() for tensor in loaded().examples()]

    return Form(lambda: _exported(loaded(), entry.dynamic), inputs, entry.attentions,
                entry.dynamic, "padding" in entry.form)


#: Models of PyTorch that are also here.
OF_TORCH = ("form-sdpa", "form-sdpa-causal", "form-sdpa-bool-mask", "form-sdpa-grouped",
            "form-eager", "form-packed-projection", "form-encoder-layer", "bert-sdpa",
            "bert-eager-padded", "bert-sdpa-padded", "bert-sdpa-dynamic", "gpt2-sdpa",
            "llama-sdpa", "vit-eager")


def _torch_forms() -> Dict[str, Form]:
    entries = {entry.name: entry for entry in itertools.chain(forms.entries(), families.entries())}
    return {f"torch-{name.removeprefix('form-')}": _of_torch(entries[name]) for name in OF_TORCH}


FORMS: Dict[str, Form] = {
    "plain": Form(_plain),
    "plain-f16": Form(functools.partial(_plain, dtype=TensorProto.FLOAT16)),
    "plain-dynamic": Form(functools.partial(_plain, dynamic=True), _heads, dynamic=True),
    "additive-mask": Form(functools.partial(_additive_mask, float(np.finfo(np.float32).min)),
                          _with_mask(_padding)),
    "additive-10000": Form(functools.partial(_additive_mask, -10000.0), _with_mask(_padding)),
    "nan-safe": Form(_safe, _with_mask(_empty_rows)),
    "projections": Form(_packed),
    **_torch_forms(),
}


def _translate(form: Form) -> Program:
    inputs = form.inputs(np.random.default_rng(SEED)) if form.inputs else None
    return translate(form.model(), inputs, "ONNX", SEED)


def entries() -> Iterator[ProducerEntry]:
    """Every form, each a model of its own."""
    for name, form in FORMS.items():
        kind = "dynamic" if form.dynamic else "static"
        yield ProducerEntry(f"onnx-{name}", "onnx", re.sub("-(dynamic|padded)$", "", name),
                            f"{kind}, padding" if form.padded else kind, form.attentions,
                            form.dynamic, functools.partial(_translate, form))
