# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A decoder with its cache as arguments and results, for sprint.export: one step of a Llama of
small width, with random weights, and as many layers as the environment variable LAYERS says."""

import os
from typing import Tuple

import torch
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

LAYERS = int(os.environ.get("LAYERS", "32"))
#: Tokens in the cache.
PAST = 15
CONFIG = LlamaConfig(vocab_size=128, hidden_size=64, intermediate_size=128, num_attention_heads=4,
                     num_key_value_heads=2, num_hidden_layers=LAYERS, max_position_embeddings=64)


class Step(torch.nn.Module):
    """The next token's logits, then keys and values of each layer with those of the token."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = LlamaForCausalLM(CONFIG)

    def forward(self, input_ids: torch.Tensor, *past: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        cache = DynamicCache()
        for layer in range(LAYERS):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        logits = self.model(input_ids, past_key_values=cache, use_cache=True).logits
        grown = [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]
        return (logits, *grown)


def step() -> Step:
    return Step()


def example() -> Tuple[torch.Tensor, ...]:
    """A token and a cache of random keys and values."""
    generator = torch.Generator().manual_seed(0)
    size = (1, CONFIG.num_key_value_heads, PAST, CONFIG.hidden_size // CONFIG.num_attention_heads)
    return (torch.tensor([[5]]), *(torch.randn(size, generator=generator) for _ in range(2 * LAYERS)))
