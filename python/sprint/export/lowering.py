# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From a module of tensors to linalg on tensors: torch.export, then torch-mlir."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set

import torch
from torch.nn.modules import transformer

from .attentions import count_attentions
from .cleanup import clear_non_persistent_buffers, live_arguments, prepare
from .errors import ExportError, one_line, raised
from .quiet import quiet
from .wrapping import Argument, TensorModel, WithConstants, without_wrapping

if TYPE_CHECKING:
    from .linalg_module import LinalgModule, Weights

#: The passes that torch_mlir.fx.export_and_import runs for linalg on tensors.
PIPELINES = (
    "builtin.module(func.func(torch-match-quantized-custom-ops),"
    "torchdynamo-export-to-torch-backend-pipeline{ extra-library=})",
    "builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline{allow-non-finites=True})",
)
#: The smallest size of a dynamic dimension: torch.export takes 0 and 1 for constants.
SMALLEST_DYNAMIC_SIZE = 2
#: How torch.export begins its list of what dynamic sizes would have to be.
_CONSTRAINTS = "Constraints violated"


@dataclasses.dataclass
class Lowered:
    """A model as linalg on tensors."""

    module: LinalgModule
    #: What it takes, without the arguments that no result depends on.
    model: TensorModel
    #: The names of the arguments that were dropped.
    dropped: List[str]
    #: How many attentions the model has.
    attentions: int


def _dynamic_shapes(arguments: Sequence[Argument], longest: Mapping[str, int]):
    """The dynamic dimensions as torch.export takes them: one object a name."""
    dims: Dict[str, torch.export.Dim] = {}
    for argument in arguments:
        for axis, name in argument.axes.items():
            size = argument.example.shape[axis]
            if size < SMALLEST_DYNAMIC_SIZE:
                raise ExportError(f"expected an example of size {SMALLEST_DYNAMIC_SIZE} or more "
                                  f"in the dynamic dimension '{name}' of {argument.name}, "
                                  f"got {size}")
            dims.setdefault(name, torch.export.Dim(name, min=SMALLEST_DYNAMIC_SIZE,
                                                   max=longest.get(name)))
    return (tuple({axis: dims[name] for axis, name in argument.axes.items()}
                  for argument in arguments),)


@contextlib.contextmanager
def _unread_masks() -> Iterator[None]:
    """torch.nn.Transformer and its encoder and decoder look into a mask to see whether it is the
    causal one, which is a hint and no more; a trace has no values to look at.
    """
    original = transformer._detect_is_causal_mask
    transformer._detect_is_causal_mask = lambda mask, is_causal=None, size=None: is_causal is True
    try:
        yield
    finally:
        transformer._detect_is_causal_mask = original


def _check_operations(program: torch.export.ExportedProgram) -> None:
    """Refuses what torch-mlir has no lowering for, where more can be said than its name."""
    for node in program.graph.nodes:
        if node.op == "call_function" and getattr(node.target, "__name__", "") == "flex_attention":
            raise ExportError("torch-mlir cannot lower flex_attention: expected "
                              "scaled_dot_product_attention, with what score_mod and block_mask do "
                              f"as attn_mask{_at(node)}")


def _check_sizes(program: torch.export.ExportedProgram) -> None:
    """Refuses other shapes of tensors without elements: torch-mlir's lowering of them divides by
    their sizes.
    """
    reshapes = (torch.ops.aten.view.default, torch.ops.aten.reshape.default,
                torch.ops.aten._unsafe_view.default, torch.ops.aten.unflatten.int,
                torch.ops.aten.flatten.using_ints)
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if node.target in reshapes and isinstance(value, torch.Tensor) and \
                any(isinstance(size, int) and size == 0 for size in value.shape):
            raise ExportError(f"expected tensors with elements, got one of {list(value.shape)}"
                              f"{_at(node)}")


def _at(node: torch.fx.Node) -> str:
    """Where the model's code computes a node, for the end of a message."""
    places = re.findall(r'File "([^"<]+)", line (\d+)', node.meta.get("stack_trace") or "")
    return f" (at {places[-1][0]}:{places[-1][1]})" if places else ""


def _trace(model: TensorModel, dynamic: bool, longest: Mapping[str, int],
           checked_at_run_time: bool = False) -> torch.export.ExportedProgram:
    """The program of a module.

    Where torch.export cannot prove that a model computes the same way for all sizes, it is asked
    again: for the sizes that it suggests, and with assertions for the rest.
    """
    shapes = _dynamic_shapes(model.arguments, longest) if dynamic else None
    clear_non_persistent_buffers(model.module)
    try:
        with torch.no_grad(), _unread_masks():
            return torch.export.export(
                model.module, model.examples(), dynamic_shapes=shapes, strict=False,
                prefer_deferred_runtime_asserts_over_guards=checked_at_run_time)
    except ExportError:
        raise
    except (Exception, SystemExit) as error:  # torch raises nearly every type there is.
        suggested = _suggested_bounds(str(error), longest)
        if dynamic and _CONSTRAINTS in str(error) and \
                (not checked_at_run_time or suggested != longest):
            return _trace(model, dynamic, suggested, checked_at_run_time=True)
        raise ExportError(f"torch.export: {_export_failure(error)}") from error


def _suggested_bounds(message: str, longest: Mapping[str, int]) -> Dict[str, int]:
    """The largest sizes, with those that torch.export suggests where they are smaller."""
    bounds = dict(longest)
    for name, bound in re.findall(r"^\s*(\w+) = Dim\('\w+', (?:min=\d+, )?max=(\d+)\)", message,
                                  re.MULTILINE):
        if int(bound) >= SMALLEST_DYNAMIC_SIZE:
            bounds[name] = min(bounds.get(name, int(bound)), int(bound))
    return bounds


def _export_failure(error: BaseException) -> str:
    """What torch.export complained about; of dynamic sizes it gives a list, whose first line is
    enough.
    """
    reasons = re.findall(r"^\s*- (.+)$", str(error), re.MULTILINE)
    if _CONSTRAINTS in str(error) and reasons:
        return reasons[0]
    if "data-dependent" in str(error):
        return (f"the model decides by values of a tensor ({raised(error)}): expected what depends "
                "on sizes and settings alone")
    return raised(error)


def _decompositions(fused_attention: bool) -> Dict[torch._ops.OperatorBase, Callable]:
    from torch_mlir.extras.fx_decomp_util import get_decomposition_table

    table = dict(get_decomposition_table())
    if fused_attention:
        table.pop(torch.ops.aten.scaled_dot_product_attention.default, None)
    return table


def _unsupported_operations(diagnostics: Sequence[str]) -> List[str]:
    """The torch operations that diagnostics say cannot be lowered, in order, each once."""
    text = "\n".join(diagnostics)
    # torch.operator stands for every operation that torch-mlir has no own one for.
    names = re.findall(r"\"?torch\.operator\"? ?\"([\w.]+)\"|name = \"(torch\.[\w.]+)\"", text)
    named = [first or second for first, second in names]
    if not named:
        named = re.findall(r"failed to legalize operation '([\w.]+)'", text)
    return list(dict.fromkeys(named))


def _failure(diagnostics: Sequence[str], error: Optional[BaseException]) -> str:
    operations = _unsupported_operations(diagnostics)
    if operations:
        return f"torch-mlir cannot lower {', '.join(operations)}"
    lines = [line for text in diagnostics for line in text.splitlines() if line.strip()]
    return f"torch-mlir: {lines[0].strip() if lines else one_line(error)}"


def _module_path(node: torch.fx.Node) -> str:
    """The path of the module that computes a node, such as `layers.3.attention`, without the
    modules that wrapping puts around the model; empty where it is the model itself.
    """
    stack = node.meta.get("nn_module_stack") or {}
    path = next((path for path, _ in reversed(stack.values())), "")
    return without_wrapping(path)


def _importer(weights: Weights):
    """torch-mlir's importer, with module paths as names of places in the source, and with the
    tensors' own memory as weights.
    """
    from torch_mlir import ir
    from torch_mlir.dialects import torch as torch_dialect
    from torch_mlir.extras import fx_importer

    class Places(fx_importer.ContextCache):

        def get_node_location(self, node: torch.fx.Node):
            place = super().get_node_location(node)
            # A message is about one place, not about all that led to it.
            if isinstance(place, ir.CallSiteLoc):
                place = place.callee
            path = _module_path(node)
            return ir.Location.name(path, place, context=self._c) if path else place

    class Importer(fx_importer.FxImporter):

        def __init__(self, context: ir.Context):
            super().__init__(context=context, hooks=weights)
            self._cc = Places(context, py_attr_tracker=self._py_attr_tracker)

    context = ir.Context()
    torch_dialect.register_dialect(context)
    return Importer(context)


def _to_linalg(program: torch.export.ExportedProgram, fused_attention: bool) -> LinalgModule:
    from torch_mlir import fx, ir, passmanager

    from .linalg_module import LinalgModule, Weights

    try:
        program = prepare(program, _decompositions(fused_attention))
        _check_sizes(program)
        weights = Weights(program)
        module = fx.export_and_import(program, output_type="raw", func_name="main",
                                      fx_importer=_importer(weights), decomposition_table={})
    except ExportError:
        raise
    except Exception as error:  # The importer and torch's decompositions raise any type.
        raise ExportError(f"torch-mlir: {one_line(error)}") from error
    diagnostics: List[str] = []

    def collect(diagnostic: ir.Diagnostic) -> bool:
        diagnostics.append(diagnostic.message)
        return True

    with module.context as context:
        # Some passes report an error and yet succeed.
        context.emit_error_diagnostics = True
        handler = context.attach_diagnostic_handler(collect)
        try:
            for pipeline in PIPELINES:
                passmanager.PassManager.parse(pipeline).run(module.operation)
        except Exception as error:
            raise ExportError(_failure(diagnostics, error)) from error
        finally:
            handler.detach()
    return LinalgModule(module.operation, weights)


def _with_live_arguments(model: TensorModel,
                         program: torch.export.ExportedProgram) -> TensorModel:
    """The model without the arguments that no result depends on, or itself where there are none."""
    live: Set[int] = live_arguments(program)
    constants = {position: argument.example for position, argument in enumerate(model.arguments)
                 if position not in live}
    if not constants:
        return model
    model = TensorModel(WithConstants(model.module, len(model.arguments), constants),
                        [model.arguments[position] for position in sorted(live)])
    model.module.eval()
    return model


def live_model(model: TensorModel) -> TensorModel:
    """The model with the arguments of what `lower` makes of it. Raises ExportError."""
    with quiet():
        return _with_live_arguments(model, _trace(model, False, {}))


def lower(model: TensorModel, dynamic: bool = False, fused_attention: bool = False,
          longest: Optional[Mapping[str, int]] = None) -> Lowered:
    """Lowers a module to a function `main` that holds its weights.

    With `dynamic` the dimensions in the arguments' `axes` may have any size; `longest` bounds them
    by name. With `fused_attention` scaled_dot_product_attention stays one operation,
    `tm_tensor.attention`. Raises ExportError.
    """
    model.module.eval()
    given = model
    with quiet():
        program = _trace(model, dynamic, longest or {})
        model = _with_live_arguments(model, program)
        if model is not given:
            program = _trace(model, dynamic, longest or {})
        _check_operations(program)
        attentions = count_attentions(program)
        module = _to_linalg(program, fused_attention)
    kept = {id(argument) for argument in model.arguments}
    dropped = [argument.name for argument in given.arguments if id(argument) not in kept]
    return Lowered(module, model, dropped, attentions)
