# Part of the Sprint project.
"""Which tests can run here."""

import importlib.util
import unittest

from sprint.export import cli

MISSING = [package for module, package in cli.REQUIRED.items()
           if importlib.util.find_spec(module) is None]
needs_torch = unittest.skipIf(MISSING, f"needs the packages {', '.join(MISSING)}, which "
                              "scripts/export-venv installs")
