# Part of the Sprint project.
"""Learns the thresholds of a model's attentions, with its weights as they are.

`python -m sprint.thresholds` is the command line. Needs the packages of the optional dependency
group `export`.
"""
