# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Vectors added to all keys of a head.

The scores of a query all change by the same, its product with the vector, and softmax does not see
that: a model computes what it did. But thresholds do: what a query keeps then depends on it, without
anything in the machine. sprint.thresholds learns the vectors together with the thresholds.
"""

from __future__ import annotations

import pathlib
import zipfile
from typing import List, Optional, Sequence

import numpy as np
import torch

from ..sdpa import replaced_attention
from .errors import ExportError, one_line
from .files import OutputFiles


def add_key_offsets(files: OutputFiles, path: pathlib.Path,
                    offsets: Sequence[torch.Tensor]) -> None:
    """Adds a file of offsets, `[key heads, channels]` for each attention in the order of running."""
    files.add_arrays(path, {str(index): tensor.numpy() for index, tensor in enumerate(offsets)})


def read_key_offsets(path: pathlib.Path) -> List[torch.Tensor]:
    """The offsets of each attention. Raises ExportError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = [file[str(index)] for index in range(len(file.files))]
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError,
            zipfile.BadZipFile) as error:
        raise ExportError(f"{path}: expected key offsets, arrays 0, 1, ... in an .npz, got: "
                          f"{one_line(error)}") from error
    for index, array in enumerate(arrays):
        if array.ndim != 2 or array.dtype != np.float32 or not np.isfinite(array).all():
            raise ExportError(f"{path}: expected [key heads, channels] of finite float32 in array "
                              f"{index}, got {list(array.shape)} of {array.dtype}")
    return [torch.from_numpy(array) for array in arrays]


class WithKeyOffsets(torch.nn.Module):
    """A module with offsets added to the keys of its scaled_dot_product_attention calls, the first
    ones to the first call. Raises ExportError where these do not fit.
    """

    def __init__(self, module: torch.nn.Module, offsets: Sequence[torch.Tensor]):
        super().__init__()
        self.module = module
        self.count = len(offsets)
        for index, tensor in enumerate(offsets):
            self.register_buffer(f"key_offset{index}", tensor)

    def forward(self, *arguments: torch.Tensor):
        calls = 0

        def attend(original, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
                   *rest: object, **options: Optional[object]) -> torch.Tensor:
            nonlocal calls
            offset: Optional[torch.Tensor] = getattr(self, f"key_offset{calls}", None)
            calls += 1
            if offset is None:
                raise ExportError(f"expected key offsets of {self.count} attentions to be enough, "
                                  f"got attention {calls}")
            if key.ndim != 4 or offset.shape != (key.shape[1], key.shape[3]):
                raise ExportError(f"expected key offsets for keys of {list(key.shape)} in "
                                  f"attention {calls - 1}, got {list(offset.shape)}")
            return original(query, key + offset[None, :, None, :].to(key.dtype), value, *rest,
                            **options)

        with replaced_attention(attend):
            results = self.module(*arguments)
        if calls != self.count:
            raise ExportError(f"expected key offsets of {calls} attentions, got {self.count}")
        return results
