# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the key and value buffers hold (docs/machine.md, "What a buffer holds").
"""

from __future__ import annotations

import dataclasses
from typing import Optional, Tuple

import numpy as np

@dataclasses.dataclass
class Fetched:
    """What a `fetch` finds of a list, and does with the rest."""

    there: np.ndarray  #: tokens that were on chip
    stay: np.ndarray  #: tokens that it brings, and that stay
    leave: np.ndarray  #: tokens that do not stay
    waits_for_room: bool


class TokenBuffer:
    """Key or value buffers of all CORELETs ("What a buffer holds")."""

    def __init__(self, capacity: int, corelets: int, keys: int, residency: str):
        self.capacity, self.corelets, self.residency = capacity, corelets, residency
        self.held = np.zeros(keys, bool)
        self.key_head: Optional[Tuple[int, int]] = None

    def _counts(self, tokens: np.ndarray) -> np.ndarray:
        return np.bincount(tokens % self.corelets, minlength=self.corelets)

    def fetch(self, tokens: np.ndarray, key_head: Tuple[int, int]) -> Fetched:
        """Takes an ascending list of tokens through the buffer."""
        before = self._counts(np.flatnonzero(self.held))
        if key_head != self.key_head:
            self.held[:] = False
            self.key_head = key_head
        there = self.held[tokens]
        others = tokens[~there]
        if self.residency == "previous_query":
            self.held[:] = False
            self.held[tokens[there]] = True
        free = self.capacity - self._counts(np.flatnonzero(self.held))
        stays = np.zeros(len(others), bool)
        for corelet in range(self.corelets):
            stays[np.flatnonzero(others % self.corelets == corelet)[:free[corelet]]] = True
        stay = others[stays]
        self.held[stay] = True
        waits = (before + self._counts(stay) > self.capacity).any()
        return Fetched(tokens[there], stay, others[~stays], bool(waits))
