# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which tests can run here."""

import importlib.util
import unittest

from sprint.export import cli
from sprint.export.producers import choice


def missing(producer):
    """The packages that models of a producer need and that are not there."""
    return [package for module, package in choice.PACKAGES[producer].items()
            if importlib.util.find_spec(module.partition(".")[0]) is None]


def needs(producer):
    return unittest.skipIf(missing(producer), f"needs the packages {', '.join(missing(producer))}, "
                           "which scripts/export-venv installs")


MISSING = [package for module, package in cli.REQUIRED.items()
           if importlib.util.find_spec(module) is None]
needs_torch = unittest.skipIf(MISSING, f"needs the packages {', '.join(MISSING)}, which "
                              "scripts/export-venv installs")
