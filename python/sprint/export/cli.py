# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line of the exporter."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pathlib
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NoReturn, Optional, Sequence, Tuple

from .errors import ExportError, exit_code
from .files import OutputFiles
from .model_files import BYTECODE_SUFFIX, plan_model
from .producers import choice, from_mlir
from .producers.program import write
from .progress import progress

if TYPE_CHECKING:
    from .models import Request

#: What the exporter imports, by the names of their packages.
REQUIRED = {"torch": "torch", "torch_mlir": "torch-mlir", "transformers": "transformers"}
MODEL_HELP = """a folder with a config.json, as transformers saves models (without .safetensors the
weights are random); module:attribute, a torch.nn.Module, or a class or function that makes one or
returns such a folder; or a model type of transformers, such as bert"""
PRODUCER_HELP = """; with --from=jax module:function; or a file, .onnx, or .mlir in StableHLO, TOSA
or linalg"""


class Parser(argparse.ArgumentParser):
    """Reports wrong options as every tool here does: one line, exit code 1."""

    def error(self, message: str) -> NoReturn:
        raise ExportError(message)


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, got '{text}'")
    return value


def output_file(text: str) -> pathlib.Path:
    """A path that may be one of a file."""
    if text.endswith(os.sep):
        raise argparse.ArgumentTypeError(f"{text}: is a folder")
    return pathlib.Path(text)


def _setting(text: str) -> Tuple[str, Any]:
    """`KEY=VALUE`; a value that is no JSON is a string."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got '{text}'")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def _axes(text: str) -> Tuple[str, Dict[int, str]]:
    """`ARGUMENT=DIM:NAME,DIM:NAME`."""
    argument, equals, dimensions = text.partition("=")
    axes: Dict[int, str] = {}
    for dimension in dimensions.split(","):
        position, _, name = dimension.partition(":")
        if not equals or not position.isdecimal() or not name.isidentifier():
            raise argparse.ArgumentTypeError(
                f"expected ARGUMENT=DIM:NAME,DIM:NAME..., got '{text}'")
        axes[int(position)] = name
    return argument, axes


def add_model_options(parser: argparse.ArgumentParser, model_help: str = MODEL_HELP) -> None:
    """The options that say which model it is and what its arguments are; `request_of` reads them.
    """
    parser.add_argument("model", metavar="MODEL", help=model_help)
    parser.add_argument("--batch", type=_positive, default=None, metavar="N",
                        help="rows of the example; 1, or 2 with dynamic sizes")
    parser.add_argument("--length", type=_positive, default=16, metavar="N",
                        help="tokens of the example (default 16)")
    parser.add_argument("--decoder-length", type=_positive, metavar="N",
                        help="tokens of the decoder of a model with an encoder (default 4 less "
                        "than --length)")
    parser.add_argument("--padding", choices=("none", "full", "right", "left"), default="full",
                        help="the example's attention_mask: no such argument, all ones (default), "
                        "or zeros at that end")
    parser.add_argument("--attention", choices=("sdpa", "eager"),
                        help="what computes the attention of a transformers model")
    parser.add_argument("--dtype", choices=("f32", "f16", "bf16"), default="f32",
                        help="the type of weights and computations; bf16 models take and "
                        "return f32")
    parser.add_argument("--outputs", metavar="NAME,...", help="the results that count; "
                        "without it logits, last_hidden_state, or all of a floating-point type "
                        "that are no caches")
    parser.add_argument("--pooling", choices=("none", "mean"), default="none",
                        help="mean: the sentence's embedding, the mean over its tokens, scaled to "
                        "length 1")
    parser.add_argument("--class", dest="model_class", metavar="NAME",
                        help="the class of transformers instead of AutoModel")
    parser.add_argument("--config", type=_setting, action="append", default=[],
                        metavar="KEY=VALUE", help="a setting of the transformers configuration; "
                        "PART.KEY one of a part, +KEY one that has no default")
    parser.add_argument("--inputs", metavar="MODULE:FUNCTION",
                        help="returns the example inputs: tensors in order, or by keyword")
    parser.add_argument("--seed", type=int, default=0, metavar="N",
                        help="of random weights and inputs (default 0)")


def request_of(options: argparse.Namespace, batch: int) -> "Request":
    """The request that the options of `add_model_options` make. `batch` is that of the example
    where the options give none.
    """
    # These need the packages.
    from .inputs import Sizes
    from .models import Request

    return Request(
        model=options.model, config=dict(options.config), model_class=options.model_class,
        attention=options.attention, dtype=options.dtype,
        sizes=Sizes(options.batch or batch, options.length, options.padding, options.seed,
                    options.decoder_length),
        outputs=options.outputs.split(",") if options.outputs else None, pooling=options.pooling,
        inputs=options.inputs)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m sprint.export", description="Writes a model as the linalg on "
                    "tensors that sprint-run takes.")
    add_model_options(parser, MODEL_HELP + PRODUCER_HELP)
    parser.add_argument("--from", dest="producer", choices=choice.PRODUCERS,
                        help="who the model is of; without it onnx of an .onnx file, what its "
                        "operations are of an .mlir file, and torch of everything else")
    parser.add_argument("-o", "--output", type=output_file, required=True, metavar="FILE",
                        help=f"the model, with the weights in it; its function is main. Bytecode "
                        f"where the name ends in {BYTECODE_SUFFIX}, else text")
    parser.add_argument("--inputs-dir", type=pathlib.Path, metavar="DIR",
                        help="also write example inputs, 0.npy and so on, and what PyTorch, "
                        "JAX or onnxruntime computes of them, reference0.npy and so on")
    parser.add_argument("--dynamic", action="store_true",
                        help="any batch and length instead of those of the example")
    parser.add_argument("--axes", type=_axes, action="append", default=[],
                        metavar="ARGUMENT=DIM:NAME,...", help="the dimensions of an argument that "
                        "--dynamic leaves open; those of the same name are of the same size")
    parser.add_argument("--key-offsets", type=pathlib.Path, metavar="FILE",
                        help="adds vectors to the keys that sprint.thresholds learned; the model "
                        "computes the same")
    parser.add_argument("--fused-attention", action="store_true",
                        help="keep scaled_dot_product_attention as tm_tensor.attention")
    parser.add_argument("--softmax", choices=tuple(from_mlir.SOFTMAX), default="mlir",
                        help="who decomposes linalg.softmax: MLIR (default), IREE, or IREE with "
                        "what is around it fused")
    return parser


def read_files(model: str, *others: Any) -> List[pathlib.Path]:
    """The files that the options name as read, as far as they exist: of a folder all that lie in it,
    of Python code its source. What that code reads by itself nobody knows.
    """
    found: List[pathlib.Path] = []
    for name in map(str, filter(None, (model, *others))):
        path = pathlib.Path(name)
        found += path.iterdir() if path.is_dir() else [path]
        if ":" in name:
            source = pathlib.Path(*name.partition(":")[0].split("."))
            found += [folder / place for folder in map(pathlib.Path, {os.getcwd(), *sys.path})
                      for place in (source.with_suffix(".py"), source / "__init__.py")]
    return [path for path in found if path.is_file()]


def check_packages(producer: str = "torch") -> None:
    """Imports what a producer's models need. Raises ExportError."""
    packages = REQUIRED if producer == "torch" else choice.PACKAGES[producer]
    for module, package in packages.items():
        try:
            importlib.import_module(module)
        except ImportError as error:
            group = "export" if package in REQUIRED.values() else "producers"
            raise ExportError(f"expected the package {package} of the dependency group {group} "
                              f"(docs/models.md), got: {error}") from error


def _describe(tensor: Any) -> str:
    kind = str(tensor.dtype).replace("torch.", "")
    return f"{kind}[{', '.join(map(str, tensor.shape))}]"


def run(arguments: Optional[List[str]] = None) -> None:
    """Does what the arguments say. Raises ExportError."""
    parser = _parser()
    options = parser.parse_args(arguments)
    with OutputFiles() as files:
        for path in read_files(options.model, options.inputs, options.key_offsets):
            files.add_input(path)
        plan_model(files, options.output)
        # How many there are is not known yet.
        if options.inputs_dir is not None:
            files.plan(options.inputs_dir / "0.npy")
        producer = options.producer or choice.producer_of(options.model)
        choice.check_options(parser, options, producer)
        with progress(options.model) as shown:
            shown.step("loading packages")
            check_packages(producer)
            said = _run_torch(options, files, shown.step) if producer == "torch" else \
                _run_other(options, files, producer, shown.step)
    for line in said:
        print(line)


def _run_other(options: argparse.Namespace, files: OutputFiles, producer: str,
               step: Callable[[str], None]) -> List[str]:
    """Exports a model of another producer than torch. Returns what there is to say of it."""
    step("lowering")
    program = choice.translate(options, producer)
    step("writing")
    write(files, program, options.output, options.inputs_dir)
    return _describe_arguments(program.names, program.inputs)


def _run_torch(options: argparse.Namespace, files: OutputFiles,
               step: Callable[[str], None]) -> List[str]:
    """Exports a model of torch. Returns what there is to say of it."""
    # These need the packages.
    from .exporting import Destination, export
    from .models import load

    request = request_of(options, batch=2 if options.dynamic else 1)
    request.axes = dict(options.axes)
    request.key_offsets = options.key_offsets
    step("loading the model")
    loaded = load(request)
    lowered = export(loaded, Destination(options.output, options.inputs_dir), options.dynamic,
                     options.fused_attention, files, step)
    return [*_describe_arguments([argument.name for argument in lowered.model.arguments],
                                 lowered.model.examples()),
            *(f"no argument: {name}, no result depends on it" for name in lowered.dropped),
            f"attentions: {lowered.attentions}"]


def _describe_arguments(names: Sequence[str], examples: Sequence[Any]) -> List[str]:
    return [f"argument {position}: {name}, {_describe(example)}"
            for position, (name, example) in enumerate(zip(names, examples))]


def main(arguments: Optional[List[str]] = None) -> int:
    """The command line; returns the exit code."""
    return exit_code(run, arguments)
