# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What has to go before torch-mlir takes a model."""

from __future__ import annotations

import operator
from typing import Callable, Mapping, Optional, Sequence, Set, Union

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true


def clear_non_persistent_buffers(module: torch.nn.Module) -> None:
    """Makes every buffer a persistent one: torch-mlir finds no state for the others."""
    for part in module.modules():
        part._non_persistent_buffers_set = set()


def allow_other_layouts(program: torch.export.ExportedProgram) -> None:
    """Turns views into reshapes, which are views where they can be.

    torch.export lays the results of scaled_dot_product_attention out as the CPU's kernel does. Its
    decomposition lays them out otherwise, so that a view of them may not exist.
    """
    for node in program.graph.nodes:
        if node.op == "call_function" and node.target == torch.ops.aten.view.default:
            node.target = torch.ops.aten.reshape.default


def name_size_operations(program: torch.export.ExportedProgram) -> None:
    """Replaces functions of sizes that torch-mlir's importer does not know by operations that it
    does.
    """
    names = {torch.sym_min: torch.ops.prim.min.int, torch.sym_max: torch.ops.prim.max.int,
             operator.mod: torch.ops.aten.remainder.int}
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        if node.target in names:
            node.target = names[node.target]
        elif node.target == torch.sym_not and node.args[0].target == operator.eq:
            node.target, node.args = operator.ne, node.args[0].args
        elif node.target in (operator.pow, pow) and node.args[1] == 2:
            node.target, node.args = operator.mul, (node.args[0], node.args[0])


def _count_dynamic_sizes(shape: Sequence[Union[int, torch.SymInt]]) -> int:
    return sum(isinstance(size, torch.SymInt) for size in shape)


def _known_size(size: Union[int, torch.SymInt]) -> Union[int, torch.SymInt]:
    """The size itself, or the only value that it has for all permitted sizes of dimensions."""
    if not isinstance(size, torch.SymInt):
        return size
    bounds = size.node.shape_env.bound_sympy(size.node.expr)
    return int(bounds.lower) if bounds.is_singleton() else size


def replace_known_sizes(program: torch.export.ExportedProgram) -> None:
    """Replaces sizes that have only one value by it, such as how far a length exceeds the longest
    one: torch-mlir broadcasts only a dimension of which it knows that its size is 1.
    """
    for node in list(program.graph.nodes):
        value = node.meta.get("val")
        if node.op != "call_function":
            continue
        if isinstance(value, torch.SymInt) and not isinstance(_known_size(value), torch.SymInt):
            node.replace_all_uses_with(_known_size(value))
        elif isinstance(value, torch.Tensor):
            shape = [_known_size(size) for size in value.shape]
            if _count_dynamic_sizes(shape) < _count_dynamic_sizes(value.shape):
                node.meta["val"] = value.new_empty(shape)
                # torch-mlir's importer would take the shape from here.
                node.meta.pop("tensor_meta", None)
    program.graph.eliminate_dead_code()


def _count_dynamic(node: torch.fx.Node) -> int:
    """The number of dimensions of a node's tensor whose size is not known."""
    return _count_dynamic_sizes(node.meta["val"].shape)


def flatten_in_two_steps(program: torch.export.ExportedProgram) -> None:
    """Makes views that join dynamic dimensions go through one dimension: of a direct one,
    torch-mlir's lowering takes one of the joined dimensions for one of size 1.
    """
    views = (torch.ops.aten.view.default, torch.ops.aten.reshape.default)
    for node in list(program.graph.nodes):
        if node.op != "call_function" or node.target not in views:
            continue
        tensor = node.args[0]
        if _count_dynamic(tensor) < 2 or _count_dynamic(node) >= _count_dynamic(tensor):
            continue
        with program.graph.inserting_before(node):
            flat = program.graph.call_function(node.target, (tensor, [-1]))
            flat.meta["val"] = tensor.meta["val"].reshape(-1)
        node.replace_input_with(tensor, flat)


def drop_layout_checks(program: torch.export.ExportedProgram) -> None:
    """Drops assertions about where a slice of unknown start begins in memory: tensors of linalg
    have no such place, and torch-mlir no operation for it.
    """
    offsets = [node for node in program.graph.nodes if node.op == "call_function"
               and node.target == torch.ops.aten.sym_storage_offset.default]
    users, checks = list(offsets), []
    while users:
        node = users.pop()
        users.extend(node.users)
        if node.target == torch.ops.aten._assert_scalar.default:
            checks.append(node)
    for check in dict.fromkeys(checks):
        program.graph.erase_node(check)
    program.graph.eliminate_dead_code()


def copy_listed_state(program: torch.export.ExportedProgram) -> None:
    """Puts a copy between a buffer or parameter and a list of tensors: torch-mlir's importer does
    not look into lists for them.
    """
    signature = program.graph_signature
    stored = {*signature.inputs_to_parameters, *signature.inputs_to_buffers,
              *signature.inputs_to_lifted_tensor_constants}
    for node in list(program.graph.nodes):
        if node.op != "call_function":
            continue
        for argument in node.args:
            if not isinstance(argument, (list, tuple)):
                continue
            for state in argument:
                if isinstance(state, torch.fx.Node) and state.name in stored:
                    with program.graph.inserting_before(node):
                        copy = program.graph.call_function(torch.ops.aten.clone.default, (state,))
                        copy.meta = dict(state.meta)
                    node.replace_input_with(state, copy)


def index_by_one_tensor(tensor: torch.Tensor, indices: Sequence[Optional[torch.Tensor]]):
    """A decomposition of aten.index.Tensor: leading dimensions that are indexed together become
    one.

    torch-mlir does not broadcast several indices that share a dynamic dimension.
    """
    if len(indices) < 2 or any(index is None or index.dtype == torch.bool for index in indices):
        return NotImplemented
    rank = max(index.ndim for index in indices)
    shared = any(sum(isinstance(index.shape[-axis], torch.SymInt) for index in indices
                     if index.ndim >= axis) > 1 for axis in range(1, rank + 1))
    if not shared:
        return NotImplemented
    joined = torch.zeros((), dtype=torch.int64)
    for axis, index in enumerate(indices):
        size = tensor.shape[axis]
        joined = joined * size + torch.where(index < 0, index + size, index)
    return tensor.flatten(0, len(indices) - 1)[joined]


def reshape_for_as_strided(tensor: torch.Tensor, size: Sequence[int], stride: Sequence[int],
                           storage_offset: Optional[int] = None):
    """A decomposition of aten.as_strided where it only gives another shape, as in that of a group
    normalisation: torch-mlir takes no dynamic sizes there.
    """
    expected, same = 1, not storage_offset and tensor.is_contiguous()
    for extent, step in zip(reversed(size), reversed(stride)):
        same = same and statically_known_true(step == expected)
        expected = expected * extent
    if not same or not statically_known_true(expected == tensor.numel()):
        return NotImplemented
    return tensor.reshape(size)


def prepare(program: torch.export.ExportedProgram,
            decompositions: Mapping[torch._ops.OperatorBase, Callable]
            ) -> torch.export.ExportedProgram:
    """The same program in operations that torch-mlir imports and lowers."""
    allow_other_layouts(program)
    program = program.run_decompositions(
        {**decompositions, torch.ops.aten.index.Tensor: index_by_one_tensor,
         torch.ops.aten.as_strided.default: reshape_for_as_strided})
    drop_layout_checks(program)
    replace_known_sizes(program)
    flatten_in_two_steps(program)
    name_size_operations(program)
    copy_listed_state(program)
    return program


def live_arguments(program: torch.export.ExportedProgram) -> Set[int]:
    """The positions of the arguments that a result depends on, among those of the user."""
    inputs = program.graph_signature.user_inputs
    reached: Set[torch.fx.Node] = set()
    waiting = list(program.graph.output_node().all_input_nodes)
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting.extend(node.all_input_nodes)
    names = {node.name for node in reached}
    return {position for position, name in enumerate(inputs) if name in names}
