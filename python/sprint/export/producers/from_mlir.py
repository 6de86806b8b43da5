# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files of MLIR: StableHLO, TOSA, and linalg with its softmax."""

from __future__ import annotations

import pathlib
import re
import tempfile
from typing import Callable, Dict

from ..errors import ExportError
from .from_jax import stablehlo_to_linalg
from .program import Program
from .tools import iree_opt, mlir_opt, run_passes

#: From TOSA to linalg on tensors: as upstream's pipeline of the same name, which stops at linalg,
#: and then what is left.
TOSA_PASSES = ("--tosa-to-linalg-pipeline", "--tosa-to-tensor", "--tosa-to-arith", "--tosa-to-scf",
               "--canonicalize")
#: Decomposes linalg.softmax with upstream's transform operation.
DECOMPOSITION = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %softmaxes = transform.structured.match ops{["linalg.softmax"]} in %module
      : (!transform.any_op) -> !transform.any_op
    %parts = transform.structured.decompose_interface %softmaxes
      : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
"""
#: Which operations tell a file's dialect.
_DIALECTS = {"stablehlo": re.compile(r"\b(?:stablehlo|chlo)\.\w"),
             "tosa": re.compile(r"\btosa\.\w")}


def dialect(text: str) -> str:
    """The producer of a module: `stablehlo`, `tosa`, or `linalg`."""
    return next((name for name, operation in _DIALECTS.items() if operation.search(text)),
                "linalg")


def tosa_to_linalg(text: str, source: str) -> str:
    return run_passes(mlir_opt(), TOSA_PASSES, text, source)


def decomposed_by_mlir(text: str, source: str = "") -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".mlir") as file:
        file.write(DECOMPOSITION)
        file.flush()
        return run_passes(mlir_opt(), [
            f"--transform-preload-library=transform-library-paths={file.name}",
            "--transform-interpreter"], text, source)


def _decomposed_by_iree(fused: str) -> Callable[[str, str], str]:
    pipeline = f"builtin.module(func.func(iree-codegen-decompose-softmax{{use-fusion={fused}}}))"
    return lambda text, source="": run_passes(iree_opt(), [f"--pass-pipeline={pipeline}"], text,
                                              source)


#: Who decomposes linalg.softmax.
SOFTMAX: Dict[str, Callable[[str, str], str]] = {
    "mlir": decomposed_by_mlir,
    "iree": _decomposed_by_iree("false"),
    "iree-fused": _decomposed_by_iree("true"),
}


def read(path: pathlib.Path) -> str:
    """The text of a file. Raises ExportError."""
    try:
        return path.read_text()
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ExportError(f"{path}: expected text") from None


def translate(path: pathlib.Path, producer: str, softmax: str = "mlir") -> Program:
    """A file of the given dialect. Nothing here computes its results."""
    lowerings: Dict[str, Callable[[str, str], str]] = {
        "stablehlo": stablehlo_to_linalg, "tosa": tosa_to_linalg, "linalg": SOFTMAX[softmax]}
    lowered = lowerings[producer](read(path), str(path))
    try:
        return Program(lowered, [])
    except ExportError as error:
        raise ExportError(f"{path}: {error}") from error
