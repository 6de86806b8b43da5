# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which producer a model on the command line is of, and its Program."""

from __future__ import annotations

import argparse
import pathlib
from typing import Any, Dict, Tuple

from ..attributes import attribute
from ..errors import ExportError, raised
from . import from_mlir
from .program import Program

#: What `--from` takes.
PRODUCERS = ("torch", "jax", "onnx", "stablehlo", "tosa", "linalg")
#: Options that every producer has.
_COMMON = ("model", "producer", "output", "inputs_dir")
#: Further options of producers but torch, by their names in argparse.
_OPTIONS = {"jax": ("inputs",), "onnx": ("inputs", "seed"), "stablehlo": (), "tosa": (),
            "linalg": ("softmax",)}
#: What each producer's Program needs, by the names of the packages.
PACKAGES: Dict[str, Dict[str, str]] = {
    "jax": {"jax": "jax", "iree.compiler": "iree-base-compiler"},
    "onnx": {"onnx": "onnx", "onnxruntime": "onnxruntime", "torch_mlir": "torch-mlir"},
    "stablehlo": {"iree.compiler": "iree-base-compiler"}, "tosa": {}, "linalg": {},
}


def producer_of(model: str) -> str:
    """The producer of a model, by its name: `.onnx` and `.mlir` are files, of which the latter's
    operations tell more; everything else is torch's.
    """
    path = pathlib.Path(model)
    if path.is_dir() or path.suffix not in (".onnx", ".mlir"):
        return "torch"
    return "onnx" if path.suffix == ".onnx" else from_mlir.dialect(from_mlir.read(path))


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace,
                  producer: str) -> None:
    """Raises ExportError where an option was given that the producer does not have."""
    if producer == "torch":
        allowed = [action.dest for action in parser._actions if action.dest != "softmax"]
    else:
        allowed = [*_COMMON, *_OPTIONS[producer]]
    if producer in ("stablehlo", "tosa", "linalg"):
        # Nothing here computes what such a file does.
        allowed.remove("inputs_dir")
    for action in parser._actions:
        given = action.dest != "help" and \
            getattr(options, action.dest) != parser.get_default(action.dest)
        if given and action.dest not in allowed:
            raise ExportError(f"{options.model}: expected no {action.option_strings[-1]} of a "
                              f"model from {producer}")


def _inputs(spec: str) -> Any:
    value = attribute(spec)
    try:
        return value() if callable(value) else value
    except (Exception, SystemExit) as error:  # A user's function may raise anything.
        raise ExportError(f"{spec}: {raised(error)}") from error


def _positional(value: Any) -> Tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def translate(options: argparse.Namespace, producer: str) -> Program:
    """The program that the options of the command line name. Raises ExportError."""
    model = options.model
    if producer == "jax":
        from .from_jax import translate as from_jax

        function = attribute(model) if ":" in model else None
        if not callable(function):
            raise ExportError(f"{model}: expected module:function")
        if not options.inputs:
            raise ExportError(f"{model}: expected --inputs, its example arguments")
        return from_jax(function, _positional(_inputs(options.inputs)), model)
    if producer == "onnx":
        from .from_onnx import read
        from .from_onnx import translate as from_onnx

        inputs = _inputs(options.inputs) if options.inputs else None
        if inputs is not None and not isinstance(inputs, dict):
            inputs = _positional(inputs)
        return from_onnx(read(pathlib.Path(model)), inputs, model, options.seed,
                         computed=options.inputs_dir is not None)
    return from_mlir.translate(pathlib.Path(model), producer, options.softmax)
