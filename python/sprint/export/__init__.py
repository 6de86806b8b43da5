# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models as the linalg on tensors that sprint-run takes: of PyTorch and Hugging Face, and in
`producers` of others.

`python -m sprint.export` is the command line. Needs the packages of the optional dependency groups
`export` and `producers`.
"""
