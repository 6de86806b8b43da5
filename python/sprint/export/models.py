# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds the model that the user named, with example arguments for it."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from typing import Any, Dict, List, Mapping, Optional, Sequence

import torch

from .attributes import attribute
from .errors import ExportError, one_line, raised
from .inputs import Sizes, example_arguments, longest
from .key_offsets import WithKeyOffsets, read_key_offsets
from .quiet import quiet
from .wrapping import Argument, Float32Interface, MeanPooled, Positional, TensorModel

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
#: Spread of random biases; random weights get the inverse square root of their inputs' number.
RANDOM_BIAS = 0.1
#: Types of models that do not scale their scores, as their trained queries do it, with
#: the name of the queries' projection.
UNSCALED_QUERIES = {"t5": ".q.", "mt5": ".q.", "gpt_neo": ".q_proj."}


@dataclasses.dataclass
class Request:
    """What the user asks for; the options of the command line, where they are documented."""

    model: str
    config: Dict[str, Any] = dataclasses.field(default_factory=dict)
    model_class: Optional[str] = None
    attention: Optional[str] = None
    dtype: str = "f32"
    sizes: Sizes = dataclasses.field(default_factory=Sizes)
    outputs: Optional[Sequence[str]] = None
    pooling: str = "none"
    inputs: Optional[str] = None
    axes: Mapping[str, Dict[int, str]] = dataclasses.field(default_factory=dict)
    key_offsets: Optional[pathlib.Path] = None


@dataclasses.dataclass
class LoadedModel:
    """A model that can be lowered."""

    model: TensorModel
    #: The largest size of dynamic dimensions, by name.
    longest: Dict[str, int]


def randomize(module: torch.nn.Module, seed: int) -> None:
    """Gives every weight and bias a random value, so that every part of a model matters.

    Initial weights are often so small that all attention scores are about equal, and biases,
    among them those of relative positions, zero.
    """
    config = getattr(module, "config", None)
    queries = UNSCALED_QUERIES.get(getattr(config, "model_type", ""))
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if parameter.ndim < 2:
            # Weights of normalisations stay near one.
            parameter.data.add_(RANDOM_BIAS * torch.randn(parameter.shape, generator=generator))
            continue
        # In place: one weight may be a large part of a model.
        values = parameter.data.normal_(generator=generator)
        if "embed" in name or "bias" in name:
            values.mul_(0.5)
        else:
            values.div_(parameter[0].numel()**0.5)
            if queries is not None and queries in name:
                head_dim = getattr(config, "d_kv", 0) or config.hidden_size // config.num_heads
                parameter.data.mul_(head_dim**-0.5)


# Where a model comes from -------------------------------------------------------------------------


def _transformers():
    # Set before the import, which reads them: nothing may be looked for on a hub.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def _model_class(request: Request, kind: str):
    """The class that makes a transformers model, by name or by the configuration's type."""
    transformers = _transformers()
    if request.model_class is None:
        return transformers.AutoModel
    found = getattr(transformers, request.model_class, None)
    if not isinstance(found, type) or not (hasattr(found, "from_config") or
                                           hasattr(found, "_from_config")):
        raise ExportError(f"{kind}: transformers has no model class '{request.model_class}'")
    return found


def _settings(overrides: Mapping[str, Any], known: Any, place: str) -> Dict[str, Any]:
    """Overrides as the nested dictionaries that configurations take: `part.name` is a setting of a
    part. A name must be one that the configuration `known` has, unless it begins with `+`.
    """
    result: Dict[str, Any] = {}
    for key, value in overrides.items():
        *parts, name = key.lstrip("+").split(".")
        target, part = result, known
        for step in parts:
            target, part = target.setdefault(step, {}), getattr(part, step, None)
        if part is None or not (key.startswith("+") or hasattr(part, name)):
            raise ExportError(f"{place}: the configuration has no setting '{key}'; +{key} adds it")
        target[name] = value
    return result


def _override(config: Any, settings: Mapping[str, Any]) -> None:
    """Sets settings of a configuration and of its parts."""
    for name, value in settings.items():
        part = getattr(config, name, None)
        if isinstance(value, dict) and hasattr(part, "model_type"):
            _override(part, value)
        else:
            setattr(config, name, value)


def _from_config(request: Request, config: Any) -> torch.nn.Module:
    """A model of that configuration with random weights."""
    torch.manual_seed(request.sizes.seed)
    options = {"attn_implementation": request.attention} if request.attention else {}
    model_class = _model_class(request, request.model)
    # Where a type has several models, the first of them is taken.
    config.architectures = config.architectures or []
    make = getattr(model_class, "from_config", None) or model_class._from_config
    model = make(config, **options)
    randomize(model, request.sizes.seed)
    return model


def _from_type(request: Request) -> torch.nn.Module:
    """A model of a type that transformers knows, such as `bert`."""
    transformers = _transformers()
    config_class = transformers.CONFIG_MAPPING[request.model]
    settings = _settings(request.config, config_class(), request.model)
    return _from_config(request, config_class(**settings))


def _from_directory(request: Request, directory: pathlib.Path) -> torch.nn.Module:
    """A model as transformers saves it; without weights they are random."""
    transformers = _transformers()
    file = directory / "config.json"
    if not file.is_file():
        raise ExportError(f"{directory}: expected a model with a config.json, got none")
    try:
        settings = json.loads(file.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ExportError(f"{file}: {one_line(error)}") from error
    if not isinstance(settings, dict) or "model_type" not in settings:
        raise ExportError(f"{file}: expected an object with the key 'model_type'")
    config = transformers.AutoConfig.from_pretrained(directory)
    _override(config, _settings(request.config, config, str(file)))
    if not any(directory.glob("*.safetensors")):
        if any(directory.glob("*.bin")):
            raise ExportError(f"{directory}: expected weights as .safetensors, got .bin")
        return _from_config(request, config)
    options = {"attn_implementation": request.attention} if request.attention else {}
    return _model_class(request, str(directory)).from_pretrained(
        directory, config=config, dtype=torch.float32, local_files_only=True, **options)


def _from_attribute(request: Request) -> torch.nn.Module:
    """A module, or what makes one when called without arguments."""
    torch.manual_seed(request.sizes.seed)
    value = attribute(request.model)
    if isinstance(value, type) or not isinstance(value, torch.nn.Module) and callable(value):
        value = value()
    if isinstance(value, (str, os.PathLike)):
        return _from_directory(request, pathlib.Path(value))
    if not isinstance(value, torch.nn.Module):
        raise ExportError(f"{request.model}: expected a torch.nn.Module, a path, or what returns "
                          f"one, got {type(value).__name__}")
    # A SentenceTransformer is a sequence; its first part holds the transformers model, and takes
    # dictionaries.
    if isinstance(value, torch.nn.Sequential) and len(value) and hasattr(value[0], "auto_model"):
        value = value[0].auto_model
    _check_values(value, request.model)
    return value.cpu()


def _check_values(module: torch.nn.Module, place: str) -> None:
    """Refuses weights without values."""
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if tensor.is_meta:
            raise ExportError(f"{place}: expected values in '{name}', got a tensor on the device "
                              "meta: load the weights, or make the model on the device cpu")


def _find(request: Request) -> torch.nn.Module:
    # A folder of that name is written as a path, ./bert.
    if request.model in _transformers().CONFIG_MAPPING:
        return _from_type(request)
    path = pathlib.Path(request.model)
    if path.is_dir():
        return _from_directory(request, path)
    if ":" in request.model:
        return _from_attribute(request)
    raise ExportError(f"{request.model}: expected a folder with a config.json, module:attribute, "
                      "or a model type that transformers knows")


# Its arguments ------------------------------------------------------------------------------------


def named_arguments(value: Any, place: str) -> List[Argument]:
    """Tensors that a user gives, as arguments: a tensor, a sequence of them, or a mapping from the
    names of keyword arguments.
    """
    if isinstance(value, torch.Tensor):
        value = [value]
    if not isinstance(value, (Mapping, tuple, list)) or not value:
        raise ExportError(f"{place}: expected one tensor or more, got {type(value).__name__}")
    named = value.items() if isinstance(value, Mapping) else \
        ((str(position), tensor) for position, tensor in enumerate(value))
    arguments = [Argument(str(name), tensor) for name, tensor in named]
    for argument in arguments:
        if not isinstance(argument.example, torch.Tensor):
            raise ExportError(f"{place}: expected tensors, got {type(argument.example).__name__} "
                              f"for '{argument.name}'")
        if argument.example.is_meta:
            raise ExportError(f"{place}: expected values in '{argument.name}', got a tensor on the "
                              "device meta")
        if 0 in argument.example.shape:
            raise ExportError(f"{place}: expected sizes of 1 or more for '{argument.name}', got "
                              f"{list(argument.example.shape)}")
    return arguments


def _set_axes(arguments: Sequence[Argument], axes: Mapping[str, Dict[int, str]]) -> None:
    """Replaces the arguments' dynamic dimensions by those that the user names."""
    by_name = {argument.name: argument for argument in arguments}
    for name, dimensions in axes.items():
        if name not in by_name:
            raise ExportError(f"--axes: expected one of the arguments {', '.join(by_name)}, "
                              f"got '{name}'")
        rank = by_name[name].example.ndim
        if any(dimension >= rank for dimension in dimensions):
            raise ExportError(f"--axes: expected dimensions below {rank} for '{name}', got "
                              f"{max(dimensions)}")
        by_name[name].axes = dict(dimensions)


def tensor_model(module: torch.nn.Module, arguments: Sequence[Argument], dtype: str = "f32",
                 fixed: Optional[Mapping[str, Any]] = None,
                 outputs: Optional[Sequence[str]] = None, pooling: str = "none") -> TensorModel:
    """A module as a function of tensors in the asked-for type.

    Arguments with a name that is no number become keyword arguments. bf16 is inside only.
    """
    by_keyword = not all(argument.name.isdigit() for argument in arguments)
    names = [argument.name for argument in arguments] if by_keyword else None
    whole: torch.nn.Module = Positional(module.to(DTYPES[dtype]), names, fixed, outputs)
    if pooling == "mean":
        if "attention_mask" not in (names or ()):
            raise ExportError("expected an argument attention_mask for --pooling=mean")
        whole = MeanPooled(whole)
    if dtype == "bf16":
        whole = Float32Interface(whole)
    elif dtype == "f16":
        for argument in arguments:
            if argument.example.is_floating_point():
                argument.example = argument.example.half()
    return TensorModel(whole.eval(), arguments)


def load(request: Request) -> LoadedModel:
    """The model of a request with its arguments, in the asked-for type. Raises ExportError."""
    try:
        with quiet():
            return _load(request)
    except ExportError:
        raise
    except (Exception, SystemExit) as error:  # transformers and a user's module raise any type.
        raise ExportError(f"{request.model}: {raised(error)}") from error


def _load(request: Request) -> LoadedModel:
    module = _find(request).eval().requires_grad_(False)
    is_transformers = hasattr(module, "config") and hasattr(module, "main_input_name")
    if request.inputs:
        value = attribute(request.inputs)
        arguments = named_arguments(value() if callable(value) else value, request.inputs)
    elif is_transformers:
        arguments = example_arguments(module, request.sizes)
    else:
        raise ExportError(f"{request.model}: expected --inputs, because this is no transformers "
                          "model")
    _set_axes(arguments, request.axes)

    fixed: Dict[str, Any] = {}
    bounds: Dict[str, int] = {}
    if is_transformers:
        if request.attention and module.config._attn_implementation != request.attention:
            module.set_attn_implementation(request.attention)
        if module._can_set_experts_implementation():
            # The default one sorts tokens by expert with an operation that torch-mlir lacks.
            module.set_experts_implementation("batched_mm")
        # Caches of keys and values are no tensors.
        module.config.use_cache = False
        fixed["return_dict"] = True
        if any(name.endswith("attentions") for name in request.outputs or ()):
            fixed["output_attentions"] = True
        bound = longest(module)
        if bound and not request.inputs and request.sizes.length > bound:
            raise ExportError(f"{request.model}: expected a length of at most {bound}, got "
                              f"{request.sizes.length}")
        if bound:
            bounds = {"length": bound, "decoder_length": bound}
        if bound and (request.sizes.decoder_length or 0) > bound:
            raise ExportError(f"{request.model}: expected a decoder's length of at most {bound}, "
                              f"got {request.sizes.decoder_length}")
    model = tensor_model(module, arguments, request.dtype, fixed, request.outputs, request.pooling)
    if request.key_offsets is not None:
        model.module = WithKeyOffsets(model.module, read_key_offsets(request.key_offsets)).eval()
    return LoadedModel(model, bounds)
