# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention that drops scores below a threshold, in PyTorch, in the place of
scaled_dot_product_attention.

Scores here are exact; the machine compares those of 4-bit codes (docs/numerics.md, section 4).
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Dict, Iterator, List, Optional, Sequence

import torch

from ..export.errors import ExportError
from ..reference import MASKING_BIAS
from ..sdpa import replaced_attention

#: Scores of masked keys; far below all others, and finite, so that no gradient becomes NaN.
_MASKED = -1e30


@dataclasses.dataclass
class Selection:
    """What an attention drops by."""

    #: `[heads]`, in logits.
    threshold: torch.Tensor
    #: Added to all keys of a head before they are scored, `[key heads, channels]`.
    key_offset: torch.Tensor


@dataclasses.dataclass
class Attention:
    """One attention of a run, before its softmax."""

    #: `[batch, heads, queries, channels]`.
    query: torch.Tensor
    #: `[batch, key heads, keys, channels]`.
    key: torch.Tensor
    scale: float
    #: In logits, with biases, `[batch, heads, queries, keys]`.
    scores: torch.Tensor
    #: Of the shape of `scores`.
    allowed: torch.Tensor

    def offset_scores(self, selection: Selection) -> torch.Tensor:
        """The scores with the offset added to the keys: all of a query's change by the same."""
        offset = _repeat_heads(selection.key_offset[None, :, :, None], self.query.shape[1])
        return self.scores + self.scale * (self.query @ offset)

    def bounds(self, selection: Selection, scores: torch.Tensor) -> torch.Tensor:
        """What each row is compared with: its head's threshold, or its best score where that is
        lower, because a row that would keep nothing lowers its threshold. `[batch, heads, queries,
        1]`."""
        best = scores.masked_fill(~self.allowed, _MASKED).amax(-1, keepdim=True)
        return torch.minimum(selection.threshold.view(1, -1, 1, 1), best)


class Pruning:
    """What happens to the scores of each attention. The base class drops none."""

    def logits(self, index: int, attention: Attention) -> torch.Tensor:
        """The logits that the softmax takes, for the attention that runs as number `index`."""
        del index
        return attention.scores


@dataclasses.dataclass
class HardPruning(Pruning):
    """Drops what is below a threshold, as the machine does, and counts."""

    selections: Sequence[Selection]
    kept: int = 0
    allowed: int = 0

    def logits(self, index: int, attention: Attention) -> torch.Tensor:
        selection = self.selections[index]
        scores = attention.offset_scores(selection)
        keeps = (scores >= attention.bounds(selection, scores)) & attention.allowed
        self.kept += int(keeps.sum())
        self.allowed += int(attention.allowed.sum())
        return scores.masked_fill(~keeps, _MASKED)


@dataclasses.dataclass
class SoftPruning(Pruning):
    """Weighs each key by a sigmoid of its score's distance to the threshold, so that the result
    has a gradient with respect to the selections.
    """

    selections: Sequence[Selection]
    #: Slope of the sigmoid, in 1 / logit.
    slope: float
    #: The sum of the weights, differentiable.
    kept: torch.Tensor = dataclasses.field(default_factory=lambda: torch.zeros(()))
    allowed: int = 0

    def logits(self, index: int, attention: Attention) -> torch.Tensor:
        selection = self.selections[index]
        scores = attention.offset_scores(selection)
        distance = self.slope * (scores - attention.bounds(selection, scores))
        self.kept = self.kept + (torch.sigmoid(distance) * attention.allowed).sum()
        self.allowed += int(attention.allowed.sum())
        return scores + torch.nn.functional.logsigmoid(distance)


@dataclasses.dataclass
class Moments(Pruning):
    """Gathers how scores and keys are distributed; drops nothing.

    By number of the attention.
    """

    #: Of each head's allowed scores number, sum and sum of squares, `[heads, 3]`.
    scores: Dict[int, torch.Tensor] = dataclasses.field(default_factory=dict)
    #: Of each head's keys the number of elements and their sum of squares, `[key heads, 2]`.
    keys: Dict[int, torch.Tensor] = dataclasses.field(default_factory=dict)
    #: Channels of each key.
    channels: Dict[int, int] = dataclasses.field(default_factory=dict)

    def logits(self, index: int, attention: Attention) -> torch.Tensor:
        allowed = attention.allowed
        values = torch.where(allowed, attention.scores, 0.0).double()
        scores = torch.stack([allowed.sum((0, 2, 3)).double(), values.sum((0, 2, 3)),
                              values.square().sum((0, 2, 3))], dim=-1)
        squares = attention.key.double().square().sum((0, 2, 3))
        numbers = torch.full_like(squares, attention.key[:, 0].numel())
        keys = torch.stack([numbers, squares], dim=-1)
        # Other numbers of heads are refused when the run has ended.
        if index not in self.scores or self.scores[index].shape == scores.shape:
            self.scores[index] = self.scores.get(index, 0) + scores
            self.keys[index] = self.keys.get(index, 0) + keys
            self.channels[index] = attention.key.shape[-1]
        return attention.scores

    def allowed(self) -> int:
        """The number of allowed scores of all heads."""
        return sum(int(sums[:, 0].sum()) for sums in self.scores.values())

    def means(self) -> List[torch.Tensor]:
        """Of the scores, `[heads]` for each attention."""
        return [(sums[:, 1] / sums[:, 0].clamp(min=1)).float() for sums in self.scores.values()]

    def deviations(self) -> List[torch.Tensor]:
        """Of the scores, `[heads]` for each attention; 1 where all scores of a head are equal."""
        squares = [sums[:, 2] / sums[:, 0].clamp(min=1) for sums in self.scores.values()]
        variances = [(square - mean.double().square()).clamp(min=0)
                     for square, mean in zip(squares, self.means())]
        return [torch.where(variance > 0, variance, 1.0).sqrt().float() for variance in variances]

    def key_norms(self) -> List[torch.Tensor]:
        """Root mean square of the keys' elements, `[key heads]` for each attention."""
        return [(sums[:, 1] / sums[:, 0].clamp(min=1)).sqrt().float()
                for sums in self.keys.values()]


def _repeat_heads(tensor: torch.Tensor, heads: int) -> torch.Tensor:
    return tensor.repeat_interleave(heads // tensor.shape[1], dim=1)


def _score(query: torch.Tensor, key: torch.Tensor, mask: Optional[torch.Tensor], is_causal: bool,
           scale: float) -> Attention:
    scores = scale * (query @ _repeat_heads(key, query.shape[1]).transpose(-1, -2))
    allowed = torch.ones_like(scores, dtype=torch.bool)
    if is_causal:
        allowed = allowed.tril()
    if mask is not None and mask.dtype == torch.bool:
        allowed = allowed & mask
    elif mask is not None:
        allowed = allowed & (mask > MASKING_BIAS)
        scores = scores + mask.float().clamp(min=MASKING_BIAS)
    return Attention(query, key, scale, scores, allowed)


@contextlib.contextmanager
def prune(pruning: Pruning) -> Iterator[List[int]]:
    """While it is open, scaled_dot_product_attention drops what `pruning` says, attention 0 first.
    Yields a list that grows by the number of heads of each attention that runs.
    """
    heads: List[int] = []

    def attend(original, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
               attn_mask: Optional[torch.Tensor] = None, dropout_p: float = 0.0,
               is_causal: bool = False, scale: Optional[float] = None,
               enable_gqa: bool = False) -> torch.Tensor:
        del original, enable_gqa, dropout_p  # Models are in evaluation mode.
        if query.ndim != 4:
            raise ExportError("expected attentions of [batch, heads, tokens, channels], got "
                              f"{query.ndim} dimensions")
        scale = query.shape[-1] ** -0.5 if scale is None else scale
        # Logits of masked keys are beyond what f16 holds.
        attention = _score(query.float(), key.float(), attn_mask, is_causal, scale)
        heads.append(query.shape[1])
        logits = pruning.logits(len(heads) - 1, attention)
        probabilities = logits.masked_fill(~attention.allowed, _MASKED).softmax(-1)
        # A row without any allowed key yields zero.
        values = _repeat_heads(value, query.shape[1]).float()
        return ((probabilities * attention.allowed) @ values).to(value.dtype)

    with replaced_attention(attend):
        yield heads
