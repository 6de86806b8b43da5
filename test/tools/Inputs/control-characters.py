# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model whose attention has a place with control characters and is too long a head for any machine, into a folder."""

import pathlib
import sys

import numpy as np

TENSOR = "tensor<1x1x2x70000xf32>"
folder = pathlib.Path(sys.argv[1])
(folder / "place.mlir").write_text(rf"""
func.func @main(%x: {TENSOR}) -> {TENSOR} {{
  %0 = sprint.attention ins(%x, %x, %x : {TENSOR}, {TENSOR}, {TENSOR}) outs(%x : {TENSOR}) scale(0.5) -> {TENSOR}
      loc("b\1B[31m"("a\1B[31m.py":7:3))
  return %0 : {TENSOR}
}}
""")
np.save(folder / "x.npy", np.zeros((1, 1, 2, 70000), np.float32))
