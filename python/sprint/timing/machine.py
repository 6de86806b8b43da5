# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Machines, as docs/reference/machine-parameters.md describes them.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
from fractions import Fraction
from typing import Any, Dict, Union

import yaml

from .. import reference

#: Machines that are built in.
ARCH = pathlib.Path(__file__).resolve().parents[3] / "runtime" / "arch"

@dataclasses.dataclass
class Machine:
    """Numbers of a machine by section (machine-parameters.md), exact and in the page's units."""

    structure: Dict[str, int]
    timing: Dict[str, Fraction]
    energy: Dict[str, Fraction]
    low_energy: Dict[str, Fraction]
    high_energy: Dict[str, Fraction]
    probability_bits: int

    @property
    def memory_cycle(self) -> Fraction:
        """m: core cycles for one memory cycle."""
        return self.timing["clock"] / self.timing["memory_clock"]

    @property
    def bus(self) -> Fraction:
        """Bytes a core cycle over all channels."""
        return (self.timing["bus"] / 8 * self.timing["transfers_per_memory_cycle"] /
                self.memory_cycle * self.structure["channels"])

    @property
    def read(self) -> Fraction:
        """Core cycles from a read's start to its first data."""
        return (self.timing["tRCD"] + self.timing["tCAS"]) * self.memory_cycle

    @property
    def banks(self) -> int:
        """Banks of all channels."""
        return self.structure["channels"] * self.structure["banks_per_channel"]


def _thousandths(number: Fraction) -> Fraction:
    """Rounded to thousandths, in which clocks, timings and the bus's numbers count."""
    return Fraction(math.floor(number * 1000 + Fraction(1, 2)), 1000)


def _section(document: Dict[str, Any], name: str, part: str = "value") -> Dict[str, str]:
    """The entries of a section, each as `X` or `{value: X, ...}`, with what they have as X, or as
    another part where they have one."""
    section = document.get(name, {})
    if isinstance(section, str):  # the name of preset widths
        return {}
    return {key: entry.get(part, entry["value"]) if isinstance(entry, dict) else entry
            for key, entry in section.items()}


def load_machine(arch: Union[str, pathlib.Path]) -> Machine:
    """The machine of a name of runtime/arch, or of a file, which may have a `base`."""
    path = ARCH / f"{arch}.yaml"
    if not path.exists():
        path = pathlib.Path(arch)
    # Numbers as they are written, not as floats.
    document = yaml.load(path.read_text(), yaml.BaseLoader)
    if "base" in document:
        nearby = path.parent / f"{document['base']}.yaml"
        machine = load_machine(nearby if nearby.exists() else document["base"])
    else:
        machine = Machine({}, {}, {}, {}, {}, 0)
    machine.structure.update((name, int(Fraction(number)))
                             for name, number in _section(document, "structure").items())
    machine.timing.update((name, _thousandths(Fraction(number)))
                          for name, number in _section(document, "timing").items())
    for part, energies in (("value", machine.energy), ("low", machine.low_energy),
                           ("high", machine.high_energy)):
        energies.update((name, Fraction(number))
                        for name, number in _section(document, "energy", part).items())
    presets = {"default": reference.Widths.default(), "paper": reference.Widths.paper()}
    if document.get("widths") in ("default", "paper"):
        machine.probability_bits = presets[document["widths"]].probability_bits
    if "probability_bits" in _section(document, "widths"):
        machine.probability_bits = int(document["widths"]["probability_bits"])
    return machine
