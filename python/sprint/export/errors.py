# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The one exception that the exporter's callers see."""

from __future__ import annotations

import os
import signal
import sys
from typing import Callable, List, Optional


class ExportError(Exception):
    """A model cannot be exported as asked. The message is one line for the user."""


class Ended(BaseException):
    """A signal came that ends the process."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


#: Longer messages of other packages are cut.
LONGEST_MESSAGE = 200


def one_line(error: BaseException) -> str:
    """The first sentence of an exception, for a message of one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    sentence = lines[0].split(". ")[0].rstrip(".")
    return sentence if len(sentence) <= LONGEST_MESSAGE else sentence[:LONGEST_MESSAGE] + "..."


def exit_code(run: Callable[[Optional[List[str]]], None], arguments: Optional[List[str]]) -> int:
    """Runs a command line; an ExportError becomes one line on stderr and exit code 1. A signal
    ends the process as if nobody had handled it.
    """
    try:
        run(arguments)
    except ExportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (Ended, KeyboardInterrupt) as end:
        number = end.number if isinstance(end, Ended) else signal.SIGINT
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return 0
