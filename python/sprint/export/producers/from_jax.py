# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Functions of JAX: jax.jit's StableHLO, lowered by IREE's passes."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, List, Sequence

from ..errors import ExportError, raised
from ..quiet import quiet
from .program import Program, storable
from .tools import iree_opt, run_passes

#: From StableHLO to linalg: what iree-stablehlo-input-transformation-pipeline does, with functions
#: inlined and loops of `scf`, but without iree-stablehlo-to-linalg-ext, whose operations only IREE
#: knows: running sums lower without it.
PIPELINE = ",".join((
    "func.func(chlo-legalize-to-stablehlo,canonicalize,iree-stablehlo-canonicalize,cse,"
    "iree-stablehlo-legalize-custom-calls,iree-stablehlo-legalize-control-flow)",
    "iree-stablehlo-preprocessing-flatten-scf-tuples", "iree-stablehlo-to-stablehlo-preprocessing",
    "inline", "func.func(canonicalize,iree-stablehlo-canonicalize,cse,"
    "iree-stablehlo-legalize-shape-computations,chlo-legalize-to-stablehlo)",
    "iree-stablehlo-to-iree-input", "reconcile-unrealized-casts", "canonicalize"))
#: The conversion and no more than it needs. Private functions, such as those of jnp.where, stay, and
#: so do reshapes through one dimension. The second conversion takes reshapes that the first leaves.
CONVERSION = ("func.func(iree-stablehlo-legalize-control-flow,chlo-legalize-to-stablehlo),"
              "iree-stablehlo-to-iree-input,iree-stablehlo-to-iree-input")
#: How precisely a product is computed inside: IREE lowers only the precision of its types.
_ALGORITHM = re.compile(r", algorithm = <[^<>]*>")
#: Says of integers whether they have a sign.
_ENCODING = re.compile(r" \{iree\.abi\.encoding = [^{}]*\}")


def _jax():
    # Set before the import, which looks for other devices.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    return jax


def stablehlo_to_linalg(text: str, source: str = "", passes: str = PIPELINE) -> str:
    """StableHLO as linalg on tensors. Raises ExportError."""
    lowered = run_passes(iree_opt(), [f"--pass-pipeline=builtin.module({passes})"],
                         _ALGORITHM.sub("", text), source)
    return _ENCODING.sub("", lowered)


def _names(jax: Any, arguments: Sequence[Any]) -> List[str]:
    """The names of the arrays in the arguments: positions, and the keys of what holds them."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tuple(arguments))
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]


def translate(function: Callable[..., Any], arguments: Sequence[Any], source: str = "",
              passes: str = PIPELINE) -> Program:
    """A function of arrays, or of trees of them, whose leaves become the arguments of `main`."""
    jax = _jax()
    try:
        with quiet():
            # Without it, arguments that no result depends on would be missing.
            compiled = jax.jit(function, keep_unused=True)
            text = compiled.lower(*arguments).as_text()
            results = jax.tree_util.tree_leaves(compiled(*arguments))
            inputs = jax.tree_util.tree_leaves(tuple(arguments))
    except (Exception, SystemExit) as error:  # A user's function may raise anything.
        raise ExportError(f"{source}: {raised(error)}") from error
    try:
        return Program(stablehlo_to_linalg(text, passes=passes), _names(jax, arguments),
                       [storable(array) for array in inputs],
                       [storable(array) for array in results])
    except ExportError as error:
        raise ExportError(f"{source}: {error}") from error
