# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model as the file that sprint-run reads: text, or MLIR's bytecode by sprint-opt.

torch-mlir writes bytecode too, but of a newer MLIR than that of sprint-run.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
from typing import TYPE_CHECKING, BinaryIO, Callable, List

from .errors import ExportError, one_line
from .files import OutputFiles, cannot_write
from .producers.tools import sprint_opt

if TYPE_CHECKING:
    from .linalg_module import LinalgModule

#: What the name of a file of bytecode ends in; every other one is of text.
BYTECODE_SUFFIX = ".mlirbc"


def plan_model(files: OutputFiles, path: pathlib.Path) -> None:
    """Refuses, before there is anything to lose, a model that could not be written."""
    files.plan(path)
    if path.suffix == BYTECODE_SUFFIX:
        sprint_opt()


class _Guarded:
    """A file for native code, through which no exception may pass: the first one waits, and what
    comes after it is dropped.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: List[BaseException] = []

    def write(self, data: bytes) -> None:
        if not self._error:
            try:
                self._file.write(data)
            except BaseException as error:  # A signal's as well.
                self._error.append(error)

    def reraise(self) -> None:
        for error in self._error:
            raise error


def _guarded(write: Callable[[BinaryIO], None]) -> Callable[[BinaryIO], None]:
    def write_guarded(file: BinaryIO) -> None:
        guarded = _Guarded(file)
        write(guarded)
        guarded.reraise()

    return write_guarded


def _write(path: pathlib.Path, temporary: pathlib.Path, write: Callable[[BinaryIO], None]) -> None:
    try:
        with open(temporary, "xb") as file:
            write(file)
    except OSError as error:
        raise cannot_write(path, error) from error


def _to_bytecode(path: pathlib.Path, text: pathlib.Path, output: pathlib.Path,
                 *options: str) -> None:
    """Has sprint-opt write bytecode of a text, all in one folder: names in options are bare."""
    try:
        done = subprocess.run([sprint_opt(), text.name, *options, "--emit-bytecode", "-o",
                               output.name], cwd=text.parent, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
    except OSError as error:
        raise ExportError(f"sprint-opt: {error.strerror}") from error
    if done.returncode or not output.exists():
        message = done.stderr.decode("utf-8", "replace")
        found = re.search(r"error: (.*)", message)
        reason = found[1] if found else message.strip() or f"exit code {done.returncode}"
        raise ExportError(f"{path}: sprint-opt: {one_line(Exception(reason))}")


def add_module(files: OutputFiles, path: pathlib.Path, module: "LinalgModule") -> None:
    """Adds a model of torch-mlir."""
    if path.suffix != BYTECODE_SUFFIX:
        files.add(path, _guarded(module.write_text))
        return
    text, weights = files.scratch(path), files.scratch(path)
    _write(path, text, _guarded(module.write_text_without_weights))
    _write(path, weights, module.write_weights)
    files.add_file(path, lambda output: _to_bytecode(
        path, text, output, f"--sprint-attach-weights=file={weights.name}"))


def add_text(files: OutputFiles, path: pathlib.Path, text: str) -> None:
    """Adds a model of another producer."""
    if path.suffix != BYTECODE_SUFFIX:
        files.add_text(path, text)
        return
    temporary = files.scratch(path)
    _write(path, temporary, lambda file: file.write(text.encode()))
    files.add_file(path, lambda output: _to_bytecode(path, temporary, output))
