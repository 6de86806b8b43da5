# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attentions as JAX programs write them, of one head or many, and layers around them."""

from __future__ import annotations

import functools
import math
from typing import Any, Callable, Dict, Iterator, NamedTuple, Tuple

import jax
import jax.numpy as jnp
import numpy as np

from ..export.producers.from_jax import CONVERSION, PIPELINE, translate
from ..export.producers.program import Program
from .entry import ProducerEntry

BATCH = 2
HEADS = 4
#: Heads of keys and values where several queries share one.
GROUPS = 2
LENGTH = 24
HEAD_DIM = 16
WIDTH = HEADS * HEAD_DIM
LAYERS = 2
SEED = 1

Generator = np.random.Generator


class Form(NamedTuple):
    """How an attention is written."""

    function: Callable[..., Any]
    #: Makes the example's arguments, arrays or trees of them.
    inputs: Callable[[Generator], Tuple[Any, ...]]
    attentions: int = 1


# Inputs -------------------------------------------------------------------------------------------


def _normal(generator: Generator, *shape: int) -> jax.Array:
    return jnp.asarray(generator.standard_normal(shape), jnp.float32)


def _heads(generator: Generator) -> Tuple[jax.Array, ...]:
    """Query, key and value, `[batch, head, token, channel]`."""
    return tuple(_normal(generator, BATCH, HEADS, LENGTH, HEAD_DIM) for _ in range(3))


def _tokens_first(generator: Generator, key_heads: int = HEADS) -> Tuple[jax.Array, ...]:
    """Query, key and value as jax.nn takes them, `[batch, token, head, channel]`."""
    return tuple(_normal(generator, BATCH, LENGTH, heads, HEAD_DIM)
                 for heads in (HEADS, key_heads, key_heads))


def _grouped(generator: Generator) -> Tuple[jax.Array, ...]:
    return _tokens_first(generator, GROUPS)


def _one_head(generator: Generator) -> Tuple[jax.Array, ...]:
    return tuple(_normal(generator, LENGTH, HEAD_DIM) for _ in range(3))


def _converted(make, dtype: Any):
    return lambda generator: tuple(array.astype(dtype) for array in make(generator))


def _allowed(generator: Generator) -> np.ndarray:
    """Booleans of the keys that each query may see, of no pattern; at least itself."""
    allowed = generator.random((BATCH, 1, LENGTH, LENGTH)) < 0.6
    return jnp.asarray(allowed | np.eye(LENGTH, dtype=bool))


def _bias(generator: Generator) -> jax.Array:
    return _normal(generator, 1, HEADS, LENGTH, LENGTH)


def _lengths(_: Generator) -> jax.Array:
    """How many keys each row of the batch has."""
    return jnp.asarray([LENGTH - 6, LENGTH - 1], jnp.int32)


def _with(make, *more: Callable[[Generator], Any]):
    return lambda generator: (*make(generator), *(maker(generator) for maker in more))


def _cache(generator: Generator) -> Tuple[jax.Array, ...]:
    """A new token's query, key and value, what was before it, and its position."""
    new = tuple(_normal(generator, BATCH, 1, HEADS, HEAD_DIM) for _ in range(3))
    cached = tuple(_normal(generator, BATCH, LENGTH, HEADS, HEAD_DIM) for _ in range(2))
    return (*new, *cached, jnp.asarray(LENGTH - 5, jnp.int32))


def _layer(generator: Generator) -> Dict[str, jax.Array]:
    """The weights of a transformer's layer."""

    def weight(rows: int, columns: int) -> jax.Array:
        return _normal(generator, rows, columns) / math.sqrt(rows)

    return {"qkv": weight(WIDTH, 3 * WIDTH), "out": weight(WIDTH, WIDTH),
            "up": weight(WIDTH, 2 * WIDTH), "down": weight(2 * WIDTH, WIDTH),
            "up_bias": 0.1 * _normal(generator, 2 * WIDTH),
            "scale": 1 + 0.1 * _normal(generator, WIDTH), "shift": 0.1 * _normal(generator, WIDTH)}


def _layer_and_tokens(generator: Generator) -> Tuple[Any, ...]:
    return _layer(generator), _normal(generator, BATCH, LENGTH, WIDTH)


def _layers_and_tokens(generator: Generator) -> Tuple[Any, ...]:
    """The weights of all layers in one array each, as lax.scan takes them."""
    layers = [_layer(generator) for _ in range(LAYERS)]
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *layers), \
        _normal(generator, BATCH, LENGTH, WIDTH)


def _dense_and_tokens(generator: Generator) -> Tuple[Any, ...]:
    """Kernels of `[width, head, channel]`, as Flax's MultiHeadDotProductAttention has them."""
    kernels = {name: _normal(generator, WIDTH, HEADS, HEAD_DIM) / math.sqrt(WIDTH)
               for name in ("query", "key", "value")}
    kernels["out"] = _normal(generator, HEADS, HEAD_DIM, WIDTH) / math.sqrt(WIDTH)
    return kernels, _normal(generator, BATCH, LENGTH, WIDTH)


# Functions ----------------------------------------------------------------------------------------


def _plain(q, k, v):
    return jax.nn.softmax(q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])) @ v


def _einsum(q, k, v):
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / jnp.sqrt(q.shape[-1])
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, axis=-1), v)


def _written(q, k, v):
    scores = jnp.einsum("bhqd,bhkd->bhqk", q * q.shape[-1]**-0.5, k)
    powers = jnp.exp(scores - jax.lax.stop_gradient(scores.max(-1, keepdims=True)))
    return jnp.einsum("bhqk,bhkd->bhqd", powers / powers.sum(-1, keepdims=True), v)


def _dot_product(**options: Any):
    return lambda q, k, v: jax.nn.dot_product_attention(q, k, v, **options)


def _with_bias(q, k, v, bias):
    return jax.nn.dot_product_attention(q, k, v, bias=bias)


def _with_mask(q, k, v, mask):
    return jax.nn.dot_product_attention(q, k, v, mask=mask)


def _with_lengths(q, k, v, lengths):
    return jax.nn.dot_product_attention(q, k, v, key_value_seq_lengths=lengths)


def _where_argument(q, k, v, allowed):
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    return jax.nn.softmax(scores, axis=-1, where=allowed) @ v


def _additive_mask(q, k, v, allowed):
    """The mask is added, in the type of the scores."""
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    mask = jnp.where(allowed, 0, jnp.finfo(scores.dtype).min).astype(scores.dtype)
    return jax.nn.softmax(scores + mask) @ v


def _alibi(q, k, v):
    """A slope for each head times the distance, and a causal mask."""
    slopes = 2.0**(-8.0 * jnp.arange(1, HEADS + 1) / HEADS)
    positions = jnp.arange(LENGTH)
    distance = positions - positions[:, None]
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1]) + slopes[:, None, None] * distance
    return jax.nn.softmax(jnp.where(distance <= 0, scores, -jnp.inf)) @ v


def _decode(q, k, v, keys, values, position):
    """One query, with a cache that it is put into; what comes behind it is not there yet."""
    keys = jax.lax.dynamic_update_slice_in_dim(keys, k, position, axis=1)
    values = jax.lax.dynamic_update_slice_in_dim(values, v, position, axis=1)
    allowed = (jnp.arange(keys.shape[1]) <= position)[None, None, None]
    return jax.nn.dot_product_attention(q, keys, values, mask=allowed), keys, values


def _rotated(array):
    """Rotary positions."""
    half = array.shape[-1] // 2
    angles = jnp.arange(array.shape[1])[:, None] * 10000.0**(-jnp.arange(half) / half)
    sine, cosine = jnp.sin(angles)[:, None], jnp.cos(angles)[:, None]
    left, right = jnp.split(array, 2, axis=-1)
    return jnp.concatenate([left * cosine - right * sine, right * cosine + left * sine], -1)


def _rotary_repeated(q, k, v):
    """As Llama in JAX: rotary positions, repeated key heads, a causal mask, softmax in f32."""
    q, k = _rotated(q), _rotated(k)
    k, v = (jnp.repeat(array, q.shape[2] // k.shape[2], axis=2) for array in (k, v))
    scores = jnp.einsum("bthd,bshd->bhts", q, k) / math.sqrt(q.shape[-1])
    causal = jnp.tril(jnp.ones((q.shape[1], k.shape[1]), bool))
    scores = jnp.where(causal[None, None], scores, jnp.finfo(scores.dtype).min)
    probabilities = jax.nn.softmax(scores.astype(jnp.float32), axis=-1).astype(v.dtype)
    return jnp.einsum("bhts,bshd->bthd", probabilities, v)


def _grouped_einsum(q, k, v):
    """The queries get a group dimension."""
    batch, length, _, channels = q.shape
    q = q.reshape(batch, length, k.shape[2], -1, channels)
    scores = jnp.einsum("btkgd,bskd->bkgts", q, k) * channels**-0.5
    result = jnp.einsum("bkgts,bskd->btkgd", jax.nn.softmax(scores), v)
    return result.reshape(batch, length, -1, channels)


def _flax(kernels, tokens):
    """The attention of Flax: kernels with a dimension of heads, the scale on the query."""
    q, k, v = (jnp.einsum("...td,dhc->...thc", tokens, kernels[name])
               for name in ("query", "key", "value"))
    q = q / jnp.sqrt(q.shape[-1]).astype(q.dtype)
    scores = jnp.einsum("...qhd,...khd->...hqk", q, k)
    causal = jnp.greater_equal(jnp.arange(LENGTH)[:, None], jnp.arange(LENGTH))
    scores = jnp.where(causal, scores, jnp.finfo(scores.dtype).min)
    mixed = jnp.einsum("...hqk,...khd->...qhd", jax.nn.softmax(scores), v)
    return jnp.einsum("...thc,hcd->...td", mixed, kernels["out"])


def _normalized(weights, tokens):
    mean = tokens.mean(-1, keepdims=True)
    variance = ((tokens - mean)**2).mean(-1, keepdims=True)
    return (tokens - mean) * jax.lax.rsqrt(variance + 1e-5) * weights["scale"] + weights["shift"]


def _block(weights, tokens):
    """A transformer's layer: normalisation, causal attention, an MLP."""
    batch, length, _ = tokens.shape
    q, k, v = jnp.split(_normalized(weights, tokens) @ weights["qkv"], 3, axis=-1)
    q, k, v = (part.reshape(batch, length, HEADS, HEAD_DIM) for part in (q, k, v))
    mixed = jax.nn.dot_product_attention(q, k, v, is_causal=True)
    tokens = tokens + mixed.reshape(batch, length, WIDTH) @ weights["out"]
    inner = jax.nn.gelu(_normalized(weights, tokens) @ weights["up"] + weights["up_bias"])
    return tokens + inner @ weights["down"]


def _scanned(layers, tokens):
    return jax.lax.scan(lambda state, weights: (_block(weights, state), None), tokens, layers)[0]


def _mapped_queries(q, k, v):
    """Blocks of queries one after another, each with all keys."""
    blocks = jnp.stack(jnp.split(q, LENGTH // 8, axis=2))
    mixed = jax.lax.map(lambda block: _plain(block, k, v), blocks)
    return jnp.concatenate(list(mixed), axis=2)


FORMS: Dict[str, Form] = {
    # Written out.
    "plain": Form(_plain, _heads),
    "plain-f16": Form(_plain, _converted(_heads, jnp.float16)),
    "one-head": Form(_plain, _one_head),
    "einsum": Form(_einsum, _tokens_first),
    "written-softmax": Form(_written, _heads),
    "vmap-heads": Form(jax.vmap(jax.vmap(_plain)), _heads),
    "vmap-heads-last": Form(jax.vmap(jax.vmap(_plain, 1, 1)), _tokens_first),
    "grouped-einsum": Form(_grouped_einsum, _grouped),
    "additive-mask": Form(_additive_mask, _with(_heads, _allowed)),
    "additive-mask-f16": Form(_additive_mask,
                              _with(_converted(_heads, jnp.float16), _allowed)),
    "softmax-where": Form(_where_argument, _with(_heads, _allowed)),
    "alibi": Form(_alibi, _heads),
    "rotary-repeated": Form(_rotary_repeated, _grouped),
    # jax.nn.dot_product_attention.
    "dpa": Form(_dot_product(), _tokens_first),
    "dpa-scale": Form(_dot_product(scale=0.3), _tokens_first),
    "dpa-causal": Form(_dot_product(is_causal=True), _tokens_first),
    "dpa-grouped": Form(_dot_product(), _grouped),
    "dpa-grouped-causal": Form(_dot_product(is_causal=True), _grouped),
    "dpa-window": Form(_dot_product(local_window_size=(7, 0)), _tokens_first),
    "dpa-lengths": Form(_with_lengths, _with(_tokens_first, _lengths)),
    "dpa-bias": Form(_with_bias, _with(_tokens_first, _bias)),
    "dpa-mask": Form(_with_mask, _with(_tokens_first, _allowed)),
    "dpa-bf16": Form(_dot_product(is_causal=True), _converted(_tokens_first, jnp.bfloat16)),
    "dpa-decode": Form(_decode, _cache),
    # Layers.
    "flax": Form(_flax, _dense_and_tokens),
    "block": Form(_block, _layer_and_tokens),
    "scan-layers": Form(_scanned, _layers_and_tokens),
    "map-queries": Form(_mapped_queries, _heads),
}


def _translate(form: Form, passes: str) -> Program:
    return translate(form.function, form.inputs(np.random.default_rng(SEED)), "JAX", passes)


def entries() -> Iterator[ProducerEntry]:
    """Every form by IREE's pipeline, and by its conversion alone, which keeps private functions."""
    for family, passes in (("jax", PIPELINE), ("jax-calls", CONVERSION)):
        for name, form in FORMS.items():
            yield ProducerEntry(f"{family}-{name}", family, name, "static", form.attentions,
                                False, functools.partial(_translate, form, passes))
