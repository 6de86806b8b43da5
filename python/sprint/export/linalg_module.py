# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules of torch-mlir whose weights are the memory of the model's own tensors.

torch-mlir's importer makes a list of Python numbers of every tensor, and the text of a module has two
characters a byte. Here an attribute points to the tensor itself; where a module becomes bytecode, its
weights go from there into a file of their own.
"""

from __future__ import annotations

import io
import json
import re
import struct
from typing import Any, BinaryIO, Dict, Optional, Tuple

import numpy as np
import torch
from torch._subclasses.fake_tensor import unset_fake_temporarily
from torch_mlir import ir
from torch_mlir.extras import fx_importer

from .wrapping import without_wrapping

#: What a name of MLIR that needs no quotes does not have.
_NO_NAME = re.compile(r"^(?=[^A-Za-z_])|[^\w.]", re.ASCII)
_SAFETENSORS_TYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16",
                      torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32",
                      torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
                      torch.complex64: "C64"}
_RESOURCE = re.compile(r"dense_resource<([\w.]+)>", re.ASCII)


def _elements(tensor: torch.Tensor) -> np.ndarray:
    """The bytes of a tensor, row by row; its own memory where that is how it lies there."""
    # The importer runs where tensors have no values.
    with unset_fake_temporarily(), torch.no_grad():
        return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()


class Weights(fx_importer.FxImporterHooks):
    """Has torch-mlir's importer take the memory of a program's tensors as it is. What they hold must
    not change while the module lives.
    """

    def __init__(self, program: torch.export.ExportedProgram) -> None:
        #: By their names in the module: the tensors, which have to live, and their elements.
        self.tensors: Dict[str, Tuple[torch.Tensor, np.ndarray]] = {}
        # Of several names the first.
        self._paths = {id(tensor): path for path, tensor in reversed(program.state_dict.items())}
        #: By what tells tensors apart: several may be the same memory.
        self._attributes: Dict[Tuple[Any, ...], ir.Attribute] = {}

    def resolve_literal(self, gni: Any, literal: Any, info: Any) -> Optional[ir.Value]:
        del info  # The importer has it of no program whose state is constant.
        # Passes know more of a single number that stands in the module itself.
        if not isinstance(literal, torch.Tensor) or literal.numel() < 2 or \
                literal.dtype not in fx_importer.TORCH_DTYPE_TO_NPY_TYPE:
            return None
        key = (literal.data_ptr(), literal.dtype, literal.shape, literal.stride())
        attribute = self._attributes.get(key)
        if attribute is None:
            attribute = self._attributes[key] = self._add(literal)
        return ir.Operation.create("torch.vtensor.literal",
                                   results=[gni._cc.tensor_to_vtensor_type(literal)],
                                   attributes={"value": attribute}).result

    def _add(self, tensor: torch.Tensor) -> ir.Attribute:
        path = without_wrapping(self._paths.get(id(tensor), "constant"))
        elements = _elements(tensor)
        attribute = ir.DenseResourceElementsAttr.get_from_buffer(
            elements, _NO_NAME.sub("_", path), fx_importer.create_mlir_tensor_type(tensor),
            alignment=tensor.element_size())
        # A name that is taken gets a number.
        name = _RESOURCE.match(str(attribute))[1]
        self.tensors[name] = (tensor, elements)
        return attribute


class LinalgModule:
    """A lowered module with the weights that it takes from elsewhere."""

    def __init__(self, operation: ir.Operation, weights: Weights) -> None:
        self._operation = operation
        self._weights = weights

    def write_text(self, file: BinaryIO) -> None:
        """Writes the module as text, weights among it."""
        self._operation.print(file=file, binary=True, enable_debug_info=True)

    @property
    def text(self) -> str:
        file = io.BytesIO()
        self.write_text(file)
        return file.getvalue().decode()

    def write_text_without_weights(self, file: BinaryIO) -> None:
        """Writes the module as text in which weights only have names."""
        # The printer makes text of weights even where it then leaves it out; with a local scope it
        # knows of none.
        self._operation.print(file=file, binary=True, enable_debug_info=True, use_local_scope=True)

    def write_weights(self, file: BinaryIO) -> None:
        """Writes the weights as a file of safetensors, by the names that they have in the text."""
        # The package safetensors holds all weights a second time while it writes.
        tensors = self._weights.tensors
        entries, end = {}, 0
        for name, (tensor, elements) in tensors.items():
            begin, end = end, end + elements.nbytes
            entries[name] = {"dtype": _SAFETENSORS_TYPES[tensor.dtype],
                             "shape": list(tensor.shape), "data_offsets": [begin, end]}
        header = json.dumps(entries).encode()
        # Padded as its readers want it.
        header += b" " * (-len(header) % 8)
        file.write(struct.pack("<Q", len(header)) + header)
        for _, elements in tensors.values():
            file.write(elements.data)
