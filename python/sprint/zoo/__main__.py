# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`python -m sprint.zoo`: writes the models of the zoo."""

from __future__ import annotations

import fnmatch
import itertools
import pathlib
import sys
from typing import List, Optional

from ..export.cli import Parser, check_packages
from ..export.errors import ExportError, exit_code
from ..export.producers.choice import PRODUCERS


def run(arguments: Optional[List[str]]) -> None:
    """Does what the arguments say. Raises ExportError."""
    parser = Parser(prog="python -m sprint.zoo",
                    description="Writes small models of many families (docs/models.md).")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--output-dir", type=pathlib.Path, metavar="DIR",
                        help="the folder that gets one folder for each model")
    target.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("--only", default="*", metavar="PATTERN",
                        help="the models whose names match this, such as 'bert-*'")
    options = parser.parse_args(arguments)
    for producer in PRODUCERS:
        check_packages(producer)
    # These need the packages.
    from . import families, forms, jax_forms, mlir_forms, onnx_forms
    from .writing import write

    parts = (families, forms, jax_forms, onnx_forms, mlir_forms)
    entries = itertools.chain.from_iterable(part.entries() for part in parts)
    chosen = [entry for entry in entries if fnmatch.fnmatchcase(entry.name, options.only)]
    if not chosen:
        raise ExportError(f"no model of the zoo matches '{options.only}'")
    if options.list:
        print("\n".join(entry.name for entry in chosen))
        return
    try:
        options.output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{options.output_dir}: {error.strerror}") from error
    for entry in chosen:
        info = write(entry, options.output_dir)
        print(f"{entry.name}: {info.get('error', 'written')}", flush=True)


def main(arguments: Optional[List[str]] = None) -> int:
    """The command line; returns the exit code. A model that cannot be exported is no failure."""
    return exit_code(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
