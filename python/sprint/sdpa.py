# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stands in for PyTorch's scaled_dot_product_attention."""

from __future__ import annotations

import contextlib
from typing import Callable, Iterator

import torch


@contextlib.contextmanager
def replaced_attention(attend: Callable[..., torch.Tensor]) -> Iterator[None]:
    """While it is open, torch.nn.functional.scaled_dot_product_attention is `attend`, which takes
    the original as its first argument.
    """
    original = torch.nn.functional.scaled_dot_product_attention

    def replacement(*arguments: object, **options: object) -> torch.Tensor:
        return attend(original, *arguments, **options)

    torch.nn.functional.scaled_dot_product_attention = replacement
    try:
        yield
    finally:
        torch.nn.functional.scaled_dot_product_attention = original
