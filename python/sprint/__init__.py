# Part of the Sprint project.
"""Python side of Sprint: the NumPy reference of docs/numerics.md and the inputs that test it."""
