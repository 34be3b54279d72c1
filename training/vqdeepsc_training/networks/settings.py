# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration says of its network: the arguments of the network's class, with defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..base.errors import ConfigurationError
from ..base.schema import Table, entry, read_one_of


@dataclass(frozen=True)
class ConditionalSettings(Table):
    """Of `ConditionalNetwork`, which says what they mean."""

    type: Literal["conditional"] = "conditional"
    codewords: tuple[int, ...] = entry((16, 8, 4, 2), low=0)
    dimensions: tuple[int, ...] = entry((8, 8, 8, 8), low=1)
    widths: tuple[int, ...] = entry((96, 128, 128), low=1)
    encoder_blocks: int = entry(3, low=0)
    head_blocks: int = entry(2, low=0)
    decoder_blocks: int = entry(4, low=0)
    decay: float = entry(0.99, low=0, high=1)
    restart_shares: tuple[float, ...] = entry((0.05, 0.05, 0.05, 0.05), low=0, high=1)
    bounded: bool = True
    conditional: bool = True
    successive: bool = True
    rotation: bool = False
    normalised: bool = False
    second_codewords: int = entry(0, low=0)
    second_dimension: int = entry(2, low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, length in (
            ("codewords", 4),
            ("dimensions", 4),
            ("restart_shares", 4),
            ("widths", 3),
        ):
            if len(getattr(self, name)) != length:
                raise ConfigurationError(f"{name} of the network must be {length} numbers")


@dataclass(frozen=True)
class PaperSettings(Table):
    """Of `PaperNetwork`, which says what they mean."""

    type: Literal["paper"] = "paper"
    codewords: tuple[int, ...] = entry((16, 8, 4, 2), low=0)
    width: float = entry(1.0, above=0, high=16)
    decay: float | None = entry(None, low=0, high=1)


NetworkSettings = ConditionalSettings | PaperSettings


def read_network(values: object, name: str = "network") -> NetworkSettings:
    """The settings of a JSON object, by its `type`; raises ConfigurationError as `Table.read`."""
    return read_one_of(get_args(NetworkSettings), values, name)
