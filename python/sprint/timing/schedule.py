# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""When the events of a launch happen (docs/machine.md, "Time"), and its statistics.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from fractions import Fraction
from typing import Deque, Dict, List, Optional, Sequence, Tuple

from .events import COMPONENTS, UNITS, Event, Launch, Request, Served, Walk
from .machine import Machine
from .program import Program

@dataclasses.dataclass
class Statistics:
    """Statistics of a launch (statistics.md), exact."""

    cycles: Fraction  #: core cycles
    cycles_resident: Fraction  #: core cycles
    utilization: Dict[str, Fraction]  #: of `bus` and the units, fraction of cycles
    counts: Dict[str, int]  #: of each component
    energy_pj: Dict[str, Fraction]  #: of each component and `total`, pJ
    energy_low_pj: Dict[str, Fraction]  #: the same at the low end of each energy
    energy_high_pj: Dict[str, Fraction]  #: the same at the high end
    fetched_bytes: int
    written_bytes: int


@dataclasses.dataclass
class _Unit:
    """A unit at one of its commands; times in ticks."""

    name: str
    events: List[Event]
    position: int = 0
    free: int = 0
    ended: int = 0  #: when all its commands so far have ended


class _Memory:
    """Channels and banks ("Time", Memory)."""

    def __init__(self, walk: Walk):
        self.walk = walk
        #: From when on each is free.
        self.channels = [0] * walk.machine.structure["channels"]
        self.banks = [0] * walk.machine.banks

    def serve(self, time: int, request: Request) -> Served:
        """Serves a request that is made at `time`."""
        walk = self.walk
        on_bus = walk.bus(request.bits)
        if request.kind == "latches":
            self.channels = [max(time, free) + on_bus for free in self.channels]
            return Served(0, time + walk.memory("tCAS") + on_bus)
        if request.kind == "write":
            share = walk.written_share(request.bits)
            self.channels = [max(time, free) + on_bus for free in self.channels]
            self.banks = [max(time, free) + share for free in self.banks]
            return Served(0, walk.memory("tCWD") +
                          max(max(self.channels) + walk.memory("tWP"), max(self.banks)))
        moved, taken, opened = walk.access(request.bytes)
        on_channel: Dict[int, int] = {}
        first, last = [], []
        for bank, count in request.in_bank.items():
            channel = bank % len(self.channels)
            on_channel[channel] = on_channel.get(channel, 0) + count
            begin = max(time, self.banks[bank])
            self.banks[bank] = begin + count * opened
            first.append(begin)
            last.append(begin + (count - 1) * opened)
        for channel, count in on_channel.items():
            begin = max(time, self.channels[channel])
            self.channels[channel] = begin + count * taken
            last.append(begin + (count - 1) * taken)
        come = walk.memory("tRCD") + walk.memory("tCAS") + moved
        return Served(min(first) + come, max(last) + come)


class _Timing:
    """Says when the events happen ("Time")."""

    def __init__(self, walk: Walk, resident: bool):
        self.resident = resident
        self.units = [_Unit(unit, walk.events[unit]) for unit in UNITS]
        self.credits: Dict[str, Deque[int]] = {
            queue: deque([0] * count) for queue, count in walk.program.credits.items()}
        #: When lists can be taken, and are complete.
        self.lists: Dict[str, Deque[Tuple[int, int]]] = {}
        self.memory = _Memory(walk)
        self.bus = walk.bus
        self.bus_work = 0
        self.work = dict.fromkeys(UNITS, 0)
        for row in walk.rows:
            row.ended.clear()

    def run(self) -> int:
        """Ticks from the start of the launch to the last command's end."""
        # What needs no memory depends on no order: a queue has one unit at each end.
        while any(unit.position < len(unit.events) for unit in self.units):
            moved = False
            requests = []
            for order, unit in enumerate(self.units):
                while unit.position < len(unit.events):
                    event = unit.events[unit.position]
                    asked = self._ready(unit, event)
                    if asked is None:
                        break
                    if event.request and not (self.resident and event.name == "write"):
                        requests.append((asked, order))
                        break
                    self._start(unit, event, asked)
                    moved = True
            if moved:
                continue
            if not requests:
                raise ValueError("the program stands still")
            asked, order = min(requests)
            unit = self.units[order]
            event = unit.events[unit.position]
            self.bus_work += self.bus(event.request.bits)
            self._start(unit, event, asked, self.memory.serve(asked, event.request))
        return max(unit.ended for unit in self.units)

    def _ready(self, unit: _Unit, event: Event) -> Optional[int]:
        """When all else is there that the event needs; None where that is unknown yet."""
        ready = unit.free
        if event.name == "acquire":
            available = self.credits[event.queue]
            return max(ready, available[0]) if available else None
        for queue in event.takes:
            available = self.lists.get(queue)
            if not available:
                return None
            ready = max(ready, available[0][0])
        if event.room_of:
            name, row = event.room_of
            if name not in row.ended:
                return None
            ready = max(ready, row.ended[name])
        return ready

    def _start(self, unit: _Unit, event: Event, start: int, served: Served = Served()) -> None:
        unit.position += 1
        if event.name == "acquire":
            self.credits[event.queue].popleft()
            unit.free = start
            return
        if event.name == "release":
            self.credits[event.queue].append(max(unit.free, unit.ended))
            return
        if self.resident and event.name == "write":
            unit.ended = max(unit.ended, start)
            return
        complete = max((self.lists[queue].popleft()[1] for queue in event.takes), default=start)
        times = event.times(start, complete, served)
        unit.free = times.free
        unit.ended = max(unit.ended, times.end)
        if event.row is not None:
            event.row.ended[event.name] = times.end
        for queue in event.puts:
            self.lists.setdefault(queue, deque()).append((times.taken, times.complete))
        work = event.work if times.work is None else times.work
        self.work[unit.name] += work


def run(program: Program, machine: Machine, launch: Launch) -> Statistics:
    """Runs a launch of a program on a machine."""
    walk = Walk(program, machine, launch)
    resident = _Timing(walk, resident=True).run()
    timing = _Timing(walk, resident=False)
    ticks = timing.run()
    utilization = {"bus": Fraction(timing.bus_work, ticks),
                   **{unit: Fraction(timing.work[unit], ticks) for unit in UNITS}}

    def energy(each: Dict[str, Fraction]) -> Dict[str, Fraction]:
        energies = {component: walk.counts[component] * each[name]
                    for component, name in COMPONENTS.items()}
        return {"total": sum(energies.values()), **energies}

    return Statistics(Fraction(ticks, walk.ticks), Fraction(resident, walk.ticks), utilization,
                      {component: walk.counts[component] for component in COMPONENTS},
                      energy(machine.energy), energy(machine.low_energy),
                      energy(machine.high_energy), walk.fetched_bytes, walk.written_bytes)


def total(launches: Sequence[Statistics]) -> Statistics:
    """Statistics of several launches, one after another."""
    cycles = sum(launch.cycles for launch in launches)
    return Statistics(
        cycles, sum(launch.cycles_resident for launch in launches),
        {name: sum(launch.utilization[name] * launch.cycles for launch in launches) / cycles
         for name in ("bus", *UNITS)},
        *({name: sum(getattr(launch, group)[name] for launch in launches)
           for name in getattr(launches[0], group)}
          for group in ("counts", "energy_pj", "energy_low_pj", "energy_high_pj")),
        sum(launch.fetched_bytes for launch in launches),
        sum(launch.written_bytes for launch in launches))
