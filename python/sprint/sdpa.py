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
    the original as its first argument. nn.MultiheadAttention and layers of it call it as well; the
    weights that they return are those of the original.
    """
    functional = torch.nn.functional
    original = functional.scaled_dot_product_attention
    original_layer = functional.multi_head_attention_forward
    fast = torch.backends.mha.get_fastpath_enabled()

    def replacement(*arguments: object, **options: object) -> torch.Tensor:
        return attend(original, *arguments, **options)

    def layer(*arguments: object, **options: object):
        result, _ = original_layer(*arguments, **{**options, "need_weights": False})
        # nn.MultiheadAttention asks for weights unless told otherwise, and few read them.
        weights = original_layer(*arguments, **options)[1] if options.get("need_weights", True) \
            else None
        return result, weights

    functional.scaled_dot_product_attention = replacement
    functional.multi_head_attention_forward = layer
    # What nn.MultiheadAttention and layers of it compute in one operation where nobody learns.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = original
        functional.multi_head_attention_forward = original_layer
        torch.backends.mha.set_fastpath_enabled(fast)
