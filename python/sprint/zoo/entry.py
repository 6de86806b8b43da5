# Part of the Sprint project.
"""One model of the zoo."""

from __future__ import annotations

import dataclasses
from typing import Callable

from ..export.models import LoadedModel


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model and how it is exported."""

    name: str
    family: str
    #: What computes the attention: `eager`, `sdpa`, or for hand-written modules their form.
    attention: str
    #: Static or dynamic sizes, and the padding.
    form: str
    #: How many attentions the model has, known from its configuration.
    attentions: int
    #: Makes the model and its example arguments. Raises ExportError.
    load: Callable[[], LoadedModel]
    dynamic: bool = False
    #: Whether scaled_dot_product_attention stays one operation.
    fused_attention: bool = False
