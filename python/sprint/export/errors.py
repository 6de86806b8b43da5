# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The one exception that the exporter's callers see."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import traceback
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


#: What Python raises by itself says nothing without its type.
_PYTHONS_OWN = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError)
#: Packages whose own places say nothing of a model.
_MACHINERY = ("torch", "torch_mlir", "huggingface_hub")


def one_line(error: BaseException) -> str:
    """The first sentence of an exception, for a message of one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    # What only introduces the next line.
    if lines[0].endswith(":") and len(lines) > 1:
        lines[0] += f" {lines[1]}"
    sentence = lines[0].split(". ")[0].rstrip(".")
    return sentence if len(sentence) <= LONGEST_MESSAGE else sentence[:LONGEST_MESSAGE] + "..."


def _is_machinery(file: str) -> bool:
    path = pathlib.Path(file)
    if path.is_relative_to(pathlib.Path(__file__).resolve().parents[1]):
        return True
    # Code that torch writes has names such as <eval_with_key>.
    return file.startswith("<") or any(
        path.is_relative_to(pathlib.Path(folder) / package) for package in _MACHINERY
        for folder in sys.path if folder)


def place_of(error: BaseException) -> str:
    """`FILE:LINE` of the code of a model that raised an exception; empty where none did."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((f"{frame.filename}:{frame.lineno}" for frame in reversed(frames)
                 if not _is_machinery(frame.filename)), "")


def raised(error: BaseException) -> str:
    """What a model's own code raised, and where."""
    if isinstance(error, SystemExit):
        message = f"expected it to return, but it ends the process by sys.exit({error.code!r})"
    elif isinstance(error, _PYTHONS_OWN):
        message = f"{type(error).__name__}: {one_line(error)}"
    else:
        message = one_line(error)
    place = place_of(error)
    return f"{message} (at {place})" if place else message


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
