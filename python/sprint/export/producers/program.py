# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model as linalg on tensors, whoever lowered it."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from typing import List, Optional, Sequence

import numpy as np

from ..errors import ExportError
from ..files import OutputFiles
from ..model_files import add_text

#: Dialects that the tools of producers leave where they know no lowering.
_FOREIGN = re.compile(r"^\s*(?:%[^=]*= )?\"?((?:util|hal|flow|vm|stream|iree_\w+|stablehlo|chlo|"
                      r"mhlo|vhlo|tosa|torch|torch_c|onnx|shape)\.[\w.]+)", re.MULTILINE)


@dataclasses.dataclass
class Program:
    """The text of a function `main`, with example inputs and what the producer computes of them.
    """

    text: str
    #: The arguments' names, in order.
    names: List[str]
    #: Example inputs, and results; none where nothing here can compute them.
    inputs: List[np.ndarray] = dataclasses.field(default_factory=list)
    results: List[np.ndarray] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        left = list(dict.fromkeys(_FOREIGN.findall(self.text)))
        if left:
            raise ExportError(f"cannot lower {', '.join(left)}")


def storable(array: np.ndarray) -> np.ndarray:
    """An array as sprint-run reads and writes it: types that NumPy does not have, such as bf16, as
    f32, and integers with a sign, as MLIR's have none.
    """
    array = np.asarray(array)
    if array.dtype.kind == "u":
        array = array.view(array.dtype.str.replace("u", "i"))
    native = array.dtype.kind != "V" and array.dtype.isbuiltin == 1
    return array.astype(array.dtype if native else np.float32, order="C")


def _add_arrays(files: OutputFiles, folder: pathlib.Path, prefix: str,
                arrays: Sequence[np.ndarray]) -> None:
    for index, array in enumerate(arrays):
        files.add_array(folder / f"{prefix}{index}.npy", array)


def write(files: OutputFiles, program: Program, model: pathlib.Path,
          inputs: Optional[pathlib.Path]) -> None:
    """Writes the model, and inputs and results as sprint.export does, all of them or none."""
    add_text(files, model, program.text)
    if inputs is not None:
        _add_arrays(files, inputs, "", program.inputs)
        _add_arrays(files, inputs, "reference", program.results)
    files.commit()
