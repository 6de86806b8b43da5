# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How many attentions a model has, counted where torch still names its operations."""

from __future__ import annotations

import torch

#: One node of these is one attention.
_ATTENTIONS = ("scaled_dot_product_attention", "_native_multi_head_attention",
               "_transformer_encoder_layer_fwd")
_CONTRACTIONS = ("matmul", "bmm", "baddbmm", "einsum")
#: What may stand between the probabilities and their product with the values.
_TRANSPARENT = ("dropout", "dropout_", "to", "_to_copy", "type_as", "reshape", "view",
                "_unsafe_view", "expand", "contiguous", "clone", "slice", "unsqueeze", "squeeze",
                "transpose", "permute", "nan_to_num", "masked_fill", "where", "mul", "flatten",
                "unflatten")


def _operation(node: torch.fx.Node) -> str:
    """The name of the ATen operation of a node, such as `softmax`."""
    packet = getattr(node.target, "overloadpacket", None)
    return packet.__name__ if packet is not None else ""


def _feeds_contraction(softmax: torch.fx.Node) -> bool:
    """Whether the probabilities reach a matrix product."""
    waiting, seen = list(softmax.users), set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        name = _operation(node)
        if name in _CONTRACTIONS:
            return True
        if name in _TRANSPARENT:
            waiting.extend(node.users)
    return False


def count_attentions(program: torch.export.ExportedProgram) -> int:
    """The scaled_dot_product_attention calls of an exported program, and the softmaxes that a
    matrix product takes. A softmax that is written out by its formula is not seen.
    """
    count = 0
    for node in program.graph.nodes:
        name = _operation(node)
        if name in _ATTENTIONS:
            count += 1
        elif name in ("softmax", "_softmax", "_safe_softmax") and _feeds_contraction(node):
            count += 1
    return count
