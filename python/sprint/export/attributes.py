# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a user names in Python code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from .errors import ExportError, raised


def attribute(spec: str) -> Any:
    """What `module:attribute` names; the current directory is searched too."""
    name, _, path = spec.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        value = importlib.import_module(name)
    except (Exception, SystemExit) as error:  # A module's code may raise anything.
        raise ExportError(f"{spec}: cannot import '{name}': {raised(error)}") from error
    for part in path.split("."):
        if not hasattr(value, part):
            raise ExportError(f"{spec}: '{name}' has no attribute '{path}'")
        value = getattr(value, part)
    return value
