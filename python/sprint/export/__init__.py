# Part of the Sprint project.
"""PyTorch and Hugging Face models as the linalg on tensors that sprint-run takes.

`python -m sprint.export` is the command line. Needs the packages of the optional dependency group
`export`.
"""
