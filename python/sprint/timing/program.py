# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs, from what sprint-translate prints of a command stream (docs/stream.md).
"""

from __future__ import annotations

import dataclasses
import re
from typing import Callable, Dict, List, Optional, Sequence, Tuple

#: Launch parameters (docs/reference/commands.md).
PARAMETERS = ("batches", "heads", "queries", "keys", "head_dim", "value_dim", "group", "past")

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
