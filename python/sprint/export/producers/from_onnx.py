# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of ONNX, by torch-mlir's importer; onnxruntime says what they compute."""

from __future__ import annotations

import pathlib
import re
from typing import Any, List, Mapping, Optional, Sequence, Union

import numpy as np

from ..errors import ExportError, one_line
from ..quiet import quiet
from .program import Program, storable

#: From the importer's operations to linalg on tensors.
PIPELINES = (
    "builtin.module(torch-onnx-to-torch-backend-pipeline)",
    "builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline{allow-non-finites=True})",
)

Inputs = Union[Mapping[str, Any], Sequence[Any]]


def read(path: pathlib.Path) -> Any:
    """The model of a file, with weights that lie beside it. Raises ExportError."""
    import onnx

    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:  # onnx and protobuf raise several types.
        raise ExportError(f"{path}: {one_line(error)}") from error
    return model


def _arguments(model: Any) -> List[Any]:
    """The inputs that no initializer gives a value."""
    fixed = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in fixed]


def _random(value: Any, generator: np.random.Generator) -> np.ndarray:
    """An example of an input: normal numbers; of integers and booleans ones."""
    import onnx

    tensor = value.type.tensor_type
    shape = []
    for dimension in tensor.shape.dim:
        if not dimension.HasField("dim_value"):
            raise ExportError(f"expected --inputs, because '{value.name}' has a dimension "
                              f"'{dimension.dim_param or '?'}' of any size")
        shape.append(dimension.dim_value)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    if np.dtype(dtype).kind in "iub":
        return np.ones(shape, dtype)
    return generator.standard_normal(shape).astype(dtype)


def _examples(model: Any, inputs: Optional[Inputs], seed: int) -> List[np.ndarray]:
    arguments = _arguments(model)
    names = [value.name for value in arguments]
    if inputs is None:
        generator = np.random.default_rng(seed)
        return [_random(value, generator) for value in arguments]
    values = [inputs.get(name) for name in names] if isinstance(inputs, Mapping) else list(inputs)
    if len(values) != len(names) or any(value is None for value in values):
        raise ExportError(f"expected inputs for {', '.join(names)}")
    return [np.asarray(value) for value in values]


def _results(model: Any, inputs: Mapping[str, np.ndarray]) -> List[np.ndarray]:
    # onnx.reference.ReferenceEvaluator computes some operators, such as GatherElements, wrongly.
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def _failure(diagnostics: Sequence[str], error: BaseException) -> str:
    text = "\n".join(diagnostics)
    operations = dict.fromkeys(re.findall(r"name = \"(onnx\.[\w.]+)\"", text))
    return f"torch-mlir cannot lower {', '.join(operations)}" if operations else \
        f"torch-mlir: {one_line(Exception(text) if text else error)}"


def _lower(model: Any) -> str:
    """The text of `main`."""
    import onnx
    from torch_mlir import ir, passmanager
    from torch_mlir.dialects import torch as torch_dialect
    from torch_mlir.extras import onnx_importer

    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    model.graph.name = "main"
    diagnostics: List[str] = []

    def collect(diagnostic: ir.Diagnostic) -> bool:
        diagnostics.append(diagnostic.message)
        return True

    with ir.Context() as context:
        torch_dialect.register_dialect(context)
        info = onnx_importer.ModelInfo(model)
        module = info.create_module(context=context).operation
        onnx_importer.NodeImporter.define_function(info.main_graph, module).import_all()
        context.emit_error_diagnostics = True
        handler = context.attach_diagnostic_handler(collect)
        try:
            for pipeline in PIPELINES:
                passmanager.PassManager.parse(pipeline).run(module)
        except Exception as error:
            raise ExportError(_failure(diagnostics, error)) from error
        finally:
            handler.detach()
        return str(module)


def translate(model: Any, inputs: Optional[Inputs] = None, source: str = "", seed: int = 0,
              computed: bool = True) -> Program:
    """A model as onnx holds it. Without inputs they are random. Inputs and results are left out
    where they are not asked for.
    """
    names = [value.name for value in _arguments(model)]
    try:
        with quiet():
            examples, results = [], []
            if computed:
                examples = _examples(model, inputs, seed)
                results = _results(model, dict(zip(names, examples)))
            text = _lower(model)
        return Program(text, names, [storable(array) for array in examples],
                       [storable(array) for array in results])
    except Exception as error:  # onnx raises several types.
        raise ExportError(f"{source}: {one_line(error)}") from error
