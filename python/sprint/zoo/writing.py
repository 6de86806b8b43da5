# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes models of the zoo as folders."""

from __future__ import annotations

import json
import pathlib
import shutil
import tempfile
from typing import Any, Dict

from ..export.errors import ExportError
from .entry import Entry


def write(entry: Entry, directory: pathlib.Path) -> Dict[str, Any]:
    """Writes DIRECTORY/NAME with `model.mlir`, inputs, references and `info.json`, replacing what
    is there, and returns the contents of `info.json`: with the key `error` and no other file where
    the export failed.
    """
    info: Dict[str, Any] = {"name": entry.name, "family": entry.family,
                            "attention": entry.attention, "form": entry.form,
                            "dynamic": entry.dynamic, "attentions": entry.attentions}
    target = directory / entry.name
    with tempfile.TemporaryDirectory(prefix=f".{entry.name}.", dir=directory) as temporary:
        folder = pathlib.Path(temporary) / entry.name
        folder.mkdir()
        try:
            info.update(entry.export(folder / "model.mlir", folder))
        except ExportError as error:
            info["error"] = str(error)
        (folder / "info.json").write_text(json.dumps(info, indent=2) + "\n")
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    return info
