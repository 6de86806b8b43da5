# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attentions written by hand in the ways that PyTorch code writes them."""

from __future__ import annotations

import functools
import math
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F

from ..export.inputs import attention_mask
from ..export.models import LoadedModel, randomize, tensor_model
from ..export.wrapping import Argument
from .entry import TorchEntry

BATCH = 2
HEADS = 4
#: Heads of keys and values where several queries share one.
GROUPS = 2
LENGTH = 24
#: The keys' number in cross attention.
OTHER_LENGTH = 40
HEAD_DIM = 16
VALUE_DIM = 24
WIDTH = HEADS * HEAD_DIM
SEED = 1


class Form(NamedTuple):
    """How an attention is written."""

    #: A module of the example's tensors.
    module: Callable[[], torch.nn.Module]
    #: Makes the example's tensors from a random generator.
    inputs: Callable[[torch.Generator], Tuple[torch.Tensor, ...]]
    attentions: int = 1
    dtype: str = "f32"
    #: The dynamic dimensions of each input; none for static sizes.
    axes: Optional[Tuple[Dict[int, str], ...]] = None
    fused: bool = False


# Inputs -------------------------------------------------------------------------------------------


def _normal(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator)


def _heads(queries: int = LENGTH, keys: int = LENGTH, key_heads: int = HEADS,
           value_dim: int = HEAD_DIM):
    """Query, key and value, `[batch, head, token, channel]`."""

    def make(generator: torch.Generator) -> Tuple[torch.Tensor, ...]:
        return (_normal(generator, BATCH, HEADS, queries, HEAD_DIM),
                _normal(generator, BATCH, key_heads, keys, HEAD_DIM),
                _normal(generator, BATCH, key_heads, keys, value_dim))

    return make


def _tokens(generator: torch.Generator) -> Tuple[torch.Tensor, ...]:
    """Token embeddings, `[batch, token, channel]`."""
    return (_normal(generator, BATCH, LENGTH, WIDTH),)


def _padded_tokens(generator: torch.Generator) -> Tuple[torch.Tensor, ...]:
    """Token embeddings and the booleans of what is padding."""
    return _tokens(generator) + (attention_mask(BATCH, LENGTH, "right") == 0,)


def _two_sequences(generator: torch.Generator) -> Tuple[torch.Tensor, ...]:
    return (_normal(generator, BATCH, LENGTH, WIDTH),
            _normal(generator, BATCH, OTHER_LENGTH, WIDTH))


def _with(make, *more: Callable[[torch.Generator], torch.Tensor]):
    def both(generator: torch.Generator) -> Tuple[torch.Tensor, ...]:
        return tuple(make(generator)) + tuple(maker(generator) for maker in more)

    return both


def _allowed(generator: torch.Generator) -> torch.Tensor:
    """Booleans of the keys that each query may see, of no pattern; at least itself."""
    allowed = torch.rand(BATCH, 1, LENGTH, LENGTH, generator=generator) < 0.6
    return allowed | torch.eye(LENGTH, dtype=torch.bool)


def _allowed_with_empty_rows(generator: torch.Generator) -> torch.Tensor:
    """As _allowed, but two queries see nothing."""
    allowed = _allowed(generator)
    allowed[:, :, [3, 11]] = False
    return allowed


def _additive_mask(generator: torch.Generator) -> torch.Tensor:
    """0 where a key may be seen, minus infinity elsewhere."""
    return torch.zeros(BATCH, 1, LENGTH, LENGTH).masked_fill(~_allowed(generator), -math.inf)


def _bias(generator: torch.Generator) -> torch.Tensor:
    """A bias that is no mask, `[1, head, query, key]`."""
    return _normal(generator, 1, HEADS, LENGTH, LENGTH)


# Modules ------------------------------------------------------------------------------------------


class Function(torch.nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., torch.Tensor]):
        super().__init__()
        self.function = function

    def forward(self, *tensors: torch.Tensor):
        return self.function(*tensors)


def _function(function: Callable[..., object]) -> Callable[[], torch.nn.Module]:
    return lambda: Function(function)


def _sdpa(**options: object) -> Callable[[], torch.nn.Module]:
    return _function(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options))


def _eager(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1) @ v


def _scaled_query(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return torch.softmax((q * q.shape[-1]**-0.5) @ k.transpose(-1, -2), -1) @ v


def _scaled_both(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    factor = q.shape[-1]**-0.25
    return torch.softmax((q * factor) @ (k * factor).transpose(-1, -2), -1) @ v


def _unscaled(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return torch.softmax(q @ k.transpose(-1, -2), -1) @ v


def _written_softmax(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True) @ v


def _late_division(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers @ v / powers.sum(-1, keepdim=True)


def _einsum(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    scores = torch.einsum("bhid,bhjd->bhij", q, k) * q.shape[-1]**-0.5
    return torch.einsum("bhij,bhjd->bhid", scores.softmax(-1), v)


def _einsum_tokens_first(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    scores = torch.einsum("bihd,bjhd->bhij", q, k) * q.shape[-1]**-0.5
    return torch.einsum("bhij,bjhd->bihd", scores.softmax(-1), v)


def _three_dimensions(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Batch and heads in one dimension, as torch.bmm takes them."""
    q, k, v = (tensor.flatten(0, 1) for tensor in (q, k, v))
    scores = torch.bmm(q, k.transpose(1, 2)) / math.sqrt(q.shape[-1])
    return torch.bmm(torch.softmax(scores, -1), v)


def _scaled_product(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Bias and product at once, as older code does."""
    q, k, v = (tensor.flatten(0, 1) for tensor in (q, k, v))
    scores = torch.baddbmm(q.new_zeros(1, 1, 1), q, k.transpose(1, 2), beta=0.0,
                           alpha=q.shape[-1]**-0.5)
    return torch.bmm(torch.softmax(scores, -1), v)


def _masked_eager(mask: Callable[[torch.Tensor], torch.Tensor]):
    """An eager attention whose scores pass through a mask."""

    def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *extra: torch.Tensor):
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        return torch.softmax(mask(scores, *extra), -1) @ v

    return attention


def _causal_tril(scores: torch.Tensor) -> torch.Tensor:
    queries, keys = scores.shape[-2:]
    allowed = torch.tril(torch.ones(queries, keys, dtype=torch.bool))
    return scores.masked_fill(~allowed, -math.inf)


def _causal_positions(scores: torch.Tensor) -> torch.Tensor:
    queries, keys = scores.shape[-2:]
    allowed = torch.arange(keys) <= torch.arange(queries)[:, None]
    return torch.where(allowed, scores, torch.finfo(scores.dtype).min)


def _causal_triu(scores: torch.Tensor) -> torch.Tensor:
    queries, keys = scores.shape[-2:]
    return scores + torch.triu(torch.full((queries, keys), -math.inf), diagonal=1)


def _window(scores: torch.Tensor) -> torch.Tensor:
    """Each query sees the 8 keys that end at itself."""
    queries, keys = scores.shape[-2:]
    distance = torch.arange(queries)[:, None] - torch.arange(keys)
    return scores.masked_fill((distance < 0) | (distance >= 8), -math.inf)


def _symmetric_window(scores: torch.Tensor) -> torch.Tensor:
    queries, keys = scores.shape[-2:]
    distance = torch.arange(queries)[:, None] - torch.arange(keys)
    return torch.where(distance.abs() <= 4, scores, torch.finfo(scores.dtype).min)


def _alibi(scores: torch.Tensor) -> torch.Tensor:
    """A slope for each head times the distance, added to a causal attention."""
    heads, queries, keys = scores.shape[-3:]
    slopes = 2.0**(-8.0 * torch.arange(1, heads + 1) / heads)
    distance = torch.arange(keys) - torch.arange(queries)[:, None]
    return _causal_tril(scores + slopes[:, None, None] * distance)


def _softcap(scores: torch.Tensor) -> torch.Tensor:
    return 5.0 * torch.tanh(scores / 5.0)


def _with_probabilities(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor):
    probabilities = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1)
    return probabilities @ v, probabilities


def _f32_softmax(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Softmax in f32 of scores in another type, as Hugging Face's eager attention does."""
    scores = q @ k.transpose(-1, -2) * q.shape[-1]**-0.5
    return torch.softmax(scores, -1, dtype=torch.float32).to(q.dtype) @ v


def _repeated_heads(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    repeats = q.shape[1] // k.shape[1]
    return _eager(q, k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1))


def _expanded_heads(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    repeats = q.shape[1] // k.shape[1]
    k, v = (tensor[:, :, None].expand(-1, -1, repeats, -1, -1).flatten(1, 2) for tensor in (k, v))
    return _eager(q, k, v)


def _grouped_queries(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """The queries get a group dimension; keys and values are broadcast over it."""
    q = q.unflatten(1, (k.shape[1], -1))
    return _eager(q, k[:, :, None], v[:, :, None]).flatten(1, 2)


class Projected(torch.nn.Module):
    """Self attention with its projections, by the given function of heads."""

    def __init__(self, attention: Callable[..., torch.Tensor], packed: bool):
        super().__init__()
        self.attention = attention
        self.packed = torch.nn.Linear(WIDTH, 3 * WIDTH) if packed else None
        if not packed:
            self.query, self.key, self.value = (torch.nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.output = torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        batch, length, _ = tokens.shape
        if self.packed is not None:
            heads = self.packed(tokens).view(batch, length, 3, HEADS, HEAD_DIM)
            q, k, v = heads.permute(2, 0, 3, 1, 4).unbind(0)
        else:
            q, k, v = (part(tokens).view(batch, length, HEADS, HEAD_DIM).transpose(1, 2)
                       for part in (self.query, self.key, self.value))
        result = self.attention(q, k, v)
        return self.output(result.transpose(1, 2).reshape(batch, length, WIDTH))


class Cross(torch.nn.Module):
    """Attention from one sequence to another by torch.nn.MultiheadAttention."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    def forward(self, tokens: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        return self.attention(tokens, memory, memory, need_weights=False)[0]


class Multihead(torch.nn.Module):
    """Self attention by torch.nn.MultiheadAttention, with padding where it is given."""

    def __init__(self, weights: bool = False) -> None:
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.weights = weights

    def forward(self, tokens: torch.Tensor, padding: Optional[torch.Tensor] = None):
        result = self.attention(tokens, tokens, tokens, key_padding_mask=padding,
                                need_weights=self.weights)
        return result if self.weights else result[0]


class CausalMultihead(torch.nn.Module):
    """torch.nn.MultiheadAttention with a causal mask."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        mask = torch.nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        return self.attention(tokens, tokens, tokens, attn_mask=mask, is_causal=True,
                              need_weights=False)[0]


def _encoder_layer() -> torch.nn.Module:
    return torch.nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, batch_first=True)


def _encoder() -> torch.nn.Module:
    return torch.nn.TransformerEncoder(_encoder_layer(), 2, enable_nested_tensor=False)


def _decoder_layer() -> torch.nn.Module:
    return torch.nn.TransformerDecoderLayer(WIDTH, HEADS, 2 * WIDTH, batch_first=True)


def _masked_sdpa(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


#: Batch and length of query, key and value where they are dynamic.
_SAME_LENGTH = ({0: "batch", 2: "length"},) * 3
_TWO_LENGTHS = ({0: "batch", 2: "length"},) + ({0: "batch", 2: "key_length"},) * 2
_TOKEN_AXES = ({0: "batch", 1: "length"},)

FORMS: Dict[str, Form] = {
    # scaled_dot_product_attention.
    "sdpa": Form(_sdpa(), _heads()),
    "sdpa-scale": Form(_sdpa(scale=0.3), _heads()),
    "sdpa-causal": Form(_sdpa(is_causal=True), _heads()),
    "sdpa-bool-mask": Form(_function(_masked_sdpa), _with(_heads(), _allowed)),
    "sdpa-empty-rows": Form(_function(_masked_sdpa), _with(_heads(), _allowed_with_empty_rows)),
    "sdpa-float-mask": Form(_function(_masked_sdpa), _with(_heads(), _additive_mask)),
    "sdpa-bias": Form(_function(_masked_sdpa), _with(_heads(), _bias)),
    "sdpa-cross": Form(_sdpa(), _heads(keys=OTHER_LENGTH)),
    "sdpa-causal-cross": Form(_sdpa(is_causal=True), _heads(keys=OTHER_LENGTH)),
    "sdpa-value-width": Form(_sdpa(), _heads(value_dim=VALUE_DIM)),
    "sdpa-grouped": Form(_sdpa(enable_gqa=True), _heads(key_heads=GROUPS)),
    "sdpa-grouped-causal": Form(_sdpa(enable_gqa=True, is_causal=True), _heads(key_heads=GROUPS)),
    "sdpa-f16": Form(_sdpa(), _heads(), dtype="f16"),
    "sdpa-causal-f16": Form(_sdpa(is_causal=True), _heads(), dtype="f16"),
    "sdpa-bf16": Form(_sdpa(), _heads(), dtype="bf16"),
    "sdpa-dynamic": Form(_sdpa(), _heads(), axes=_SAME_LENGTH),
    "sdpa-causal-dynamic": Form(_sdpa(is_causal=True), _heads(), axes=_SAME_LENGTH),
    "sdpa-cross-dynamic": Form(_sdpa(), _heads(keys=OTHER_LENGTH), axes=_TWO_LENGTHS),
    "sdpa-grouped-dynamic": Form(_sdpa(enable_gqa=True), _heads(key_heads=GROUPS),
                                 axes=_SAME_LENGTH),
    # The same as one operation, tm_tensor.attention.
    "fused": Form(_sdpa(), _heads(), fused=True),
    "fused-causal": Form(_sdpa(is_causal=True), _heads(), fused=True),
    "fused-bool-mask": Form(_function(_masked_sdpa), _with(_heads(), _allowed), fused=True),
    "fused-float-mask": Form(_function(_masked_sdpa), _with(_heads(), _additive_mask), fused=True),
    "fused-grouped": Form(_sdpa(enable_gqa=True), _heads(key_heads=GROUPS), fused=True),
    "fused-dynamic": Form(_sdpa(), _heads(), axes=_SAME_LENGTH, fused=True),
    # Written out.
    "eager": Form(_function(_eager), _heads()),
    "eager-f16": Form(_function(_eager), _heads(), dtype="f16"),
    "eager-bf16": Form(_function(_eager), _heads(), dtype="bf16"),
    "eager-f16-softmax-f32": Form(_function(_f32_softmax), _heads(), dtype="f16"),
    "eager-bf16-softmax-f32": Form(_function(_f32_softmax), _heads(), dtype="bf16"),
    "eager-dynamic": Form(_function(_eager), _heads(), axes=_SAME_LENGTH),
    "eager-cross": Form(_function(_eager), _heads(keys=OTHER_LENGTH)),
    "eager-value-width": Form(_function(_eager), _heads(value_dim=VALUE_DIM)),
    "scaled-query": Form(_function(_scaled_query), _heads()),
    "scaled-query-and-key": Form(_function(_scaled_both), _heads()),
    "unscaled": Form(_function(_unscaled), _heads()),
    "written-softmax": Form(_function(_written_softmax), _heads()),
    "late-division": Form(_function(_late_division), _heads()),
    "einsum": Form(_function(_einsum), _heads()),
    "einsum-tokens-first": Form(
        _function(_einsum_tokens_first),
        lambda generator: tuple(tensor.transpose(1, 2).contiguous()
                                for tensor in _heads()(generator))),
    "three-dimensions": Form(_function(_three_dimensions), _heads()),
    "baddbmm": Form(_function(_scaled_product), _heads()),
    "repeated-heads": Form(_function(_repeated_heads), _heads(key_heads=GROUPS)),
    "expanded-heads": Form(_function(_expanded_heads), _heads(key_heads=GROUPS)),
    "grouped-queries": Form(_function(_grouped_queries), _heads(key_heads=GROUPS)),
    "one-key-head": Form(_function(_eager), _heads(key_heads=1)),
    # Masks and biases.
    "causal-tril": Form(_function(_masked_eager(_causal_tril)), _heads()),
    "causal-positions": Form(_function(_masked_eager(_causal_positions)), _heads()),
    "causal-triu": Form(_function(_masked_eager(_causal_triu)), _heads()),
    "causal-tril-dynamic": Form(_function(_masked_eager(_causal_tril)), _heads(),
                                axes=_SAME_LENGTH),
    "causal-positions-dynamic": Form(_function(_masked_eager(_causal_positions)), _heads(),
                                     axes=_SAME_LENGTH),
    "window": Form(_function(_masked_eager(_window)), _heads()),
    "window-dynamic": Form(_function(_masked_eager(_window)), _heads(), axes=_SAME_LENGTH),
    "symmetric-window": Form(_function(_masked_eager(_symmetric_window)), _heads()),
    "masked-fill": Form(
        _function(_masked_eager(lambda scores, allowed: scores.masked_fill(~allowed, -1e9))),
        _with(_heads(), _allowed)),
    "additive-mask": Form(_function(_masked_eager(lambda scores, mask: scores + mask)),
                          _with(_heads(), _additive_mask)),
    "bias": Form(_function(_masked_eager(lambda scores, bias: scores + bias)),
                 _with(_heads(), _bias)),
    "alibi": Form(_function(_masked_eager(_alibi)), _heads()),
    "softcap": Form(_function(_masked_eager(_softcap)), _heads()),
    "probabilities": Form(_function(_with_probabilities), _heads()),
    # Modules with projections.
    "packed-projection": Form(lambda: Projected(_eager, packed=True), _tokens),
    "packed-projection-sdpa": Form(lambda: Projected(F.scaled_dot_product_attention, packed=True),
                                   _tokens),
    "projections": Form(lambda: Projected(_eager, packed=False), _tokens),
    "packed-projection-dynamic": Form(lambda: Projected(_eager, packed=True), _tokens,
                                      axes=_TOKEN_AXES),
    "multihead": Form(Multihead, _tokens),
    "multihead-padded": Form(Multihead, _padded_tokens),
    "multihead-weights": Form(lambda: Multihead(weights=True), _tokens),
    "multihead-causal": Form(CausalMultihead, _tokens),
    "multihead-cross": Form(Cross, _two_sequences),
    "multihead-dynamic": Form(Multihead, _tokens, axes=_TOKEN_AXES),
    "encoder-layer": Form(_encoder_layer, _tokens),
    "encoder": Form(_encoder, _tokens, attentions=2),
    "decoder-layer": Form(_decoder_layer, _two_sequences, attentions=2),
}


def _load(form: Form) -> LoadedModel:
    inputs = form.inputs(torch.Generator().manual_seed(SEED))
    axes = form.axes or ({},) * len(inputs)
    arguments = [Argument(str(position), tensor, dimensions)
                 for position, (tensor, dimensions) in enumerate(zip(inputs, axes))]
    torch.manual_seed(SEED)  # What randomize adds to, such as biases, is random already.
    module = form.module()
    randomize(module, SEED)
    return LoadedModel(tensor_model(module, arguments, form.dtype), {})


def entries() -> Iterator[TorchEntry]:
    """Every form, each a model of its own."""
    for name, form in FORMS.items():
        yield TorchEntry(f"form-{name}", "torch", name.replace("-dynamic", ""),
                         "dynamic" if form.axes else "static", form.attentions, bool(form.axes),
                         functools.partial(_load, form), fused_attention=form.fused)
