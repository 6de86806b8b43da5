# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""When everything in a launch happens, and what it costs: docs/machine.md in Python.

Written from that page alone (with docs/reference/commands.md, statistics.md and
machine-parameters.md), so that it can arbitrate between the page and the simulator. It knows no
values: of every row it is told which keys are kept and how often the threshold was lowered, as
`reference.launch` says.

    program, = parse_programs(text)  # what sprint-translate --stream-to-sprint-isa prints
    statistics = run(program, load_machine("s"), Launch(kept=..., retries=..., sizes=...))

Times are exact: integers inside, in a unit that all times of the launch are multiples of, and
fractions of core cycles outside. Energies are fractions of picojoules.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
import re
from collections import deque
from fractions import Fraction
from typing import (Callable, Deque, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple,
                    Union)

import numpy as np

from . import reference

#: Units of the machine, in the order in which the memory serves those of the same time ("Parts").
UNITS = ("write", "select", "key_fetch", "value_fetch", "qk", "softmax", "v")
#: Components of the energy (statistics.md), and which energy of the machine each counts.
COMPONENTS = {"reram_write": "reram_write", "reram_read": "reram_read", "in_memory": "in_memory",
              "sram_write": "sram_write", "sram_read": "sram_read", "qk_pu": "qk",
              "softmax": "softmax", "v_pu": "v"}
#: Launch parameters (commands.md).
PARAMETERS = ("batches", "heads", "queries", "keys", "head_dim", "value_dim", "group", "past")
#: Bytes of a burst, and of what one column's address brings.
BURST = 64
#: Bits of a code, of the code of a bias and of a segment.
CODE_BITS, BIAS_BITS, SEGMENT_BITS = 8, 32, 32
#: Machines that are built in.
ARCH = pathlib.Path(__file__).resolve().parents[2] / "runtime" / "arch"


# Machines ----------------------------------------------------------------------------------------


@dataclasses.dataclass
class Machine:
    """Numbers of a machine by section (machine-parameters.md), exact and in the page's units."""

    structure: Dict[str, int]
    timing: Dict[str, Fraction]
    energy: Dict[str, Fraction]
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


def _parse_machine(path: pathlib.Path) -> Tuple[Dict[str, str], Dict[str, Dict[str, str]]]:
    """Words of the top level, and of each section; of entries `{value: X, ...}` the value."""
    words: Dict[str, str] = {}
    sections: Dict[str, Dict[str, str]] = {}
    section = ""
    for line in path.read_text().splitlines():
        match = re.match(r"( *)(\w+):\s*([^#]*)", line)
        if not match:
            continue
        indent, name, rest = match.groups()
        rest = rest.strip()
        if not indent:
            section = name
            sections.setdefault(name, {})
            if rest.startswith("{"):
                sections[name].update(re.findall(r"(\w+):\s*([^,{}\s]+)", rest))
            elif rest:
                words[name] = rest.strip("\"'")
        else:
            value = re.match(r"\{\s*value:\s*([^,}\s]+)", rest)
            sections[section][name] = value.group(1) if value else rest
    return words, sections


def _thousandths(number: Fraction) -> Fraction:
    """Rounded to thousandths, in which clocks, timings and the bus's numbers count."""
    return Fraction(math.floor(number * 1000 + Fraction(1, 2)), 1000)


def load_machine(arch: Union[str, pathlib.Path]) -> Machine:
    """The machine of a name of runtime/arch, or of a file, which may have a `base`."""
    path = ARCH / f"{arch}.yaml"
    if not path.exists():
        path = pathlib.Path(arch)
    words, sections = _parse_machine(path)
    if "base" in words:
        nearby = path.parent / f"{words['base']}.yaml"
        machine = load_machine(nearby if nearby.exists() else words["base"])
    else:
        machine = Machine({}, {}, {}, 0)
    machine.structure.update((name, int(Fraction(number)))
                             for name, number in sections.get("structure", {}).items())
    machine.timing.update((name, _thousandths(Fraction(number)))
                          for name, number in sections.get("timing", {}).items())
    machine.energy.update((name, Fraction(number))
                          for name, number in sections.get("energy", {}).items())
    presets = {"default": reference.Widths.default(), "paper": reference.Widths.paper()}
    if words.get("widths") in presets:
        machine.probability_bits = presets[words["widths"]].probability_bits
    if "probability_bits" in sections.get("widths", {}):
        machine.probability_bits = int(sections["widths"]["probability_bits"])
    return machine


# Programs ----------------------------------------------------------------------------------------

#: An expression, compiled to a function of the counters and the launch parameters.
Expr = Callable[[Sequence[int], Dict[str, int]], int]


class _ExprParser:
    """Expressions of stream.md as Python's."""

    TOKEN = re.compile(r"\s*(-?\d+(?![\w])|\w+|[-+*(),])")

    def __init__(self, text: str):
        self.tokens = []
        position = 0
        while position < len(text):
            match = self.TOKEN.match(text, position)
            if not match:
                raise ValueError(f"expected an expression, got {text!r}")
            token = match.group(1)
            # A minus behind an operand subtracts.
            if token[0] == "-" and len(token) > 1 and self.tokens and (
                    self.tokens[-1] == ")" or self.tokens[-1].isalnum()):
                self.tokens.append("-")
                token = token[1:]
            self.tokens.append(token)
            position = match.end()
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or expected and token != expected:
            raise ValueError(f"expected {expected or 'an operand'}, got {token!r}")
        self.position += 1
        return token

    def sum(self) -> str:
        text = self.product()
        while self.peek() in ("+", "-"):
            text = f"({text} {self.take()} {self.product()})"
        return text

    def product(self) -> str:
        text = self.operand()
        while self.peek() in ("*", "floordiv", "ceildiv", "mod"):
            operator = self.take()
            other = self.operand()
            text = {"*": f"({text} * {other})", "floordiv": f"({text} // {other})",
                    "ceildiv": f"(-(-{text} // {other}))", "mod": f"({text} % {other})"}[operator]
        return text

    def operand(self) -> str:
        token = self.take()
        if token == "-":
            return f"(-{self.operand()})"
        if token == "(":
            text = self.sum()
            self.take(")")
            return f"({text})"
        if token in ("min", "max"):
            self.take("(")
            operands = [self.sum()]
            while self.peek() == ",":
                self.take()
                operands.append(self.sum())
            self.take(")")
            return f"{token}({', '.join(operands)})"
        if re.fullmatch(r"i\d+", token):
            return f"counters[{token[1:]}]"
        if token in PARAMETERS:
            return f"parameters['{token}']"
        return str(int(token))


def parse_expr(text: str) -> Expr:
    """An expression as it is printed, such as `min(i1 + 1, keys)`."""
    parser = _ExprParser(text)
    code = parser.sum()
    if parser.peek():
        raise ValueError(f"expected the end of {text!r}, got {parser.peek()!r}")
    # Nothing but numbers, names above and operators came through the parser.
    return eval(f"lambda counters, parameters: {code}", {"min": min, "max": max})


@dataclasses.dataclass
class Command:
    """A command with its operands; of a loop, its trip count and its body."""

    name: str
    exprs: Dict[str, Expr]
    names: Dict[str, str]  #: queues and enumerants
    body: List["Command"] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Program:
    """A program of a command stream."""

    name: str
    parameters: Dict[str, Optional[int]]  #: None where the launch brings it
    inputs: Tuple[str, ...]  #: optional tensors
    credits: Dict[str, int]  #: of counting queues
    units: Dict[str, List[Command]]


_EXPR_OPERANDS = {"trip", "batch", "head", "query", "first", "last", "count"}
_SYMBOL = r'@("[^"]*"|[\w.$-]+)'


def _operands(text: str) -> List[Tuple[str, str]]:
    """Pairs of `name(text)`."""
    pairs, position = [], 0
    while match := re.compile(r"\s*(\w+)\(").match(text, position):
        depth, end = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        pairs.append((match.group(1), text[match.end():end - 1]))
        position = end
    return pairs


def _command(text: str) -> Command:
    name, _, rest = text.partition(" ")
    command = Command(name, {}, {})
    for operand, value in _operands(rest):
        if operand in _EXPR_OPERANDS:
            command.exprs[operand] = parse_expr(value)
        else:
            command.names[operand] = value.strip().lstrip("@").strip('"')
    return command


def parse_programs(text: str) -> List[Program]:
    """The programs of what `sprint-translate --stream-to-sprint-isa` prints."""
    programs: List[Program] = []
    bodies: List[List[Command]] = []
    for line in text.splitlines():
        line = line.strip()
        if line == "}":
            if bodies:
                bodies.pop()
            continue
        if not line.startswith("sprint_isa."):
            continue
        line = line[len("sprint_isa."):]
        if line.startswith("program "):
            numbers = dict(re.findall(r"(\w+) = ([-\d]+|\?)",
                                      re.search(r"parameters\(([^)]*)\)", line).group(1)))
            inputs = re.search(r" inputs\(([^)]*)\)", line)
            programs.append(Program(
                re.search(_SYMBOL, line).group(1).strip('"'),
                {name: None if number == "?" else int(number) for name, number in numbers.items()},
                tuple(inputs.group(1).split(", ")) if inputs else (), {}, {}))
        elif line.startswith("counting_queue "):
            name, count = re.search(_SYMBOL + r" credits\((\d+)\)", line).groups()
            programs[-1].credits[name.strip('"')] = int(count)
        elif line.startswith("unit "):
            bodies.append(programs[-1].units.setdefault(line.split()[1], []))
        elif not line.startswith("index_queue "):
            command = _command(line.rstrip("{ "))
            bodies[-1].append(command)
            if command.name == "loop":
                bodies.append(command.body)
    return programs


# Launches ----------------------------------------------------------------------------------------


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
class Statistics:
    """Statistics of a launch (statistics.md), exact."""

    cycles: Fraction  #: core cycles
    cycles_resident: Fraction  #: core cycles
    utilization: Dict[str, Fraction]  #: of `bus` and the units, fraction of cycles
    energy_pj: Dict[str, Fraction]  #: of each component and `total`, pJ
    fetched_bytes: int
    written_bytes: int


# What a buffer holds -----------------------------------------------------------------------------


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


@dataclasses.dataclass
class Row:
    """A row's list."""

    tokens: np.ndarray  #: kept keys, ascending
    n: int  #: keys on the CORELET that has most of them
    passes: int  #: 2 where they are more than the score buffer holds
    #: Values that are left to the V-PU
    left: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, int))
    ended: Dict[str, int] = dataclasses.field(default_factory=dict)  #: of `score`, `accumulate`


# Events ------------------------------------------------------------------------------------------


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


class _Walk:
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


# Time --------------------------------------------------------------------------------------------


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

    def __init__(self, walk: _Walk):
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

    def __init__(self, walk: _Walk, resident: bool):
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
    walk = _Walk(program, machine, launch)
    resident = _Timing(walk, resident=True).run()
    timing = _Timing(walk, resident=False)
    ticks = timing.run()
    utilization = {"bus": Fraction(timing.bus_work, ticks),
                   **{unit: Fraction(timing.work[unit], ticks) for unit in UNITS}}
    energy = {component: walk.counts[component] * machine.energy[name]
              for component, name in COMPONENTS.items()}
    return Statistics(Fraction(ticks, walk.ticks), Fraction(resident, walk.ticks), utilization,
                      {"total": sum(energy.values()), **energy}, walk.fetched_bytes,
                      walk.written_bytes)


def total(launches: Sequence[Statistics]) -> Statistics:
    """Statistics of several launches, one after another."""
    cycles = sum(launch.cycles for launch in launches)
    return Statistics(
        cycles, sum(launch.cycles_resident for launch in launches),
        {name: sum(launch.utilization[name] * launch.cycles for launch in launches) / cycles
         for name in ("bus", *UNITS)},
        {name: sum(launch.energy_pj[name] for launch in launches)
         for name in ("total", *COMPONENTS)},
        sum(launch.fetched_bytes for launch in launches),
        sum(launch.written_bytes for launch in launches))
