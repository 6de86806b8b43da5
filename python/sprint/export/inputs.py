# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Example arguments for transformers models, made from their signature and configuration."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, Callable, Dict, List, Optional

import torch

from .errors import ExportError
from .wrapping import Argument

#: What an example's attention_mask may hide. `none`: the model gets no such argument.
PADDINGS = ("none", "full", "right", "left")
#: Token numbers below this one are often special: padding, start, end, unknown.
FIRST_TOKEN = 5
#: The decoder's length where only the encoder's is given: another one, so that the attention between
#: them is not square.
DECODER_LENGTH_DIFFERENCE = 4


@dataclasses.dataclass
class Sizes:
    """Sizes of the example arguments, and what they pad."""

    batch: int = 1
    length: int = 16
    padding: str = "full"
    seed: int = 0
    #: Of the decoder of a model that has an encoder as well; without it shorter than the encoder's.
    decoder_length: Optional[int] = None


def attention_mask(batch: int, length: int, padding: str) -> torch.Tensor:
    """An i64 `[batch, length]` mask of ones that hides a quarter of the last row, less of the rows
    before it, and nothing of the first one of several.
    """
    mask = torch.ones(batch, length, dtype=torch.int64)
    for row in range(batch):
        hidden = max(1, length // 4) * (row if batch > 1 else 1) // max(1, batch - 1)
        if hidden and padding == "right":
            mask[row, length - hidden:] = 0
        elif hidden and padding == "left":
            mask[row, :hidden] = 0
    return mask


class _Examples:
    """The arguments of one model's forward function."""

    def __init__(self, model: torch.nn.Module, sizes: Sizes):
        self.config = model.config
        self.sizes = sizes
        self.generator = torch.Generator().manual_seed(sizes.seed)
        self.parameters = inspect.signature(model.forward).parameters
        self.main = model.main_input_name

    def make(self) -> List[Argument]:
        makers: Dict[str, Callable[[], List[Argument]]] = {
            "input_ids": self.text, "pixel_values": self.image,
            "input_features": self.spectrogram, "input_values": self.waveform}
        if self.main not in makers:
            raise ExportError(f"no example can be made of the model's argument '{self.main}': "
                              "give --inputs")
        arguments = makers[self.main]()
        if self.main != "pixel_values" and "pixel_values" in self.parameters and \
                hasattr(self.config, "vision_config"):
            arguments += self.image()
        if getattr(self.config, "is_encoder_decoder", False) and \
                "decoder_input_ids" in self.parameters:
            length = self.sizes.decoder_length or \
                max(2, self.sizes.length - DECODER_LENGTH_DIFFERENCE)
            arguments.append(Argument("decoder_input_ids", self.tokens(length),
                                      {0: "batch", 1: "decoder_length"}))
        elif self.sizes.decoder_length is not None:
            raise ExportError("expected no --decoder-length of a model without a decoder beside an "
                              "encoder")
        return arguments

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self.generator)

    def tokens(self, length: int) -> torch.Tensor:
        vocabulary = self.setting("vocab_size")
        first = FIRST_TOKEN if vocabulary > 2 * FIRST_TOKEN else 0
        return torch.randint(first, vocabulary, (self.sizes.batch, length),
                             generator=self.generator)

    def setting(self, name: str) -> int:
        """A number of the configuration, of its text or its vision part where it has parts."""
        for config in (self.config, getattr(self.config, "text_config", None),
                       getattr(self.config, "vision_config", None)):
            value = getattr(config, name, None)
            if value is not None:
                return value
        raise ExportError(f"the model's configuration has no '{name}': give --inputs")

    def text(self) -> List[Argument]:
        tokens = self.tokens(self.sizes.length)
        axes = {0: "batch", 1: "length"}
        arguments = [Argument("input_ids", tokens, axes)]
        if self.sizes.padding != "none" and "attention_mask" in self.parameters:
            mask = attention_mask(self.sizes.batch, self.sizes.length, self.sizes.padding)
            padding_token = getattr(self.config.get_text_config(), "pad_token_id", None)
            if padding_token is not None:
                tokens[mask == 0] = padding_token
            arguments.append(Argument("attention_mask", mask, dict(axes)))
        return arguments

    def image(self) -> List[Argument]:
        size: Any = self.setting("image_size")
        height, width = size if isinstance(size, (tuple, list)) else (size, size)
        channels = self.setting("num_channels")
        # Models of videos take several images.
        frames = getattr(self.config, "num_frames", None)
        shape = (self.sizes.batch, *([frames] if frames else []), channels, height, width)
        return [Argument("pixel_values", self.normal(*shape), {0: "batch"})]

    def spectrogram(self) -> List[Argument]:
        # Whisper halves the number of frames by a convolution and takes no other number of them.
        frames = 2 * self.setting("max_source_positions")
        bins = self.setting("num_mel_bins")
        return [Argument("input_features", self.normal(self.sizes.batch, bins, frames),
                         {0: "batch"})]

    def waveform(self) -> List[Argument]:
        # About 20 ms of sound at 16 kHz become one token.
        samples = 320 * self.sizes.length + 80
        return [Argument("input_values", self.normal(self.sizes.batch, samples), {0: "batch"})]


def example_arguments(model: torch.nn.Module, sizes: Sizes) -> List[Argument]:
    """Arguments for a transformers model: what its forward function takes by its signature, random
    numbers of the sizes that its configuration asks for.
    """
    return _Examples(model, sizes).make()


def longest(model: torch.nn.Module) -> Optional[int]:
    """The number of positions that a transformers model has, if it is bounded."""
    config = model.config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "max_target_positions", "max_seq_len"):
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return None
