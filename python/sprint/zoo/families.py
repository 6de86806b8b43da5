# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Model families of Hugging Face transformers, each in a small configuration."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

from ..export.inputs import Sizes
from ..export.models import LoadedModel, Request, load
from .entry import TorchEntry

#: Layers, and the sizes that most families share.
LAYERS = 2
WIDTH = 64
HEADS = 4
VOCABULARY = 128
#: The examples of padded and of dynamic models have several rows.
BATCH = 2
LENGTH = 24


@dataclasses.dataclass(frozen=True)
class Family:
    """A family with a configuration small enough for tests."""

    name: str
    model_type: str
    #: Settings of the configuration that make it small.
    config: Dict[str, Any]
    #: How many attentions the model has.
    attentions: int
    #: Whether it takes an attention_mask.
    masked: bool = True
    #: On which side its users pad.
    padding: str = "right"
    length: int = LENGTH
    attention: Tuple[str, ...] = ("eager", "sdpa")
    #: The results to compare, where they are not those of the exporter's choice.
    outputs: Optional[Tuple[str, ...]] = None


def _bert(**more: Any) -> Dict[str, Any]:
    return {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "intermediate_size": 2 * WIDTH, "vocab_size": VOCABULARY,
            "max_position_embeddings": 64, **more}


def _decoder(**more: Any) -> Dict[str, Any]:
    return {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "intermediate_size": 2 * WIDTH, "vocab_size": VOCABULARY,
            "max_position_embeddings": 64, **more}


def _bart(**more: Any) -> Dict[str, Any]:
    return {"d_model": WIDTH, "encoder_layers": LAYERS, "decoder_layers": LAYERS,
            "encoder_attention_heads": HEADS, "decoder_attention_heads": HEADS,
            "encoder_ffn_dim": 2 * WIDTH, "decoder_ffn_dim": 2 * WIDTH, "vocab_size": VOCABULARY,
            **more}


def _vision(**more: Any) -> Dict[str, Any]:
    return {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "intermediate_size": 2 * WIDTH, "image_size": 32, "patch_size": 8, **more}


_TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}

FAMILIES = (
    # Encoders.
    Family("bert", "bert", _bert(), LAYERS),
    Family("roberta", "roberta", _bert(), LAYERS),
    Family("xlm-roberta", "xlm-roberta", _bert(), LAYERS),
    Family("distilbert", "distilbert",
           {"dim": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": 2 * WIDTH,
            "vocab_size": VOCABULARY, "max_position_embeddings": 64}, LAYERS),
    Family("albert", "albert", _bert(embedding_size=32), LAYERS),
    Family("electra", "electra", _bert(embedding_size=32), LAYERS),
    Family("mpnet", "mpnet", _bert(), LAYERS, attention=("eager",)),
    Family("deberta", "deberta",
           _bert(relative_attention=True, pos_att_type=["p2c", "c2p"]), LAYERS,
           attention=("eager",)),
    Family("deberta-v2", "deberta-v2",
           _bert(relative_attention=True, pos_att_type=["p2c", "c2p"],
                 **{"+position_buckets": 16, "+share_att_key": True,
                    "+norm_rel_ebd": "layer_norm"}), LAYERS, attention=("eager",)),
    Family("modernbert", "modernbert",
           _bert(local_attention=8, layer_types=["full_attention", "sliding_attention"], **_TOKENS,
                 cls_token_id=1, sep_token_id=2), LAYERS),
    Family("roformer", "roformer", _bert(embedding_size=WIDTH), LAYERS, attention=("eager",)),
    Family("nomic-bert", "nomic_bert", _bert(), LAYERS),
    Family("camembert", "camembert", _bert(), LAYERS),
    Family("ernie", "ernie", _bert(), LAYERS),
    Family("xlnet", "xlnet",
           {"d_model": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "d_inner": 2 * WIDTH,
            "vocab_size": VOCABULARY}, LAYERS, attention=("eager",)),
    Family("esm", "esm", _bert(pad_token_id=1, mask_token_id=3), LAYERS),
    Family("squeezebert", "squeezebert", _bert(embedding_size=WIDTH), LAYERS, attention=("eager",)),
    Family("wav2vec2", "wav2vec2",
           {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "intermediate_size": 2 * WIDTH, "conv_dim": [32] * 7, "num_feat_extract_layers": 7,
            "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}, LAYERS,
           masked=False),
    Family("hubert", "hubert",
           {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "intermediate_size": 2 * WIDTH, "conv_dim": [32] * 7, "num_feat_extract_layers": 7,
            "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}, LAYERS,
           masked=False),
    # Decoders.
    Family("gpt2", "gpt2",
           {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "vocab_size": VOCABULARY,
            "n_positions": 64, "bos_token_id": 1, "eos_token_id": 2}, LAYERS, padding="left"),
    Family("gpt-neo", "gpt_neo",
           {"hidden_size": WIDTH, "num_layers": LAYERS, "num_heads": HEADS, "window_size": 8,
            "attention_types": [[["global", "local"], 1]], "vocab_size": VOCABULARY,
            "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2}, LAYERS,
           padding="left", attention=("eager",)),
    Family("gpt-neox", "gpt_neox", _decoder(), LAYERS, padding="left"),
    Family("opt", "opt",
           {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "ffn_dim": 2 * WIDTH, "word_embed_proj_dim": WIDTH, "vocab_size": VOCABULARY,
            "max_position_embeddings": 64}, LAYERS, padding="left"),
    Family("bloom", "bloom",
           {"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "vocab_size": VOCABULARY},
           LAYERS, padding="left", attention=("eager",)),
    Family("falcon", "falcon",
           {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "vocab_size": VOCABULARY, "multi_query": True}, LAYERS, padding="left"),
    Family("falcon-alibi", "falcon",
           {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "vocab_size": VOCABULARY, "alibi": True, "multi_query": False}, LAYERS,
           padding="left"),
    Family("llama", "llama", _decoder(num_key_value_heads=2), LAYERS, padding="left"),
    Family("mistral", "mistral", _decoder(num_key_value_heads=2, sliding_window=8), LAYERS,
           padding="left"),
    Family("qwen2", "qwen2", _decoder(num_key_value_heads=2), LAYERS, padding="left"),
    Family("qwen3", "qwen3", _decoder(num_key_value_heads=2, head_dim=16), LAYERS,
           padding="left"),
    Family("gemma", "gemma", _decoder(num_key_value_heads=1, head_dim=16), LAYERS,
           padding="left"),
    Family("gemma2", "gemma2",
           _decoder(num_key_value_heads=2, head_dim=16, sliding_window=8,
                    query_pre_attn_scalar=16), LAYERS, padding="left", attention=("eager",)),
    Family("gemma3", "gemma3_text",
           _decoder(num_key_value_heads=2, head_dim=16, sliding_window=8,
                    query_pre_attn_scalar=16, layer_types=["sliding_attention",
                                                           "full_attention"]), LAYERS,
           padding="left"),
    Family("phi", "phi", _decoder(), LAYERS, padding="left"),
    Family("phi3", "phi3", _decoder(num_key_value_heads=2, sliding_window=8, **_TOKENS), LAYERS,
           padding="left"),
    Family("olmo2", "olmo2", _decoder(num_key_value_heads=2, **_TOKENS), LAYERS, padding="left"),
    Family("mixtral", "mixtral",
           _decoder(num_key_value_heads=2, num_local_experts=2, sliding_window=8, **_TOKENS),
           LAYERS, padding="left"),
    Family("gptj", "gptj",
           {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "vocab_size": VOCABULARY,
            "n_positions": 64, "rotary_dim": 8, "bos_token_id": 1, "eos_token_id": 2}, LAYERS,
           padding="left", attention=("eager",)),
    Family("codegen", "codegen",
           {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "vocab_size": VOCABULARY,
            "n_positions": 64, "rotary_dim": 8, "bos_token_id": 1, "eos_token_id": 2}, LAYERS,
           padding="left", attention=("eager",)),
    Family("gpt-bigcode", "gpt_bigcode",
           {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "vocab_size": VOCABULARY,
            "n_positions": 64, "bos_token_id": 1, "eos_token_id": 2}, LAYERS, padding="left"),
    Family("mpt", "mpt",
           {"d_model": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "vocab_size": VOCABULARY,
            "max_seq_len": 64}, LAYERS, padding="left", attention=("eager",)),
    Family("xglm", "xglm",
           {"d_model": WIDTH, "num_layers": LAYERS, "attention_heads": HEADS,
            "ffn_dim": 2 * WIDTH, "vocab_size": VOCABULARY, "max_position_embeddings": 64},
           LAYERS, padding="left", attention=("eager",)),
    Family("cohere", "cohere", _decoder(num_key_value_heads=2, **_TOKENS), LAYERS,
           padding="left"),
    Family("stablelm", "stablelm", _decoder(num_key_value_heads=2, **_TOKENS), LAYERS,
           padding="left"),
    Family("starcoder2", "starcoder2",
           _decoder(num_key_value_heads=2, sliding_window=8, **_TOKENS), LAYERS, padding="left"),
    # Its configuration's own factor of the scores, 1, is not that of any trained model.
    Family("granite", "granite",
           _decoder(num_key_value_heads=2, attention_multiplier=(WIDTH / HEADS) ** -0.5, **_TOKENS),
           LAYERS, padding="left"),
    Family("gpt-oss", "gpt_oss",
           _decoder(num_key_value_heads=2, head_dim=16, sliding_window=8, num_local_experts=2,
                    num_experts_per_tok=1, **_TOKENS), LAYERS, padding="left",
           attention=("eager",)),
    Family("smollm3", "smollm3", _decoder(num_key_value_heads=2, **_TOKENS), LAYERS,
           padding="left"),
    # Encoder-decoders: each decoder layer has two attentions.
    Family("t5", "t5",
           {"d_model": WIDTH, "d_kv": 16, "d_ff": 2 * WIDTH, "num_layers": LAYERS,
            "num_decoder_layers": LAYERS, "num_heads": HEADS, "vocab_size": VOCABULARY},
           3 * LAYERS),
    Family("bart", "bart", _bart(max_position_embeddings=64), 3 * LAYERS),
    Family("marian", "marian",
           _bart(max_position_embeddings=64, pad_token_id=0, decoder_start_token_id=0,
                 eos_token_id=2, decoder_vocab_size=VOCABULARY), 3 * LAYERS),
    Family("whisper", "whisper",
           _bart(num_mel_bins=16, max_source_positions=24, max_target_positions=32,
                 decoder_start_token_id=1, **_TOKENS), 3 * LAYERS, masked=False),
    Family("mt5", "mt5",
           {"d_model": WIDTH, "d_kv": 16, "d_ff": 2 * WIDTH, "num_layers": LAYERS,
            "num_decoder_layers": LAYERS, "num_heads": HEADS, "vocab_size": VOCABULARY},
           3 * LAYERS),
    Family("mbart", "mbart", _bart(max_position_embeddings=64), 3 * LAYERS),
    Family("pegasus", "pegasus", _bart(max_position_embeddings=64), 3 * LAYERS),
    Family("m2m-100", "m2m_100", _bart(max_position_embeddings=64), 3 * LAYERS),
    Family("blenderbot", "blenderbot", _bart(max_position_embeddings=64), 3 * LAYERS),
    # Vision, and vision with text.
    Family("vit", "vit", _vision(), LAYERS, masked=False),
    Family("deit", "deit", _vision(), LAYERS, masked=False),
    Family("beit", "beit", _vision(use_relative_position_bias=True), LAYERS, masked=False),
    Family("dinov2", "dinov2",
           {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "image_size": 32, "patch_size": 8}, LAYERS, masked=False),
    # The second block of a Swin stage shifts its windows and masks what wraps around.
    Family("swin", "swin",
           {"image_size": 32, "patch_size": 2, "embed_dim": 32, "depths": [2, 2],
            "num_heads": [2, 4], "window_size": 4}, 4, masked=False),
    # Its logits are cosines of embeddings that random weights make nearly orthogonal: small
    # differences of large numbers.
    Family("clip", "clip",
           {"projection_dim": 32,
            "text_config.hidden_size": WIDTH, "text_config.num_hidden_layers": LAYERS,
            "text_config.num_attention_heads": HEADS, "text_config.intermediate_size": 2 * WIDTH,
            "text_config.vocab_size": VOCABULARY, "text_config.max_position_embeddings": 32,
            "text_config.bos_token_id": 1, "text_config.eos_token_id": 2,
            **{f"vision_config.{key}": value for key, value in _vision().items()}}, 2 * LAYERS,
           outputs=("text_embeds", "image_embeds")),
    Family("swinv2", "swinv2",
           {"image_size": 32, "patch_size": 2, "embed_dim": 32, "depths": [2, 2],
            "num_heads": [2, 4], "window_size": 4}, 4, masked=False, attention=("eager",)),
    Family("segformer", "segformer",
           {"+image_size": 32, "num_encoder_blocks": 2, "depths": [1, 1], "sr_ratios": [2, 1],
            "hidden_sizes": [32, 64], "num_attention_heads": [2, 4], "patch_sizes": [3, 3],
            "strides": [2, 2], "mlp_ratios": [2, 2]}, 2, masked=False),
    Family("pvt", "pvt",
           {"image_size": 32, "num_encoder_blocks": 2, "depths": [1, 1],
            "sequence_reduction_ratios": [2, 1], "hidden_sizes": [32, 64],
            "num_attention_heads": [2, 4], "patch_sizes": [4, 2], "strides": [4, 2],
            "mlp_ratios": [2, 2]}, 2, masked=False, attention=("eager",)),
    Family("vit-msn", "vit_msn", _vision(), LAYERS, masked=False),
    Family("data2vec-vision", "data2vec-vision", _vision(use_relative_position_bias=True), LAYERS,
           masked=False),
    Family("yolos", "yolos", _vision(image_size=[32, 32], num_detection_tokens=4), LAYERS,
           masked=False),
    Family("ijepa", "ijepa", _vision(), LAYERS, masked=False),
    # Without that of its pooling head, which last_hidden_state does not depend on.
    Family("siglip-vision", "siglip_vision_model", _vision(), LAYERS, masked=False),
)


def _loader(family: Family, attention: str, padding: str,
            batch: int) -> Callable[[], LoadedModel]:
    request = Request(model=family.model_type, config=family.config, attention=attention,
                      outputs=family.outputs,
                      sizes=Sizes(batch=batch, length=family.length, padding=padding, seed=1))
    return lambda: load(request)


def entries() -> Iterator[TorchEntry]:
    """Each family, eager and SDPA: one static row; static rows with padding; dynamic."""
    for family in FAMILIES:
        padding = family.padding if family.masked else "none"
        padded = f", {padding} padding" if family.masked else ""
        for attention in family.attention:
            name = f"{family.name}-{attention}"
            yield TorchEntry(name, family.name, attention, "static", family.attentions, False,
                             _loader(family, attention, "none", 1))
            if family.masked:
                yield TorchEntry(f"{name}-padded", family.name, attention, f"static{padded}",
                                 family.attentions, False,
                                 _loader(family, attention, padding, BATCH))
            yield TorchEntry(f"{name}-dynamic", family.name, attention, f"dynamic{padded}",
                             family.attentions, True, _loader(family, attention, padding, BATCH))
