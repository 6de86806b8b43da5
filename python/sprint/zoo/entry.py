# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One model of the zoo."""

from __future__ import annotations

import abc
import dataclasses
import pathlib
from typing import Any, Callable, Dict

from ..export.exporting import Destination, export
from ..export.files import OutputFiles
from ..export.models import LoadedModel
from ..export.producers.program import Program
from ..export.producers.program import write as write_program


@dataclasses.dataclass(frozen=True)
class Entry(abc.ABC):
    """A model and how it is exported."""

    name: str
    family: str
    #: What computes the attention: `eager`, `sdpa`, or for hand-written modules their form.
    attention: str
    #: Static or dynamic sizes, and the padding.
    form: str
    #: How many attentions the model has, known from its configuration.
    attentions: int
    #: Whether it leaves sizes open.
    dynamic: bool

    @abc.abstractmethod
    def export(self, model: pathlib.Path, inputs: pathlib.Path) -> Dict[str, Any]:
        """Writes the model and its inputs and results; returns what is to be known of it beside
        its fields. Raises ExportError.
        """


@dataclasses.dataclass(frozen=True)
class TorchEntry(Entry):
    """A model of PyTorch."""

    #: Makes the model and its example arguments. Raises ExportError.
    load: Callable[[], LoadedModel]
    #: Whether scaled_dot_product_attention stays one operation.
    fused_attention: bool = False

    def export(self, model: pathlib.Path, inputs: pathlib.Path) -> Dict[str, Any]:
        lowered = export(self.load(), Destination(model, inputs), self.dynamic,
                         self.fused_attention)
        return {"counted_attentions": lowered.attentions,
                "arguments": [argument.name for argument in lowered.model.arguments],
                "dropped_arguments": lowered.dropped}


@dataclasses.dataclass(frozen=True)
class ProducerEntry(Entry):
    """A model of another producer."""

    #: Makes it, with example arguments and what they give. Raises ExportError.
    translate: Callable[[], Program]

    def export(self, model: pathlib.Path, inputs: pathlib.Path) -> Dict[str, Any]:
        program = self.translate()
        with OutputFiles() as files:
            write_program(files, program, model, inputs)
        return {"arguments": program.names, "dropped_arguments": []}
