# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks by the name that a configuration gives them."""

from __future__ import annotations

from torch import nn

from .conditional import ConditionalNetwork
from .paper import PaperNetwork


def build_network(settings: dict) -> nn.Module:
    """Network of a configuration's `network` table: `type` and the arguments of its class.

    Raises ValueError for an unknown type.
    """
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    kind = arguments.pop("type")
    if kind == "conditional":
        return ConditionalNetwork(**arguments)
    if kind == "paper":
        return PaperNetwork(**arguments)
    raise ValueError(f"The network type is {kind!r}, but must be conditional or paper.")
