# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models as functions from tensors to tensors.

Hugging Face models take keyword arguments and return dictionaries. torch-mlir takes positional
tensors and returns a tuple of them; the modules here stand between.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import torch

from .errors import ExportError

#: Results that are the answer of a transformers model: the first of them that it has is exported.
ANSWERS = ("logits", "last_hidden_state")
#: Results that only serve a later call or an inspection of the model.
INTERNAL_RESULTS = ("past_key_values", "cache_params", "mems", "hidden_states", "attentions",
                    "decoder_hidden_states", "decoder_attentions", "cross_attentions",
                    "encoder_hidden_states", "encoder_attentions")


@dataclasses.dataclass
class Argument:
    """One argument of an exported function."""

    name: str
    example: torch.Tensor
    #: The dimensions that may differ from call to call, and what they are called. Dimensions of
    #: the same name are of the same size.
    axes: Dict[int, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class TensorModel:
    """A module that takes the arguments' tensors in order and returns a tuple of tensors."""

    module: torch.nn.Module
    arguments: Sequence[Argument]

    def examples(self) -> Tuple[torch.Tensor, ...]:
        return tuple(argument.example for argument in self.arguments)


def without_wrapping(path: str) -> str:
    """The path of a part of a model, such as `layers.3.attention`, in the model itself: without the
    modules that are put around it here.
    """
    return re.sub(r"^(module(\.|$))+", "", path)


def _fields(result: Any) -> Dict[str, Any]:
    """The results of a module by name; those without a name count from 0."""
    if isinstance(result, torch.Tensor):
        return {"0": result}
    if isinstance(result, Mapping):
        return {str(name): value for name, value in result.items()}
    if isinstance(result, (tuple, list)):
        return {str(index): value for index, value in enumerate(result)}
    raise ExportError(f"expected tensors as the model's results, got {type(result).__name__}")


def _tensors(value: Any) -> Tuple[torch.Tensor, ...]:
    """The tensors of a result, which may be a tuple of them, one a layer."""
    if isinstance(value, torch.Tensor):
        return (value,)
    if isinstance(value, (tuple, list)):
        return tuple(tensor for item in value for tensor in _tensors(item))
    return ()


def select_results(result: Any, names: Optional[Sequence[str]]) -> Tuple[torch.Tensor, ...]:
    """The tensors of a module's result that are exported.

    With `names` the tensors of these fields. Otherwise the first of ANSWERS that is there, or all
    floating-point tensors except those of INTERNAL_RESULTS.
    """
    fields = _fields(result)
    if names is None:
        answer = next((name for name in ANSWERS if name in fields), None)
        if answer is not None:
            names = [answer]
        else:
            names = [name for name, value in fields.items() if name not in INTERNAL_RESULTS
                     and any(tensor.is_floating_point() for tensor in _tensors(value))]
    for name in names:
        if name not in fields or not _tensors(fields[name]):
            raise ExportError(f"expected one of the results {', '.join(fields)}, got '{name}'")
    chosen = tuple(tensor for name in names for tensor in _tensors(fields[name]))
    if not chosen:
        raise ExportError("the model has no result of a floating-point type")
    return chosen


class Positional(torch.nn.Module):
    """A module with its results flattened.

    Called with tensors by position; they reach the wrapped module as the keyword arguments of
    `names`, or by position without names. Keyword arguments that are no tensors are fixed.
    """

    def __init__(self, module: torch.nn.Module, names: Optional[Sequence[str]] = None,
                 fixed: Optional[Mapping[str, Any]] = None,
                 outputs: Optional[Sequence[str]] = None):
        super().__init__()
        self.module = module
        self.names = None if names is None else tuple(names)
        self.fixed = dict(fixed or {})
        self.outputs = outputs

    def forward(self, *arguments: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        if self.names is None:
            result = self.module(*arguments, **self.fixed)
        else:
            result = self.module(**dict(zip(self.names, arguments)), **self.fixed)
        return select_results(result, self.outputs)


class MeanPooled(torch.nn.Module):
    """Sentence embeddings: the mean of the token embeddings over the tokens that the mask allows,
    scaled to unit length.
    """

    #: Keeps a sentence without tokens from dividing by zero.
    SMALLEST_COUNT = 1e-9

    def __init__(self, module: Positional):
        super().__init__()
        self.module = module
        self.mask = module.names.index("attention_mask")

    def forward(self, *arguments: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        (tokens,) = self.module(*arguments)
        weights = arguments[self.mask].unsqueeze(-1).to(tokens.dtype)
        mean = (tokens * weights).sum(1) / weights.sum(1).clamp(min=self.SMALLEST_COUNT)
        return (torch.nn.functional.normalize(mean, dim=-1),)


class Float32Interface(torch.nn.Module):
    """A bf16 module with f32 arguments and results, since .npy files have no bf16."""

    def __init__(self, module: torch.nn.Module):
        super().__init__()
        self.module = module

    def forward(self, *arguments: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        results = self.module(*[argument.to(torch.bfloat16) if argument.is_floating_point()
                                else argument for argument in arguments])
        return tuple(result.float() if result.dtype == torch.bfloat16 else result
                     for result in results)


class WithConstants(torch.nn.Module):
    """A module some of whose arguments are fixed, because no result depends on them."""

    def __init__(self, module: torch.nn.Module, count: int, constants: Mapping[int, torch.Tensor]):
        super().__init__()
        self.module = module
        self.count = count
        self.positions = tuple(constants)
        for position, tensor in constants.items():
            self.register_buffer(f"argument{position}", tensor)

    def forward(self, *arguments: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        rest = iter(arguments)
        return self.module(*[getattr(self, f"argument{position}") if position in self.positions
                             else next(rest) for position in range(self.count)])
