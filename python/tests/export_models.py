# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules that the tests of the exporter and of learned thresholds take."""

import torch

NUMBER = 3


class Unused(torch.nn.Module):
    """Has an argument in the middle that no result depends on."""

    def forward(self, first, unused, last):
        return 2 * first, last + 1


def three():
    return torch.tensor([1.0, 2.0]), torch.zeros(4), torch.tensor([6.0, 7.0, 8.0])


class Difference(torch.nn.Module):

    def forward(self, left, right):
        return left - right


def keywords():
    """Not in the order of the signature."""
    return {"right": torch.tensor([1.0, 2.0, 3.0]), "left": torch.tensor([11.0, 22.0, 33.0])}


class Buffered(torch.nn.Module):
    """Adds a buffer that is no part of its state."""

    def __init__(self):
        super().__init__()
        self.register_buffer("offset", torch.tensor(5.0), persistent=False)

    def forward(self, tensor):
        return tensor + self.offset


def square():
    return torch.arange(16.0).reshape(4, 4)


class OnMeta(torch.nn.Module):
    """Has a weight without values."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 4, device="meta")

    def forward(self, tensor):
        return self.linear(tensor)


def on_meta():
    return torch.zeros(4, 4, device="meta")


def empty():
    return torch.zeros(2, 0, 4)


class Exits(torch.nn.Module):

    def forward(self, tensor):
        raise SystemExit(3)


def exits():
    raise SystemExit("no inputs")


class NoRows(torch.nn.Module):
    """Gives another shape to a tensor without elements."""

    def forward(self, tensor):
        return tensor.sum() + tensor[:, :0].reshape(2, 0, 2).sum()


class WrongType(torch.nn.Module):

    def forward(self, tensor):
        return tensor + None


class Chooses(torch.nn.Module):
    """Decides by values."""

    def forward(self, tensor):
        return tensor if tensor.sum() > 0 else -tensor


class Flex(torch.nn.Module):

    def forward(self, tensor):
        from torch.nn.attention.flex_attention import flex_attention

        return flex_attention(tensor, tensor, tensor)


def four_heads():
    return torch.randn(1, 4, 16, 8, generator=torch.Generator().manual_seed(1))


class GeneratedMask(torch.nn.Module):
    """nn.Transformer with the mask that it generates."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.transformer = torch.nn.Transformer(16, 2, 1, 1, 32, batch_first=True)

    def forward(self, source, target):
        mask = self.transformer.generate_square_subsequent_mask(target.shape[1])
        return self.transformer(source, target, tgt_mask=mask)


def source_and_target():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, 8, 16, generator=generator), torch.randn(1, 6, 16, generator=generator)


class Unlowerable(torch.nn.Module):

    def forward(self, tensor):
        return torch.linalg.eigvalsh(tensor)


class FixedLength(torch.nn.Module):
    """Takes 4 rows only."""

    def forward(self, tensor):
        return tensor + torch.ones(4, 4)


class Gather(torch.nn.Module):
    """One column of each row."""

    def forward(self, table, columns):
        return table[torch.arange(table.shape[0]), columns]


class Shortest(torch.nn.Module):
    """As many elements as the shorter of two tensors has."""

    def forward(self, first, second):
        return first.new_ones(torch.sym_min(first.shape[0], second.shape[0]))


class Excess(torch.nn.Module):
    """Adds a row of a table that begins where its argument would be too long."""

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(torch.arange(8.0).reshape(1, 8))

    def forward(self, tensor):
        return tensor + self.table[max(0, 1 - tensor.shape[0]):]


class TwoHeads(torch.nn.Module):
    """Attention of two heads, of which the second contributes a hundredth of the first."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.projections = torch.nn.Parameter(
            torch.randn(3, 16, 16, generator=generator) * 16**-0.5)
        self.register_buffer("weights", torch.tensor([1.0, 0.01]).view(1, 2, 1, 1))

    def forward(self, tokens):
        batch, length, _ = tokens.shape
        query, key, value = ((tokens @ projection).view(batch, length, 2, 8).transpose(1, 2)
                             for projection in self.projections)
        mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value, scale=1.0)
        return (mixed * self.weights).transpose(1, 2).reshape(batch, length, 16)


def tokens():
    return torch.randn(1, 12, 16, generator=torch.Generator().manual_seed(1))


class Constants(torch.nn.Module):
    """Has constants of every kind that a module may: parameters that are the same tensor, one whose
    rows do not lie behind one another, integers, and a mask.
    """

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = torch.nn.Parameter(torch.randn(24, 16, generator=generator))
        self.second = self.first
        self.turned = torch.nn.Parameter(torch.randn(16, 24, generator=generator).T)
        self.register_buffer("positions", torch.randint(0, 24, (24,), generator=generator))
        self.register_buffer("bytes", torch.arange(200, 216, dtype=torch.uint8))
        self.register_buffer("mask", torch.rand(24, 16, generator=generator) > 0.5)
        self.register_buffer("one", torch.tensor(0.5))

    def forward(self, tokens):
        hidden = tokens @ self.first + (tokens @ self.second) * self.one
        hidden = hidden + tokens @ self.turned
        hidden = hidden[:, self.positions.remainder(3)] * self.bytes
        return torch.where(self.mask[:24], hidden, torch.tensor([1.5, 2.5]).repeat(8))


def rows():
    return torch.randn(2, 24, 24, generator=torch.Generator().manual_seed(1))


class Layers(torch.nn.Module):
    """Attentions by nn.MultiheadAttention, whose weights nobody reads, and in a layer, and an
    argument that no result depends on.
    """

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.attention = torch.nn.MultiheadAttention(16, 2, batch_first=True)
        self.layer = torch.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)

    def forward(self, tokens, unused):
        mixed, _ = self.attention(tokens, tokens, tokens)
        return self.layer(tokens + mixed)


def layer_inputs():
    return tokens(), torch.zeros(3)
