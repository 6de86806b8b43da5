# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model of an attention, a machine, thresholds and tensors, all but the first with something wrong, into a folder."""

import json
import pathlib
import sys

import numpy as np

TENSOR = "tensor<1x2x4x8xf32>"
folder = pathlib.Path(sys.argv[1])
(folder / "model.mlir").write_text(f"""
func.func @main(%id: tensor<1xi32>, %x: {TENSOR}) -> {TENSOR} {{
  %0 = sprint.attention ins(%x, %x, %x : {TENSOR}, {TENSOR}, {TENSOR}) outs(%x : {TENSOR}) scale(0.5) -> {TENSOR}
  return %0 : {TENSOR}
}}
""")
(folder / "machine.yaml").write_text("base: s\ntiming:\n  qk_latency: 3\n")
(folder / "two.json").write_text(json.dumps({"thresholds": [[0.5], [0.5]]}))
np.save(folder / "ids.npy", np.array([1 << 40]))
np.save(folder / "x.npy", np.zeros((1, 2, 4, 8), np.float32))
np.save(folder / "short.npy", np.zeros((1, 2, 3, 8), np.float32))
