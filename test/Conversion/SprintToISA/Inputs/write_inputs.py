# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the tensors that the launch of other-programs.mlir takes into a folder."""

import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
rng = np.random.default_rng(1)
for name, shape in (("query", (2, 4, 5, 16)), ("key", (2, 2, 7, 16)), ("value", (2, 2, 7, 8)),
                    ("bias", (1, 1, 1, 7))):
    np.save(folder / f"{name}.npy", rng.standard_normal(shape, dtype=np.float32))
np.save(folder / "key_valid.npy", rng.random((2, 7)) < 0.8)
np.save(folder / "mask.npy", rng.random((1, 4, 5, 7)) < 0.7)
