# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The commands of a launch as they run, and what they count (docs/reference/statistics.md).
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .machine import Machine
from .program import PARAMETERS, Command, Program
from .residency import TokenBuffer

#: Units of the machine, in the order in which the memory serves those of the same time ("Parts").
UNITS = ("write", "select", "key_fetch", "value_fetch", "qk", "softmax", "v")
#: Components of the energy, and which energy of the machine each counts.
COMPONENTS = {"reram_write": "reram_write", "reram_read": "reram_read", "in_memory": "in_memory",
              "sram_write": "sram_write", "sram_read": "sram_read", "qk_pu": "qk",
              "softmax": "softmax", "v_pu": "v"}
#: Bytes of a burst, and of what one column's address brings.
BURST = 64
#: Bits of a code, of the code of a bias and of a segment.
CODE_BITS, BIAS_BITS, SEGMENT_BITS = 8, 32, 32

@dataclasses.dataclass
class Launch:
    """What a launch brings that time and energy depend on."""

    kept: np.ndarray  #: bool `[B * H, Sq, Sk]`
    retries: np.ndarray  #: integers `[B * H, Sq]`
    #: Launch parameters that the program leaves open, such as `past` of a cache; queries and keys
    #: follow from `kept`.
    sizes: Dict[str, int] = dataclasses.field(default_factory=dict)
    mask_rows: int = 0  #: rows of the mask for each head: 1 or Sq
    bias_rows: int = 0  #: rows of the bias for each head: 1 or Sq

    def parameters(self, program: Program) -> Dict[str, int]:
        """All launch parameters."""
        given = {"queries": self.kept.shape[1], "keys": self.kept.shape[2], "past": 0, **self.sizes}
        return {name: given[name] if number is None else number
                for name, number in {**dict.fromkeys(PARAMETERS), **program.parameters}.items()}


@dataclasses.dataclass
class Row:
    """A row's list."""

    tokens: np.ndarray  #: kept keys, ascending
    n: int  #: keys on the CORELET that has most of them
    passes: int  #: 2 where they are more than the score buffer holds
    #: Values that are left to the V-PU
    left: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, int))
    ended: Dict[str, int] = dataclasses.field(default_factory=dict)  #: of `score`, `accumulate`


class Times(NamedTuple):
    """Times of a command, in ticks; `taken` and `complete` are of what it puts."""

    free: int  #: when its unit is free
    end: int
    taken: int = 0  #: from when on its lists can be taken
    complete: int = 0  #: when their last token has come
    work: Optional[int] = None  #: that of the event, where the memory decides it


@dataclasses.dataclass
class Request:
    """What a command wants of the memory ("Time", Memory)."""

    kind: str  #: `access` of tokens or of bursts, `latches` or `write`
    bits: int  #: that cross the bus
    bytes: int = 0  #: of an access
    in_bank: Dict[int, int] = dataclasses.field(default_factory=dict)  #: accesses by bank


class Served(NamedTuple):
    """When the memory has done what a request asks for, in ticks."""

    first: int = 0  #: the first token has come
    last: int = 0  #: all have come, or are written


@dataclasses.dataclass
class Event:
    """A command as it runs, without what other units' times decide."""

    name: str
    queue: str = ""  #: of `acquire` and `release`
    request: Optional[Request] = None  #: what it wants of the memory
    takes: Tuple[str, ...] = ()  #: index queues
    puts: Tuple[str, ...] = ()  #: index queues
    room_of: Optional[Tuple[str, Row]] = None  #: whose end a fetch waits for
    row: Optional[Row] = None
    #: Times by the start, by when the lists that it takes are complete, and by the memory's
    times: Callable[[int, int, Served], Times] = lambda start, complete, served: Times(start, start)
    work: int = 0  #: ticks that count for `utilization`


class Walk:
    """Follows the commands of all units and leaves their events, with what they count."""

    def __init__(self, program: Program, machine: Machine, launch: Launch):
        self.program, self.machine, self.launch = program, machine, launch
        self.size = launch.parameters(program)
        self.corelets = machine.structure["corelets"]
        self.ticks = self._unit()
        self.counts = dict.fromkeys(COMPONENTS, 0)  #: what energies are of, by component
        self.fetched_bytes = 0
        self.written_bytes = 0
        # Of the unit that is being followed: lists so far, the last that was handed on, the buffers
        # that it fills; of `select` the row whose query was copied.
        self.lists = 0
        self.handed_on: Optional[Row] = None
        self.buffer: Optional[TokenBuffer] = None
        self.copied = (0, 0)
        expanded = {unit: list(self._expand(program.units.get(unit, []), [])) for unit in UNITS}
        # `list_range` does not name its row. Lists keep their order, and `score` names it.
        self.rows = [self._row(operands) for command, operands in expanded["qk"]
                     if command.name == "score"]
        self.events = {unit: self._events(expanded[unit]) for unit in UNITS}

    # Time.

    def _unit(self) -> int:
        """Ticks of a core cycle."""
        machine = self.machine
        m = machine.memory_cycle
        times = [1 / (8 * machine.bus), 1 / machine.bus, machine.read,
                 *(m * machine.timing[name] for name in
                   ("tRCD", "tRP", "tCAS", "tCWD", "tCCD", "tWP")),
                 m * (machine.timing["tBURST"] + machine.timing["tWP"]) / machine.banks,
                 *(machine.timing[name] for name in
                   ("threshold", "qk_latency", "softmax_latency", "v_latency", "division"))]
        return math.lcm(*(time.denominator for time in times))

    def _time(self, cycles: Fraction) -> int:
        ticks = cycles * self.ticks
        assert ticks.denominator == 1
        return int(ticks)

    def _whole(self, ticks: int) -> int:
        """Rounded up to whole core cycles."""
        return -(-ticks // self.ticks) * self.ticks

    def bus(self, bits: int) -> int:
        """How long these bits take on the bus."""
        return self._time(bits / (8 * self.machine.bus))

    def memory(self, name: str) -> int:
        return self._time(self.machine.timing[name] * self.machine.memory_cycle)

    def written_share(self, bits: int) -> int:
        """What every bank takes for its share of the bursts of a write."""
        timing = self.machine.timing
        bursts = -(-bits // (8 * BURST))
        return self._time(Fraction(bursts, self.machine.banks) * self.machine.memory_cycle *
                          (timing["tBURST"] + timing["tWP"]))

    def access(self, size: int) -> Tuple[int, int, int]:
        """moved, taken and open of an access of so many bytes."""
        def on_channel(count):
            return self.bus(8 * count) * self.machine.structure["channels"]

        columns = -(-size // BURST)
        before = (columns - 1) * max(on_channel(BURST), self.memory("tCCD"))
        rest = on_channel(size - BURST * (columns - 1))
        moved = before + rest
        return (moved, before + max(rest, self.memory("tCCD")),
                self.memory("tRCD") + self.memory("tRP") + moved)

    def _accesses(self, places: Sequence[int], size: int, bits: int) -> Request:
        in_bank: Dict[int, int] = {}
        for place in places:
            bank = int(place) % self.machine.banks
            in_bank[bank] = in_bank.get(bank, 0) + 1
        return Request("access", bits, size, in_bank)

    def _tokens(self, places: Sequence[int], channels: int) -> Request:
        """Reading queries, keys or values of so many channels."""
        size = channels * CODE_BITS // 8
        return self._accesses(places, size, 8 * size * len(places))

    def _cycles(self, name: str) -> int:
        return self._time(self.machine.timing[name])

    # Commands.

    def _expand(self, commands: List[Command],
                counters: List[int]) -> Iterator[Tuple[Command, Dict[str, int]]]:
        """Commands in the order in which the unit runs them, with the numbers of their operands."""
        for command in commands:
            if command.name == "loop":
                trip = command.exprs["trip"](counters, self.size)
                for counter in range(trip):
                    yield from self._expand(command.body, counters + [counter])
            elif command.name != "end_loop":
                yield command, {name: expr(counters, self.size)
                                for name, expr in command.exprs.items()}

    def _row(self, operands: Dict[str, int]) -> Row:
        head = operands["batch"] * self.size["heads"] + operands["head"]
        tokens = np.flatnonzero(self.launch.kept[head, operands["query"]])
        n = int(np.bincount(tokens % self.corelets, minlength=1).max())
        return Row(tokens, n, 2 if n > self.machine.structure["score_buffer"] else 1)

    def _events(self, expanded: List[Tuple[Command, Dict[str, int]]]) -> List[Event]:
        self.lists, self.handed_on, self.buffer = 0, None, None
        return [getattr(self, f"_{command.name}_event")(command, operands)
                for command, operands in expanded]

    def _next_row(self) -> Row:
        self.lists += 1
        return self.rows[self.lists - 1]

    def _plain(self, name: str, cycles: int, puts: Tuple[str, ...] = ()) -> Event:
        """A command that holds its unit until its end, when it hands on complete lists."""
        return Event(name, puts=puts, work=cycles,
                     times=lambda start, complete, served: Times(*[start + cycles] * 4))

    def _served(self, name: str, request: Request, puts: Tuple[str, ...] = ()) -> Event:
        """The same, until the memory has done what it asks for."""
        def times(start, complete, served):
            cycles = self._whole(served.last - start)
            return Times(*[start + cycles] * 4, work=cycles)

        return Event(name, request=request, puts=puts, times=times)

    def _acquire_event(self, command, operands) -> Event:
        return Event("acquire", queue=command.names["queue"])

    def _release_event(self, command, operands) -> Event:
        return Event("release", queue=command.names["queue"])

    def _write_event(self, command, operands) -> Event:
        size, region = self.size, command.names["region"]
        tokens = operands.get("count", size["keys"])
        bits = {
            "query": size["queries"] * size["head_dim"] * CODE_BITS,
            "key": tokens * size["head_dim"] * CODE_BITS,
            "value": tokens * size["value_dim"] * CODE_BITS,
            "key_valid": size["keys"],
            "mask": self.launch.mask_rows * size["keys"],
            "bias": self.launch.bias_rows * size["keys"] * BIAS_BITS,
            "query_segments": size["queries"] * SEGMENT_BITS,
            "key_segments": size["keys"] * SEGMENT_BITS,
        }[region]
        self.counts["reram_write"] += bits
        self.written_bytes += -(-bits // 8)
        return self._served("write", Request("write", bits))

    def _load_query_event(self, command, operands) -> Event:
        bits = self.size["head_dim"] * CODE_BITS
        self.counts["reram_read"] += bits
        self.counts["sram_write"] += bits * self.corelets
        held = self._whole(self.bus(bits))
        return Event("load_query", work=held,
                     request=self._tokens([operands["query"]], self.size["head_dim"]),
                     times=lambda start, complete, served: Times(
                         start + held, start + self._whole(served.last - start)))

    def _fetch_event(self, command, operands) -> Event:
        region = command.names["region"]
        channels = self.size["head_dim" if region == "key" else "value_dim"]
        if self.buffer is None:
            capacity = self.machine.structure[f"{region}_buffer"] // (self.corelets * channels)
            self.buffer = TokenBuffer(capacity, self.corelets, self.size["keys"],
                                      command.names["residency"])
        row = self._next_row()
        key_head = (operands["batch"], operands["head"] // self.size["group"])
        fetched = self.buffer.fetch(row.tokens, key_head)
        reads = fetched.stay
        if region == "key":
            reads = np.concatenate([reads, *[fetched.leave] * row.passes])
        else:
            row.left = fetched.leave
        self._count_read(reads, channels)
        event = Event("fetch", takes=(command.names["from"],), puts=(command.names["to"],),
                      row=row)
        if fetched.waits_for_room:
            # The last list's end is the latest: a PU is free a latency before each end.
            event.room_of = ("score" if region == "key" else "accumulate", self.handed_on)
        self.handed_on = row
        if not len(reads):
            event.work = self.ticks
            event.times = lambda start, complete, served: Times(
                start + self.ticks, start + self.ticks, start, start)
            return event
        event.request = self._tokens(reads, channels)
        event.work = held = self._whole(self.bus(event.request.bits))
        event.times = lambda start, complete, served: Times(
            start + held, start + self._whole(served.last - start),
            start if len(fetched.there) else served.first, served.last)
        return event

    def _count_read(self, tokens: np.ndarray, channels: int) -> None:
        """Counts keys or values that are read from ReRAM."""
        read = len(tokens) * channels
        self.fetched_bytes += read
        self.counts["reram_read"] += read * CODE_BITS
        self.counts["sram_write"] += read * CODE_BITS

    def _copy_query_event(self, command, operands) -> Event:
        self.copied = (operands["batch"] * self.size["heads"] + operands["head"],
                       operands["query"])
        return self._plain("copy_query", self._whole(self.memory("tCAS")))

    def _threshold_event(self, command, operands) -> Event:
        times = 1 + int(self.launch.retries[self.copied])
        self.counts["in_memory"] += times * self.size["head_dim"] * self.size["keys"]
        return self._plain("threshold", self._whole(times * self._cycles("threshold")))

    def _read_pruning_event(self, command, operands) -> Event:
        self.counts["reram_read"] += self.size["keys"]
        event = self._served("read_pruning", Request("latches", self.size["keys"]),
                             (command.names["keys_to"], command.names["values_to"]))
        event.row = self._next_row()
        return event

    def _list_range_event(self, command, operands) -> Event:
        event = self._plain("list_range", self.ticks,
                            puts=(command.names["keys_to"], command.names["values_to"]))
        event.row = self._next_row()
        return event

    def _load_mask_event(self, command, operands) -> Event:
        self.counts["reram_read"] += self.size["keys"]
        return self._plain("load_mask", self._whole(self.memory("tCAS")))

    def _load_segments_event(self, command, operands) -> Event:
        self.counts["reram_read"] += SEGMENT_BITS * (self.size["keys"] + 1)
        return self._plain("load_segments", self._whole(self.memory("tCAS")))

    def _load_bias_event(self, command, operands) -> Event:
        bits = BIAS_BITS * self.size["keys"]
        self.counts["reram_read"] += bits
        self.counts["sram_write"] += bits
        bursts = -(-bits // (8 * BURST))
        return self._served("load_bias", self._accesses(range(bursts), BURST, bits))

    def _turns(self, dim: str) -> int:
        """t: cycles, in ticks, that one key or value takes in a PU."""
        return -(-self.size[dim] // self.machine.structure["multipliers"]) * self.ticks

    def _score_event(self, command, operands) -> Event:
        row = self._next_row()
        scores = len(row.tokens) * row.passes
        dim = self.size["head_dim"]
        key_bits = dim * CODE_BITS + (BIAS_BITS if "bias" in self.program.inputs else 0)
        self.counts["sram_read"] += scores * key_bits + dim * CODE_BITS * self.corelets
        self.counts["qk_pu"] += scores * dim
        t, latency = self._turns("head_dim"), self._cycles("qk_latency")
        shortest = self._whole(latency + row.passes * row.n * t)

        def times(start, complete, served):
            cycles = shortest
            if row.n:
                cycles = max(cycles, self._whole(complete - start + t + latency))
            end = start + cycles
            return Times(end - latency, end, end, end)

        return Event("score", takes=(command.names["from"],), puts=(command.names["to"],), row=row,
                     times=times, work=shortest - latency)

    def _softmax_event(self, command, operands) -> Event:
        row = self._next_row()
        self.counts["softmax"] += len(row.tokens)
        latency = self._cycles("softmax_latency")
        cycles = self._whole(latency + row.n * self.ticks)
        ready = cycles if self.machine.probability_bits else latency
        return Event("softmax", takes=(command.names["from"],), puts=(command.names["to"],),
                     row=row, work=cycles - latency,
                     times=lambda start, complete, served: Times(
                         start + cycles - latency, start + cycles, start + ready, start + cycles))

    def _accumulate_event(self, command, operands) -> Event:
        row = self._next_row()
        dim = self.size["value_dim"]
        self.counts["sram_read"] += len(row.tokens) * dim * CODE_BITS
        self.counts["v_pu"] += len(row.tokens) * dim
        self._count_read(row.left, dim)
        t, latency = self._turns("value_dim"), self._cycles("v_latency")
        def times(start, complete, served):
            longest = row.n * t
            if len(row.left):
                longest = max(longest, t + served.last - start)
            cycles = shortest = self._whole(latency + longest)
            if row.n:
                cycles = max(cycles, self._whole(complete - start + t + latency))
            return Times(start + cycles - latency, start + cycles, work=shortest - latency)

        return Event("accumulate", request=self._tokens(row.left, dim) if len(row.left) else None,
                     takes=(command.names["weights"], command.names["values"]), row=row,
                     times=times)

    def _store_output_event(self, command, operands) -> Event:
        latency = self._cycles("v_latency")
        held = self._whole(self._turns("value_dim") * self._cycles("division") // self.ticks)
        return Event("store_output", work=held,
                     times=lambda start, complete, served: Times(start + held,
                                                                 start + held + latency))
