# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A line that says what is being done, on a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import Iterator, Optional


class Progress:
    """Shows on a terminal which step of a command is under way, and for how long; nothing where
    standard error is no terminal.
    """

    #: Seconds between one line and the next.
    INTERVAL = 1.0

    def __init__(self, name: str) -> None:
        self._name = name
        self._what = ""
        self._begin = 0.0
        self._ended = threading.Event()
        # `quiet` takes standard error away for a while.
        self._terminal: Optional[int] = os.dup(2) if sys.stderr.isatty() else None

    def step(self, what: str) -> None:
        """Says what is being done from now on."""
        self._what, self._begin = what, time.monotonic()
        self._show()

    def _show(self) -> None:
        if self._terminal is not None and self._what:
            seconds = time.monotonic() - self._begin
            with contextlib.suppress(OSError):
                os.write(self._terminal, f"\r\033[K{self._name}: {self._what}, {seconds:.0f} s"
                         .encode())

    def _run(self) -> None:
        while not self._ended.wait(self.INTERVAL):
            self._show()

    def _end(self) -> None:
        """Wipes the line."""
        if self._terminal is not None:
            with contextlib.suppress(OSError):
                os.write(self._terminal, b"\r\033[K")
            os.close(self._terminal)


@contextlib.contextmanager
def progress(name: str) -> Iterator[Progress]:
    """The progress of a command on what `name` names."""
    shown = Progress(name)
    ticking = threading.Thread(target=shown._run, daemon=True)
    if shown._terminal is not None:
        ticking.start()
    try:
        yield shown
    finally:
        shown._ended.set()
        if shown._terminal is not None:
            ticking.join()
        shown._end()
