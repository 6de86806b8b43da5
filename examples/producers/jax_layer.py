# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A transformer's attention in JAX, its weights in the model, for sprint.export --from=jax."""

import jax
import jax.numpy as jnp
import numpy as np

BATCH, LENGTH, HEADS, HEAD_DIM = 2, 48, 4, 16
WIDTH = HEADS * HEAD_DIM
RANDOM = np.random.default_rng(0)
PACKED, OUT = (jnp.asarray(RANDOM.standard_normal((WIDTH, columns)) / WIDTH**0.5, jnp.float32)
               for columns in (3 * WIDTH, WIDTH))


def layer(tokens):
    query, key, value = (part.reshape(BATCH, LENGTH, HEADS, HEAD_DIM)
                         for part in jnp.split(tokens @ PACKED, 3, axis=-1))
    mixed = jax.nn.dot_product_attention(query, key, value, is_causal=True)
    return tokens + mixed.reshape(BATCH, LENGTH, WIDTH) @ OUT


def example():
    """The arguments of `layer`."""
    return (jnp.asarray(RANDOM.standard_normal((BATCH, LENGTH, WIDTH)), jnp.float32),)
