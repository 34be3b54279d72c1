# SPDX-License-Identifier: GPL-3.0-or-later
"""Modulation and coding schemes: how many bits and symbols a frame has on the air."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from vqdeepsc.codec import DEFAULT_MODEL, BitLayout, find_model, read_manifest
from vqdeepsc.errors import ParameterError
from vqdeepsc.kernels import EMBEDDED_PARTS, uep_transport_blocks

from .protection import PLAIN, PROFILES, frame_part_bits

BITS_PER_SYMBOL = 4

CODE_EXPANSION = 3
"""Coded bits for each payload bit: rate 1/3."""

EB_OFFSET_DB = 10 * math.log10(BITS_PER_SYMBOL / CODE_EXPANSION)
"""Es/N0 minus Eb/N0 in dB: 1.25."""

CONSTELLATIONS = {"qpsk": 2, "16qam": 4, "64qam": 6, "256qam": 8}

DEFAULT_CONSTELLATION = "16qam"

_MOST_SYMBOLS = 1_000_000


class TransportBlock(NamedTuple):
    """Bits of a frame that are coded together: payload_bits before LDPC, coded_bits after it."""

    payload_bits: int
    coded_bits: int


@dataclass(frozen=True)
class TransportBlocks:
    """The transport blocks of a frame, in order.

    on_strong_bits: whether they lie one after another on the bits of all symbols from strong to
    weak (docs/air-interface.md), else each on symbols of its own."""

    blocks: tuple[TransportBlock, ...]
    on_strong_bits: bool = False

    def __iter__(self) -> Iterator[TransportBlock]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)


@dataclass(frozen=True)
class Scheme:
    """Modulation and coding scheme of a link.

    constellation: of CONSTELLATIONS, Gray; symbols: on the air for each frame, 0 for as many as
    16-QAM at rate 1/3 takes; protection: coded bits for each payload bit of every part of a frame
    but the last (of a progressive model, of the first ones), which gets what is left (empty: the
    frame is one transport block), or the name of one of PROFILES. Raises ParameterError for values
    out of range."""

    constellation: str = DEFAULT_CONSTELLATION
    symbols: int = 0
    protection: tuple[float, ...] | str = ()

    def __post_init__(self) -> None:
        if self.constellation not in CONSTELLATIONS:
            raise ParameterError(
                f"there is no constellation {self.constellation!r}; known: "
                f"{', '.join(CONSTELLATIONS)}"
            )
        if not 0 <= self.symbols <= _MOST_SYMBOLS:
            raise ParameterError(
                f"a region has {self.symbols} symbols, but must have at most {_MOST_SYMBOLS:,}"
            )
        if isinstance(self.protection, str):
            if self.protection not in PROFILES:
                raise ParameterError(
                    f"there is no protection {self.protection!r}; known: {', '.join(PROFILES)}"
                )
            return
        for factor in self.protection:
            if not 1 <= factor < 10_000 or float(f"{factor:g}") != factor:
                raise ParameterError(
                    "the protection must be 1 or more coded bits for each bit, with at most six "
                    f"digits, got {factor}"
                )

    @classmethod
    def parse(cls, text: str) -> Scheme:
        """`CONSTELLATION[@SYMBOLS][/PROTECTION...]`: 16qam, qpsk@9000, 16qam/6/6/5 or
        16qam/balanced; a profile alone is one of 16-QAM. Raises ParameterError."""
        if text in PROFILES or text == PLAIN:
            text = f"{DEFAULT_CONSTELLATION}/{text}"
        match = re.fullmatch(
            r"([a-z0-9]+)(?:@([0-9]{1,9}))?(?:/([a-z]+)|((?:/[0-9]{1,4}(?:\.[0-9]{1,4})?)*))", text
        )
        if (
            not match
            or match[1] not in CONSTELLATIONS
            or match[2] == "0"
            or (match[3] and match[3] not in (PLAIN, *PROFILES))
        ):
            raise ParameterError(
                f"there is no scheme {text!r}; write CONSTELLATION[@SYMBOLS][/PROTECTION...] with "
                f"one of {', '.join(CONSTELLATIONS)} and with numbers or one of "
                f"{', '.join((PLAIN, *PROFILES))} as protection"
            )
        protection: tuple[float, ...] | str = tuple(
            float(part) for part in (match[4] or "").split("/")[1:]
        )
        if match[3] and match[3] != PLAIN:
            protection = match[3]
        return cls(match[1], int(match[2] or 0), protection)

    def __str__(self) -> str:
        symbols = f"@{self.symbols}" if self.symbols else ""
        protection = self.protection
        parts = [protection] if isinstance(protection, str) else [f"{one:g}" for one in protection]
        return "/".join([self.constellation + symbols, *parts])

    @property
    def bits_per_symbol(self) -> int:
        return CONSTELLATIONS[self.constellation]

    @property
    def unprotected(self) -> Scheme:
        """The same without protection, for what has no parts."""
        return replace(self, protection=())

    def symbols_per_frame(self, payload_bits: int) -> int:
        """Symbols on the air for a frame of payload_bits."""
        return self.symbols or -(-CODE_EXPANSION * payload_bits // BITS_PER_SYMBOL)

    def coded_bits(self, payload_bits: int) -> int:
        """Bits on the air for a frame of payload_bits."""
        return self.symbols_per_frame(payload_bits) * self.bits_per_symbol

    def transport_blocks(self, part_bits: Sequence[int]) -> TransportBlocks:
        """The transport blocks of a frame.

        part_bits: payload bits of the parts, in order; neighbours with equal protection share a
        block, for long codes are better, and a frame with a single part is one block. A profile
        that has no numbers for so many parts protects them alike. Raises ParameterError if
        protection does not fit."""
        payload = sum(part_bits)
        coded = self.coded_bits(payload)
        if coded < payload:
            raise ParameterError(
                f"{self} has {coded} bits on the air for {payload} bits of payload"
            )
        embedded = len(part_bits) == EMBEDDED_PARTS
        if isinstance(self.protection, str):
            factors = PROFILES[self.protection].get(len(part_bits), ())
            scaling = "redundancy" if embedded else "coded bits"
        else:
            factors, scaling = self.protection, "none"
        if not factors or len(part_bits) == 1:
            return TransportBlocks((TransportBlock(payload, coded),))
        most = len(part_bits) - 1
        if embedded and len(factors) > most:
            raise ParameterError(
                f"{self} protects {len(factors)} parts, but frames of a progressive model have "
                f"{len(part_bits)}, of which at most {most} have a number"
            )
        if not embedded and len(factors) != most:
            raise ParameterError(
                f"{self} protects {len(factors)} parts, but {most} of the model's {most + 1} "
                "scales need a number"
            )
        try:
            blocks = uep_transport_blocks(
                part_bits, coded, self.bits_per_symbol, factors, scaling, on_strong_bits=embedded
            )
        except ValueError as error:
            raise ParameterError(f"{self}: {error}") from error
        return TransportBlocks(tuple(TransportBlock(*block) for block in blocks), embedded)


DEFAULT_SCHEME = Scheme()


def transport_blocks(
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    scheme: str = str(DEFAULT_SCHEME),
    payload_bits: int = 0,
) -> TransportBlocks:
    """The transport blocks of a frame, for the LDPC blocks.

    model: name or directory of a bundle; scheme: as Scheme.parse() takes it; payload_bits: of a
    frame, 0 for those of a region. The parts that it protects are those of frame_part_bits().
    Raises BundleError and ParameterError."""
    layout = BitLayout(read_manifest(find_model(model)).scales)
    parts = frame_part_bits(layout, payload_bits or layout.bits_per_region)
    return Scheme.parse(scheme).transport_blocks(parts)
