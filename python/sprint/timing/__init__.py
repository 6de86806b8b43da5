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

from .events import Launch
from .machine import Machine, load_machine
from .program import Program, parse_expr, parse_programs
from .residency import TokenBuffer
from .schedule import Statistics, run, total

__all__ = ["Launch", "Machine", "Program", "Statistics", "TokenBuffer", "load_machine",
           "parse_expr", "parse_programs", "run", "total"]
