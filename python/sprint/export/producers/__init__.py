# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of other producers of linalg than torch.export: JAX, ONNX, and files of MLIR.

Each module makes a Program of one of them, by the producer's own tools; `choice` says which.
"""
