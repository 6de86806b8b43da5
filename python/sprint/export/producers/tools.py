# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The producers' own command line tools."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sysconfig
from typing import Sequence

from ..errors import ExportError, one_line

#: Where Debian's LLVM packages have their tools.
LLVM_TOOLS = "/usr/lib/llvm-22/bin"


def iree_opt() -> str:
    """The path of iree-opt, beside the Python that runs."""
    found = shutil.which("iree-opt", path=os.pathsep.join(
        [sysconfig.get_path("scripts"), os.environ.get("PATH", "")]))
    if found is None:
        raise ExportError("expected iree-opt of the package iree-base-compiler of the dependency "
                          "group export (docs/models.md)")
    return found


def sprint_opt() -> str:
    """The path of sprint-opt: of this source tree, or as it is installed."""
    built = pathlib.Path(__file__).resolve().parents[4] / "build" / "bin"
    search = os.pathsep.join([str(built), os.environ.get("PATH", "")])
    found = shutil.which("sprint-opt", path=search)
    if found is None:
        raise ExportError("expected sprint-opt, which writes bytecode, in build/bin (scripts/build "
                          "sprint-opt) or in PATH; a name that ends in .mlir is of text, which "
                          "needs no tool")
    return found


def mlir_opt() -> str:
    """The path of mlir-opt of MLIR 22."""
    search = os.environ.get("PATH", "")
    found = shutil.which("mlir-opt", path=LLVM_TOOLS) or shutil.which("mlir-opt-22", path=search)
    if found is None:
        raise ExportError("expected mlir-opt-22 of Debian's package mlir-22-tools")
    return found


def run_passes(tool: str, options: Sequence[str], text: str, source: str = "") -> str:
    """What a tool's passes make of a module. Raises ExportError with the tool's first message,
    which is about `source`.
    """
    try:
        done = subprocess.run([tool, *options, "-"], input=text.encode(), capture_output=True,
                              check=False)
    except OSError as error:
        raise ExportError(f"{tool}: {error.strerror}") from error
    if done.returncode:
        raise ExportError(_failure(pathlib.Path(tool).name, done, source))
    return done.stdout.decode()


def _failure(tool: str, done: "subprocess.CompletedProcess[bytes]", source: str) -> str:
    text = done.stderr.decode("utf-8", "replace")
    errors = re.findall(r"^\S*?(?::(\d+):(\d+))?: error: (.*)", text, re.MULTILINE)
    line, column, message = errors[0] if errors else ("", "", f"exit code {done.returncode}")
    place = "".join(f"{part}:" for part in (source, line, column) if source and part)
    # The operation itself follows, in its generic form and of any length.
    operation = re.search(r"failed to legalize operation '([\w.]+)'", message)
    reason = f" cannot lower {operation[1]}" if operation else f": {one_line(Exception(message))}"
    return f"{place} {tool}{reason}".lstrip()
