# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Python side of Sprint: references, written from docs/numerics.md and docs/machine.md, and the
inputs that test them.
"""
