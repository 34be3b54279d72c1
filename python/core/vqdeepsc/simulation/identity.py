# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row of results.csv is about: image, system, channel, SNR and size; and its seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from vqdeepsc.errors import ParameterError
from vqdeepsc.link import DEFAULT_SCHEME, NOISELESS, ChannelModel, Scheme

Decision = Literal["soft", "hard"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)

_HARD = ":hard"
_TITLES = {
    **{"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF", "jpeg2000": "JPEG 2000"},
    "jpegxl": "JPEG XL",
}


@dataclass(frozen=True)
class System:
    """What brings an image across, and how.

    name: of a model, a baseline or an upper bound; scheme: modulation and coding; decision: what a
    model's decoder gets. Raises ParameterError for another decision."""

    name: str
    scheme: Scheme = DEFAULT_SCHEME
    decision: Decision = "soft"

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS:
            raise ParameterError(f"there is no decision {self.decision!r}, only soft and hard")

    def __str__(self) -> str:
        scheme = "" if self.scheme == DEFAULT_SCHEME else f":{self.scheme}"
        return f"{self.name}{scheme}{_HARD if self.decision == 'hard' else ''}"

    @classmethod
    def parse(cls, text: str) -> System:
        """NAME[:SCHEME][:hard], as results.csv has it; what is not such an ending is the name."""
        rest = text.removesuffix(_HARD)
        decision: Decision = "soft" if rest == text else "hard"
        name, _, scheme = rest.partition(":")
        try:
            found = cls(name, Scheme.parse(scheme) if scheme else DEFAULT_SCHEME, decision)
        except ParameterError:
            return cls(rest, decision=decision)
        return found if str(found) == text else cls(text)

    @property
    def title(self) -> str:
        """For people."""
        name = _TITLES.get(self.name, self.name)
        return str(System(name, self.scheme, self.decision)).replace(":", ", ")

    @property
    def is_photo_codec(self) -> bool:
        return self.name in _TITLES


class RowKey(NamedTuple):
    """What makes a row unique in results.csv.

    image: its name; channel: None for what is not sent over a link (the upper bound); snr_db: mean
    Es/N0; source_bits: payload before LDPC."""

    image: str
    system: System
    channel: ChannelModel | None
    snr_db: float
    source_bits: int

    def seed(self, seed: int) -> int:
        """Of the row's channel, in a simulation with this seed; see derive_seed().

        Soft and hard decisions share it, for they decode the same frames."""
        system = str(self.system).removesuffix(_HARD)
        channel = channel_name(self.channel)
        return derive_seed(seed, self.image, system, channel, self.snr_db, self.source_bits)


def channel_name(channel: ChannelModel | None) -> str:
    """A channel as results.csv has it."""
    return NOISELESS if channel is None else str(channel)


def parse_channel(text: str) -> ChannelModel | None:
    """The channel that `channel_name` wrote; raises ParameterError."""
    return None if text == NOISELESS else ChannelModel.parse(text)


def derive_seed(
    seed: int, image: str, system: str, channel: str, snr_db: float, source_bits: int
) -> int:
    """Seed of one row's channel, whatever else is simulated and by how many workers.

    The first 32 bits, big-endian, of SHA-256 of the six values as text with line feeds between
    them, the SNR as C's %g writes it. Among n rows about n^2 / 2^33 pairs have the same seed."""
    text = f"{seed}\n{image}\n{system}\n{channel}\n{snr_db:g}\n{source_bits}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
