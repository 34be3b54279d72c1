# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels of the simulated link (paper, eq. 3)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from vqdeepsc.errors import ParameterError
from vqdeepsc.kernels import FadingChannel

CHANNEL_KINDS = ("awgn", "rayleigh", "rician")

NOISELESS = "noiseless"
"""Channel of what is not sent over a link: the upper bound."""


@dataclass(frozen=True)
class ChannelModel:
    """What kind of channel: awgn, rayleigh or rician with factor r (direct to scattered power).

    block_length: symbols that share one coefficient. Raises ParameterError for values out of
    range, and for a factor of more than six digits, which its text does not have."""

    kind: str
    rician_factor: float = 1.0
    block_length: int = 1

    def __post_init__(self) -> None:
        if self.kind not in CHANNEL_KINDS:
            raise ParameterError(
                f"there is no channel {self.kind!r}; known: {', '.join(CHANNEL_KINDS)}, rician:R"
            )
        factor = self.rician_factor
        if not (0 <= factor < math.inf) or float(f"{factor:g}") != factor:
            raise ParameterError(
                f"the Rician factor must be a number from 0 up of at most six digits, not {factor}"
            )
        if self.block_length < 1:
            raise ParameterError(f"block_length is {self.block_length}, but must be at least 1")

    @classmethod
    def parse(cls, text: str) -> ChannelModel:
        """`awgn`, `rayleigh`, `rician` (r = 1) or `rician:r`; raises ParameterError."""
        match = re.fullmatch(r"(awgn|rayleigh|rician)(?::([0-9.eE+-]+))?", text)
        if not match or (match[2] and match[1] != "rician"):
            return cls(text)
        try:
            factor = float(match[2] or 1)
        except ValueError:
            factor = math.nan
        return cls(match[1], factor)

    def __str__(self) -> str:
        if self.kind == "rician" and self.rician_factor != 1:
            return f"{self.kind}:{self.rician_factor:g}"
        return self.kind

    @property
    def title(self) -> str:
        """For people: the Rician factor is always named."""
        names = {"awgn": "AWGN", "rayleigh": "Rayleigh"}
        return names.get(self.kind, f"Rician r={self.rician_factor:g}")

    def open(self, snr_db: float, seed: int) -> FadingChannel:
        """A channel at symbol 0. snr_db: mean Es/N0; seed: the same one gives the same noise."""
        return FadingChannel(
            self.kind,
            snr_db,
            rician_factor=self.rician_factor,
            block_length=self.block_length,
            seed=seed,
        )


def channel_title(text: str) -> str:
    """For people: the title of a channel as results.csv names it."""
    return text if text == NOISELESS else ChannelModel.parse(text).title
