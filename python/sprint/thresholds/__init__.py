# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Learns the thresholds of a model's attentions, with its weights as they are.

`python -m sprint.thresholds` is the command line. Needs the packages of the optional dependency
group `export`.
"""
