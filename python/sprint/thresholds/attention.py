# Part of the Sprint project.
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

#: Scores of masked keys; far below all others, and finite, so that no gradient becomes NaN.
_MASKED = -1e30


@dataclasses.dataclass
class Scores:
    """The scores of one attention of a run.

    `scores` is `[batch, heads, queries, keys]`, in logits; `allowed` of the same shape.
    """

    scores: torch.Tensor
    allowed: torch.Tensor

    def bounds(self, thresholds: torch.Tensor) -> torch.Tensor:
        """What each row is compared with: its head's threshold, or its best score where that is
        lower, because a row that would keep nothing lowers its threshold. `[batch, heads, queries,
        1]`."""
        best = self.scores.masked_fill(~self.allowed, _MASKED).amax(-1, keepdim=True)
        return torch.minimum(thresholds.view(1, -1, 1, 1), best)


class Pruning:
    """What happens to the scores of each attention. The base class drops none."""

    def logits(self, index: int, scores: Scores) -> torch.Tensor:
        """The logits that the softmax takes, for the attention that runs as number `index`."""
        del index
        return scores.scores


@dataclasses.dataclass
class HardPruning(Pruning):
    """Drops what is below a threshold, as the machine does, and counts."""

    #: `[heads]` for each attention.
    thresholds: Sequence[torch.Tensor]
    kept: int = 0
    allowed: int = 0

    def logits(self, index: int, scores: Scores) -> torch.Tensor:
        keeps = (scores.scores >= scores.bounds(self.thresholds[index])) & scores.allowed
        self.kept += int(keeps.sum())
        self.allowed += int(scores.allowed.sum())
        return scores.scores.masked_fill(~keeps, _MASKED)


@dataclasses.dataclass
class SoftPruning(Pruning):
    """Weighs each key by a sigmoid of its score's distance to the threshold, so that the result
    has a gradient with respect to the thresholds.
    """

    thresholds: Sequence[torch.Tensor]
    #: Slope of the sigmoid, in 1 / logit.
    slope: float
    #: The sum of the weights, differentiable.
    kept: torch.Tensor = dataclasses.field(default_factory=lambda: torch.zeros(()))
    allowed: int = 0

    def logits(self, index: int, scores: Scores) -> torch.Tensor:
        distance = self.slope * (scores.scores - scores.bounds(self.thresholds[index]))
        self.kept = self.kept + (torch.sigmoid(distance) * scores.allowed).sum()
        self.allowed += int(scores.allowed.sum())
        return scores.scores + torch.nn.functional.logsigmoid(distance)


@dataclasses.dataclass
class Moments(Pruning):
    """Gathers number, mean and standard deviation of each head's allowed scores; drops none."""

    #: By number of the attention, `[heads, 3]`: number, sum and sum of squares of the scores.
    sums: Dict[int, torch.Tensor] = dataclasses.field(default_factory=dict)

    def logits(self, index: int, scores: Scores) -> torch.Tensor:
        values = torch.where(scores.allowed, scores.scores, 0.0).double()
        sums = torch.stack([scores.allowed.sum((0, 2, 3)).double(), values.sum((0, 2, 3)),
                            values.square().sum((0, 2, 3))], dim=-1)
        if index not in self.sums or self.sums[index].shape == sums.shape:
            self.sums[index] = self.sums.get(index, 0) + sums
        return scores.scores

    def allowed(self) -> int:
        """The number of allowed scores of all heads."""
        return sum(int(sums[:, 0].sum()) for sums in self.sums.values())

    def means(self) -> List[torch.Tensor]:
        """For each attention `[heads]`."""
        return [(sums[:, 1] / sums[:, 0].clamp(min=1)).float() for sums in self.sums.values()]

    def deviations(self) -> List[torch.Tensor]:
        """For each attention `[heads]`; 1 where all scores of a head are equal."""
        squares = [sums[:, 2] / sums[:, 0].clamp(min=1) for sums in self.sums.values()]
        variances = [(square - mean.double().square()).clamp(min=0)
                     for square, mean in zip(squares, self.means())]
        return [torch.where(variance > 0, variance, 1.0).sqrt().float() for variance in variances]


def _repeat_heads(tensor: torch.Tensor, heads: int) -> torch.Tensor:
    return tensor.repeat_interleave(heads // tensor.shape[1], dim=1)


def _scores(query: torch.Tensor, key: torch.Tensor, mask: Optional[torch.Tensor], is_causal: bool,
            scale: Optional[float]) -> Scores:
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    scores = scale * (query @ key.transpose(-1, -2))
    allowed = torch.ones_like(scores, dtype=torch.bool)
    if is_causal:
        allowed = allowed.tril()
    if mask is not None and mask.dtype == torch.bool:
        allowed = allowed & mask
    elif mask is not None:
        allowed = allowed & (mask > MASKING_BIAS)
        scores = scores + mask.clamp(min=MASKING_BIAS)
    return Scores(scores, allowed)


@contextlib.contextmanager
def prune(pruning: Pruning) -> Iterator[List[int]]:
    """While it is open, scaled_dot_product_attention drops what `pruning` says, attention 0 first.
    Yields a list that grows by the number of heads of each attention that runs.
    """
    heads: List[int] = []

    def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
               attn_mask: Optional[torch.Tensor] = None, dropout_p: float = 0.0,
               is_causal: bool = False, scale: Optional[float] = None,
               enable_gqa: bool = False) -> torch.Tensor:
        del dropout_p  # Models are in evaluation mode.
        if query.ndim != 4:
            raise ExportError("expected attentions of [batch, heads, tokens, channels], got "
                              f"{query.ndim} dimensions")
        if enable_gqa:
            key, value = (_repeat_heads(tensor, query.shape[1]) for tensor in (key, value))
        scores = _scores(query, key, attn_mask, is_causal, scale)
        heads.append(query.shape[1])
        logits = pruning.logits(len(heads) - 1, scores)
        probabilities = logits.masked_fill(~scores.allowed, _MASKED).softmax(-1)
        # A row without any allowed key yields zero.
        return (probabilities * scores.allowed) @ value

    original = torch.nn.functional.scaled_dot_product_attention
    torch.nn.functional.scaled_dot_product_attention = attend
    try:
        yield heads
    finally:
        torch.nn.functional.scaled_dot_product_attention = original
