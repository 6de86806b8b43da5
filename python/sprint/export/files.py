# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import pathlib
import tempfile
from typing import TYPE_CHECKING, List, Mapping, Sequence, Tuple

import numpy as np

from .errors import ExportError

if TYPE_CHECKING:
    import torch


class OutputFiles:
    """Files written under temporary names; `commit` gives all of them theirs."""

    def __init__(self) -> None:
        self._written: List[Tuple[str, pathlib.Path]] = []

    def __enter__(self) -> "OutputFiles":
        return self

    def __exit__(self, *_: object) -> None:
        for temporary, _path in self._written:
            os.unlink(temporary)
        self._written.clear()

    def _open(self, path: pathlib.Path):
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        except OSError as error:
            raise ExportError(f"{path}: {error.strerror}") from error
        self._written.append((temporary, path))
        # mkstemp makes files that only their owner can read.
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(handle, 0o666 & ~mask)
        return os.fdopen(handle, "wb")

    def add_text(self, path: pathlib.Path, text: str) -> None:
        with self._open(path) as file:
            file.write(text.encode())

    def add_array(self, path: pathlib.Path, array: np.ndarray) -> None:
        with self._open(path) as file:
            np.save(file, array)

    def add_arrays(self, path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
        """An .npz of named arrays."""
        with self._open(path) as file:
            np.savez(file, **arrays)

    def commit(self) -> None:
        while self._written:
            temporary, path = self._written[0]
            try:
                os.replace(temporary, path)
            except OSError as error:
                raise ExportError(f"{path}: {error.strerror}") from error
            self._written.pop(0)


def add_tensors(files: OutputFiles, directory: pathlib.Path, prefix: str,
                tensors: Sequence[torch.Tensor]) -> None:
    """Adds tensors as `PREFIX0.npy`, `PREFIX1.npy`, and so on."""
    for index, tensor in enumerate(tensors):
        array = tensor.detach().contiguous().numpy()
        files.add_array(directory / f"{prefix}{index}.npy", array)
