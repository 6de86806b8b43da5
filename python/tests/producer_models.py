# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""JAX functions that the tests of the exporter take, and what they are called with."""

import jax
import jax.numpy as jnp
import numpy as np

NUMBER = 3
WEIGHTS = jnp.asarray(np.arange(6.0).reshape(2, 3), jnp.float32)


def weighted(tokens):
    return tokens @ WEIGHTS


def tokens():
    return (jnp.asarray([[1.0, 2.0]], jnp.float32),)


def tree(weights, unused, position):
    """Takes a tree, an argument that no result depends on, and a number."""
    return {"sum": weights["left"] + weights["right"],
            "row": jax.lax.dynamic_index_in_dim(weights["left"], position, keepdims=False)}


def branches():
    return ({"left": jnp.arange(6.0).reshape(3, 2), "right": jnp.ones((3, 2))},
            jnp.zeros(4, jnp.uint8), jnp.asarray(1, jnp.int32))


def half(array):
    return array * 2


def brain():
    return jnp.asarray([1.5, 2.5], jnp.bfloat16)


def called(scores, mask):
    """Calls private functions, in a loop."""
    return jax.lax.fori_loop(0, 2, lambda _, state: jax.nn.softmax(
        jnp.where(jnp.tril(mask), state, -1e9)), scores)


def square():
    return jnp.arange(16.0).reshape(4, 4), jnp.ones((4, 4), bool)


def scattered(array):
    return array.at[0].set(1.0)


def broken(array):
    raise ValueError("no such layer")
