# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small models of many families, in every form of attention that torch-mlir and others print.

`python -m sprint.zoo` writes them; scripts/coverage runs them. Their weights are random.
"""
