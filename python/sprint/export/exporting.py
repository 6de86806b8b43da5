# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A request as files: the model, and inputs and results to compare a run with."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Callable, Optional

import torch

from .errors import ExportError, raised
from .files import OutputFiles, add_tensors
from .lowering import Lowered, lower
from .model_files import add_module
from .models import LoadedModel


@dataclasses.dataclass
class Destination:
    """Where an export goes."""

    #: The model.
    model: pathlib.Path
    #: The folder of the inputs, `0.npy` and so on in the order of the arguments, and of what
    #: PyTorch computes of them, `reference0.npy` and so on; it is made where it is missing.
    inputs: Optional[pathlib.Path] = None


def export(loaded: LoadedModel, destination: Destination, dynamic: bool = False,
           fused_attention: bool = False, files: Optional[OutputFiles] = None,
           step: Callable[[str], None] = lambda what: None) -> Lowered:
    """Lowers a model and writes its files, all of them or none. `files` may have them planned
    already; `step` is told what is being done. Raises ExportError.
    """
    step("lowering")
    lowered = lower(loaded.model, dynamic, fused_attention, loaded.longest)
    with files or OutputFiles() as files:
        step("writing")
        add_module(files, destination.model, lowered.module)
        if destination.inputs is not None:
            step("computing the reference")
            add_tensors(files, destination.inputs, "", lowered.model.examples())
            add_tensors(files, destination.inputs, "reference", reference(lowered))
        files.commit()
    return lowered


def reference(lowered: Lowered):
    """What PyTorch computes of the example arguments."""
    try:
        with torch.no_grad():
            return lowered.model.module(*lowered.model.examples())
    except (Exception, SystemExit) as error:  # A model's code may raise anything.
        raise ExportError(f"PyTorch cannot run the model: {raised(error)}") from error
