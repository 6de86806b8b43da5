# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Python side of Sprint: the NumPy reference of docs/numerics.md and the inputs that test it."""
