# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Thresholds by gradient descent: the results of a model change as little as can be while a given
fraction of all its scores is dropped.

The model computes what it did. Unlike a fraction or a mass for each head, this weighs the heads by
what they matter to the results.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import Iterator, List, Sequence, Tuple

import torch

from ..export.errors import ExportError
from .attention import HardPruning, Moments, Pruning, Selection, SoftPruning, prune

#: Inputs of one step.
BATCH = 16
#: First step of a threshold, in standard deviations of its head's scores; it falls to zero.
LEARNING_RATE = 0.05
#: The same of key offsets, in root mean squares of their head's keys.
KEY_OFFSET_LEARNING_RATE = 0.03
#: Slope of the soft threshold, in 1 / logit: from the first step to the last.
SLOPES = (4.0, 12.0)
#: The pruned fraction comes as near as this to the one asked for, if a common move of all
#: thresholds, in standard deviations, can do it in that many bisections.
TOLERANCE = 5e-4
LARGEST_MOVE = 1.0
MOST_BISECTIONS = 12
_SMALLEST_NORM = 1e-12


@dataclasses.dataclass
class Measured:
    """What thresholds do to a model on some inputs."""

    #: Dropped part of the allowed scores of all attentions.
    pruned: float
    #: Norm of the results' change by the norm of the results.
    error: float


@dataclasses.dataclass
class Example:
    """Arguments of a model and what it computes of them with every score kept."""

    arguments: Tuple[torch.Tensor, ...]
    results: Tuple[torch.Tensor, ...]

    def error(self, results: Sequence[torch.Tensor]) -> torch.Tensor:
        """Squared norm of the results' change, by that of the results."""
        change = sum((result - expected).float().square().sum()
                     for result, expected in zip(results, self.results))
        norm = sum(float(expected.float().square().sum()) for expected in self.results)
        return change / max(norm, _SMALLEST_NORM)


@dataclasses.dataclass
class Price:
    """Weight of a kept score against the relative change of the error, such that the kept fraction
    comes to a target: a proportional-integral controller.
    """

    target: float
    PROPORTIONAL = 100.0
    INTEGRAL = 5.0
    #: Where the integral part starts.
    price: float = 5.0

    def follow(self, kept: float) -> float:
        """The price after a step that kept this fraction."""
        excess = kept - self.target
        self.price = max(self.price + self.INTEGRAL * excess, 0.0)
        return max(self.price + self.PROPORTIONAL * excess, 0.0)


@dataclasses.dataclass
class RunningMean:
    """A mean that forgets."""

    value: float
    MOMENTUM = 0.8

    def add(self, value: float) -> None:
        self.value = self.MOMENTUM * self.value + (1 - self.MOMENTUM) * value


def _batches(count: int, steps: int, seed: int) -> Iterator[List[int]]:
    """Indices of the inputs of each step; all are used equally often."""
    generator = torch.Generator().manual_seed(seed)
    waiting: List[int] = []
    for _ in range(steps):
        while len(waiting) < min(BATCH, count):
            waiting += torch.randperm(count, generator=generator).tolist()
        yield waiting[:BATCH]
        del waiting[:BATCH]


@dataclasses.dataclass
class _Parameters:
    """What is learned, in units that are alike for all heads."""

    moments: Moments
    #: In standard deviations from the mean of a head's scores, `[heads]` for each attention.
    thresholds: List[torch.Tensor]
    #: In root mean squares of a head's keys, `[key heads, channels]`.
    key_offsets: List[torch.Tensor]

    def selections(self) -> List[Selection]:
        return [Selection(mean + deviation * threshold, norm[:, None] * offset)
                for mean, deviation, norm, threshold, offset in
                zip(self.moments.means(), self.moments.deviations(), self.moments.key_norms(),
                    self.thresholds, self.key_offsets)]


class Learner:
    """Learns thresholds of one model, which takes tensors and returns a tuple of them."""

    def __init__(self, model: torch.nn.Module, inputs: Sequence[Tuple[torch.Tensor, ...]]):
        """Runs the model on all inputs. Raises ExportError where it has no attention."""
        self.model = model
        self.heads: List[int] = []
        moments = Moments()
        self.examples = [Example(arguments, self._run(arguments, moments)) for arguments in inputs]
        self.moments = moments
        #: Allowed scores of an input, in the mean.
        self.mean_allowed = max(moments.allowed() / len(inputs), 1.0)

    def learn(self, prune_rate: float, steps: int, with_key_offsets: bool = False,
              seed: int = 0) -> List[Selection]:
        """For each attention what drops that part of all scores together; without
        `with_key_offsets` these are zero.
        """
        # Where scores are normally distributed, this drops the same of each head.
        position = statistics.NormalDist().inv_cdf(prune_rate)
        parameters = _Parameters(
            self.moments, [torch.full_like(mean, position) for mean in self.moments.means()],
            [torch.zeros(len(norms), channels) for norms, channels
             in zip(self.moments.key_norms(), self.moments.channels.values())])
        self._descend(parameters, prune_rate, steps, with_key_offsets, seed)
        return self._move(parameters, prune_rate).selections()

    def measure(self, selections: Sequence[Selection]) -> Measured:
        """Runs all inputs."""
        pruning = HardPruning(selections)
        errors = [float(example.error(self._run(example.arguments, pruning)))
                  for example in self.examples]
        return Measured(1 - pruning.kept / max(pruning.allowed, 1),
                        math.sqrt(statistics.fmean(errors)))

    def _run(self, arguments: Tuple[torch.Tensor, ...],
             pruning: Pruning) -> Tuple[torch.Tensor, ...]:
        with prune(pruning) as heads, torch.set_grad_enabled(isinstance(pruning, SoftPruning)):
            results = self.model(*arguments)
        if not heads:
            raise ExportError("expected attentions by scaled_dot_product_attention, got none")
        if self.heads and heads != self.heads:
            raise ExportError(f"expected attentions with {self.heads} heads, as with the first "
                              f"input, got {heads}")
        self.heads = heads
        return tuple(result for result in results if result.is_floating_point())

    def _descend(self, parameters: _Parameters, prune_rate: float, steps: int,
                 with_key_offsets: bool, seed: int) -> None:
        """Moves parameters down the gradient of error and price."""
        groups = [{"params": parameters.thresholds, "lr": LEARNING_RATE}]
        if with_key_offsets:
            groups.append({"params": parameters.key_offsets, "lr": KEY_OFFSET_LEARNING_RATE})
        learned = [tensor for group in groups for tensor in group["params"]]
        for tensor in learned:
            tensor.requires_grad_(True)
        optimizer = torch.optim.Adam(groups)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
        price = Price(1 - prune_rate)
        error = RunningMean(self.measure(parameters.selections()).error ** 2)
        kept = RunningMean(1 - prune_rate)
        for step, batch in enumerate(_batches(len(self.examples), steps, seed)):
            slope = SLOPES[0] + (SLOPES[1] - SLOPES[0]) * step / steps
            weight = price.follow(kept.value)
            unit = max(error.value, _SMALLEST_NORM)
            optimizer.zero_grad()
            step_error, step_kept, step_allowed = 0.0, 0.0, 0
            for index in batch:
                example = self.examples[index]
                pruning = SoftPruning(parameters.selections(), slope)
                change = example.error(self._run(example.arguments, pruning))
                # Scores count by number, so that long inputs weigh more.
                (change / unit + weight * pruning.kept / self.mean_allowed).backward()
                step_error += change.item()
                step_kept += pruning.kept.item()
                step_allowed += pruning.allowed
            optimizer.step()
            schedule.step()
            error.add(step_error / len(batch))
            kept.add(step_kept / max(step_allowed, 1))
        for tensor in learned:
            tensor.requires_grad_(False)

    def _move(self, parameters: _Parameters, prune_rate: float) -> _Parameters:
        """Thresholds moved by the same, such that the pruned fraction is the one asked for: soft
        thresholds keep a little more or less than hard ones.
        """
        low, high = -LARGEST_MOVE, LARGEST_MOVE
        moved = parameters
        for _ in range(MOST_BISECTIONS):
            move = (low + high) / 2
            moved = dataclasses.replace(
                parameters, thresholds=[tensor + move for tensor in parameters.thresholds])
            pruned = self.measure(moved.selections()).pruned
            if abs(pruned - prune_rate) <= TOLERANCE:
                break
            low, high = (move, high) if pruned < prune_rate else (low, move)
        return moved
