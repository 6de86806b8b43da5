# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line that learns thresholds."""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import TYPE_CHECKING, List, Optional, Tuple

import numpy as np

from ..export.cli import (Parser, add_model_options, check_packages, output_file, read_files,
                          request_of)
from ..export.errors import ExportError, exit_code, one_line
from ..export.files import OutputFiles

if TYPE_CHECKING:
    import torch

    from ..export.wrapping import Argument


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, got '{text}'")
    return value


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number, 0 or more, got '{text}'")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m sprint.thresholds", description="Learns the thresholds of a "
                    "model's attentions from example inputs and writes the file that sprint-run "
                    "takes as --thresholds. The model computes what it did.")
    add_model_options(parser)
    parser.add_argument("--input", type=pathlib.Path, action="append", required=True,
                        metavar="DIR", dest="folders", help="arguments of one run, 0.npy, 1.npy, "
                        "..., as for sprint-run; the more of them the better")
    parser.add_argument("--prune-rate", type=_fraction, required=True, metavar="R",
                        help="the part of all allowed scores to drop, of all attentions together")
    parser.add_argument("--steps", type=_count, default=200, metavar="N",
                        help="of gradient descent (default 200)")
    parser.add_argument("-o", "--output", type=output_file, required=True, metavar="FILE",
                        help="the thresholds, one for each head of each attention")
    parser.add_argument("--key-offsets", type=output_file, metavar="FILE",
                        help="also learns a vector to add to all keys of each head, which "
                        "python -m sprint.export --key-offsets puts into the model")
    return parser


def _read_arguments(folder: pathlib.Path, arguments: "List[Argument]",
                    files: OutputFiles) -> "Tuple[torch.Tensor, ...]":
    """The arguments of one run, of the types that the model takes. Raises ExportError."""
    import torch

    names = ", ".join(argument.name for argument in arguments)
    # What sprint.export writes beside them is no argument.
    count = sum(path.stem.isdecimal() for path in folder.glob("*.npy"))
    if count != len(arguments):
        raise ExportError(f"{folder}: expected {len(arguments)} files, 0.npy and so on ({names}), "
                          f"got {count}")
    tensors = []
    for position, argument in enumerate(arguments):
        path = folder / f"{position}.npy"
        files.add_input(path)
        try:
            tensor = torch.from_numpy(np.load(path, allow_pickle=False))
        except (OSError, ValueError, TypeError, EOFError) as error:
            raise ExportError(f"{path}: {one_line(error)}") from error
        example = argument.example
        if tensor.dtype != example.dtype or tensor.ndim != example.ndim:
            raise ExportError(f"{path}: expected {example.ndim} dimensions of {example.dtype} for "
                              f"{argument.name}, got {tensor.ndim} of {tensor.dtype}")
        tensors.append(tensor)
    return tuple(tensors)


def run(arguments: Optional[List[str]] = None) -> None:
    """Does what the arguments say. Raises ExportError."""
    options = _parser().parse_args(arguments)
    with OutputFiles() as files:
        for path in read_files(options.model, options.inputs):
            files.add_input(path)
        for path in filter(None, (options.output, options.key_offsets)):
            files.plan(path)
        check_packages()
        _run(options, files)


def _run(options: argparse.Namespace, files: OutputFiles) -> None:
    # These need the packages.
    from ..export.key_offsets import add_key_offsets
    from ..export.models import load
    from ..export.quiet import quiet
    from ..export.lowering import live_model
    from .learning import Learner

    options.attention = options.attention or "sdpa"
    loaded = load(request_of(options, batch=1))
    model = loaded.model
    counts = {sum(path.stem.isdecimal() for path in folder.glob("*.npy"))
              for folder in options.folders}
    if counts != {len(model.arguments)}:
        # sprint.export leaves arguments out that no result depends on.
        model = live_model(model)
    inputs = [_read_arguments(folder, list(model.arguments), files)
              for folder in options.folders]
    try:
        with quiet():
            learner = Learner(model.module, inputs)
            selections = learner.learn(options.prune_rate, options.steps,
                                       options.key_offsets is not None, options.seed)
            measured = learner.measure(selections)
    except ExportError:
        raise
    except Exception as error:  # A model may raise anything about arguments that do not fit.
        raise ExportError(f"{options.model}: {one_line(error)}") from error
    text = json.dumps({"thresholds": [selection.threshold.tolist() for selection in selections],
                       "calibration": {"prune_rate": options.prune_rate,
                                       "inputs": len(inputs)}}, indent=2)
    files.add_text(options.output, text + "\n")
    if options.key_offsets is not None:
        add_key_offsets(files, options.key_offsets,
                        [selection.key_offset for selection in selections])
    files.commit()
    print(f"attentions: {len(selections)}")
    print(f"pruned: {100 * measured.pruned:.2f} %")
    print(f"error of the results: {100 * measured.error:.2f} %")


def main(arguments: Optional[List[str]] = None) -> int:
    """The command line; returns the exit code."""
    return exit_code(run, arguments)
