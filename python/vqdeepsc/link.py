# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated link: LDPC, 16-QAM, channel, equaliser, soft demapper, LDPC decoder.

The same kernels as the blocks, in the same order: frames sent one after another through one
channel give the bits that a flowgraph with that seed gives.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .codec import DEFAULT_MODEL, find_model, read_manifest
from .codec.bits import BitLayout
from .vqdeepsc_kernels import (
    FadingChannel,
    LdpcFrameDecoder,
    LdpcFrameEncoder,
    QamDemapper,
    csi_equalize,
    noise_density,
    qam_points,
)

BITS_PER_SYMBOL = 4
CODE_EXPANSION = 3
"""Coded bits for each payload bit: rate 1/3."""

LDPC_ITERATIONS = 20
EB_OFFSET_DB = 10 * math.log10(BITS_PER_SYMBOL / CODE_EXPANSION)
"""Es/N0 minus Eb/N0 in dB: 1.25."""

CHANNEL_KINDS = ("awgn", "rayleigh", "rician")
NOISELESS = "noiseless"
"""Channel of what is not sent over a link: the upper bound."""

_MOST_SYMBOLS = 1_000_000
CONSTELLATIONS = {"qpsk": 2, "16qam": 4, "64qam": 6, "256qam": 8}


@dataclass(frozen=True)
class ChannelModel:
    """What kind of channel: awgn, rayleigh or rician with factor r (direct to scattered power).

    block_length: symbols that share one coefficient."""

    kind: str
    rician_factor: float = 1.0
    block_length: int = 1

    @classmethod
    def parse(cls, text: str) -> ChannelModel:
        """`awgn`, `rayleigh`, `rician` (r = 1) or `rician:r`; raises ValueError."""
        match = re.fullmatch(r"(awgn|rayleigh|rician)(?::([0-9.eE+-]+))?", text)
        if not match or (match[2] and match[1] != "rician"):
            raise ValueError(
                f"there is no channel {text!r}; known: awgn, rayleigh, rician, rician:R"
            )
        try:
            factor = float(match[2] or 1)
        except ValueError:
            factor = math.nan
        if not (math.isfinite(factor) and factor >= 0):
            raise ValueError(f"the Rician factor in {text!r} must be a number from 0 up")
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


@dataclass(frozen=True)
class Received:
    """Frames after the LDPC decoder.

    bits: uint8 [frames, payload_bits]; llrs: float32 [frames, payload_bits], a posteriori;
    block_errors: int [frames], code blocks whose CRC failed; blocks: code blocks in a frame."""

    bits: NDArray[np.uint8]
    llrs: NDArray[np.float32]
    block_errors: NDArray[np.int64]
    blocks: int


def channel_title(text: str) -> str:
    """For people: the title of a channel as results.csv names it."""
    return text if text == NOISELESS else ChannelModel.parse(text).title


@dataclass(frozen=True)
class Scheme:
    """Modulation and coding scheme of a link.

    constellation: of CONSTELLATIONS, Gray; symbols: on the air for each frame, 0 for as many as
    16-QAM at rate 1/3 takes; protection: coded bits for each payload bit of every part of a frame
    but the last, which gets what is left (empty: the frame is one transport block)."""

    constellation: str = "16qam"
    symbols: int = 0
    protection: tuple[float, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Scheme:
        """CONSTELLATION[@SYMBOLS][/PROTECTION...], such as 16qam, qpsk@9000 or 16qam/6/6/5.

        Raises ValueError."""
        match = re.fullmatch(
            r"([a-z0-9]+)(?:@([0-9]{1,9}))?((?:/[0-9]{1,4}(?:\.[0-9]{1,4})?)*)", text
        )
        if not match or match[1] not in CONSTELLATIONS or match[2] == "0":
            raise ValueError(
                f"there is no scheme {text!r}; write CONSTELLATION[@SYMBOLS][/PROTECTION...] with "
                f"one of {', '.join(CONSTELLATIONS)}"
            )
        symbols = int(match[2] or 0)
        if symbols > _MOST_SYMBOLS:
            raise ValueError(f"{text!r} has more than {_MOST_SYMBOLS:,} symbols for a region")
        protection = tuple(float(part) for part in match[3].split("/")[1:])
        if any(factor < 1 for factor in protection):
            raise ValueError(
                f"the protection in {text!r} must be 1 or more coded bits for each bit"
            )
        return cls(match[1], symbols, protection)

    def __str__(self) -> str:
        symbols = f"@{self.symbols}" if self.symbols else ""
        return "/".join([self.constellation + symbols, *(f"{part:g}" for part in self.protection)])

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

    def transport_blocks(self, part_bits: Sequence[int]) -> list[tuple[int, int]]:
        """(payload bits, coded bits) of each transport block of a frame.

        part_bits: payload bits of the parts, in order; neighbours with equal protection share a
        block, for long codes are better. Raises ValueError if protection does not fit."""
        payload = sum(part_bits)
        coded = self.coded_bits(payload)
        if coded < payload:
            raise ValueError(f"{self} has {coded} bits on the air for {payload} bits of payload")
        if not self.protection:
            return [(payload, coded)]
        if len(self.protection) != len(part_bits) - 1:
            raise ValueError(
                f"{self} protects {len(self.protection)} parts, but {len(part_bits) - 1} of the "
                f"model's {len(part_bits)} scales need a number"
            )
        blocks: list[tuple[int, int]] = []
        for i, (bits, factor) in enumerate(zip(part_bits[:-1], self.protection, strict=True)):
            if i and factor == self.protection[i - 1]:
                bits += blocks.pop()[0]
            symbols = math.ceil(bits * factor / self.bits_per_symbol)
            blocks.append((bits, symbols * self.bits_per_symbol))
        left = coded - sum(bits for _, bits in blocks)
        if left < part_bits[-1]:
            raise ValueError(f"{self} leaves {left} coded bits for {part_bits[-1]} of payload")
        return [*blocks, (part_bits[-1], left)]


DEFAULT_SCHEME = Scheme()


def transport_blocks(
    model: str | os.PathLike[str] = DEFAULT_MODEL, scheme: str = str(DEFAULT_SCHEME)
) -> list[tuple[int, int]]:
    """(payload bits, coded bits) of each transport block of a region, for the LDPC blocks.

    model: name or directory of a bundle, whose scales are the parts of a region; scheme: as
    Scheme.parse() takes it. Raises BundleError and ValueError."""
    layout = BitLayout(read_manifest(find_model(model)).scales)
    return Scheme.parse(scheme).transport_blocks(layout.scale_bits)


class Link:
    """LDPC and Gray QAM for frames of one length: rate 1/3 and 16-QAM unless told otherwise."""

    def __init__(
        self,
        payload_bits: int,
        *,
        scheme: Scheme = DEFAULT_SCHEME,
        part_bits: Sequence[int] = (),
        iterations: int = LDPC_ITERATIONS,
        demapper: str = "maxlog",
    ) -> None:
        """payload_bits: of each frame; part_bits: of its parts, for a scheme with protection;
        demapper: maxlog or exact. Raises ValueError."""
        self.payload_bits = payload_bits
        bits_per_symbol = scheme.bits_per_symbol
        blocks = scheme.transport_blocks(part_bits or [payload_bits])
        self.coded_bits = scheme.coded_bits(payload_bits)
        self._bits_per_symbol = bits_per_symbol
        frame = (payload_bits, self.coded_bits, bits_per_symbol)
        self._encoder = LdpcFrameEncoder(*frame, transport_blocks=blocks)
        self._decoder = LdpcFrameDecoder(*frame, iterations, transport_blocks=blocks)
        self._demapper = QamDemapper(bits_per_symbol, demapper)
        self._points = qam_points(bits_per_symbol)

    @property
    def symbols_per_frame(self) -> int:
        return self.coded_bits // self._bits_per_symbol

    def modulate(self, bits: ArrayLike) -> NDArray[np.complex64]:
        """Payload bits [frames, payload_bits] to symbols [frames, symbols_per_frame], Es = 1."""
        frames = np.ascontiguousarray(bits, dtype=np.uint8)
        if frames.ndim != 2 or frames.shape[1] != self.payload_bits:
            raise ValueError(f"expected [frames, {self.payload_bits}], got {list(frames.shape)}")
        weights = 1 << np.arange(self._bits_per_symbol - 1, -1, -1)
        symbols = np.empty((len(frames), self.symbols_per_frame), np.complex64)
        for row, frame in zip(symbols, frames, strict=True):
            row[:] = self._points[
                self._encoder.encode(frame).reshape(-1, self._bits_per_symbol) @ weights
            ]
        return symbols

    def receive(
        self, symbols: NDArray[np.complex64], channel: FadingChannel, snr_db: float
    ) -> Received:
        """Sends frames of symbols through a channel, one after another, and decodes them.

        symbols: [frames, symbols_per_frame]; snr_db: what `channel` was made with."""
        n0 = noise_density(snr_db)
        frames = len(symbols)
        bits = np.empty((frames, self.payload_bits), np.uint8)
        llrs = np.empty((frames, self.payload_bits), np.float32)
        errors = np.zeros(frames, np.int64)
        blocks = 0
        for i, frame in enumerate(symbols):
            y, h = channel.apply(frame)
            equalised, noise = csi_equalize(y, h, n0)
            soft = self._demapper.demap(equalised, noise)
            bits[i], llrs[i], _, errors[i], blocks, _ = self._decoder.decode(soft)
        return Received(bits, llrs, errors, blocks)


def pad_to_frames(bits: NDArray[np.uint8], payload_bits: int, frames: int) -> NDArray[np.uint8]:
    """Bits [n] with zeros after them as [frames, payload_bits]; raises ValueError if too many."""
    if len(bits) > frames * payload_bits:
        raise ValueError(f"{len(bits)} bits do not fit {frames} frames of {payload_bits}")
    padded = np.zeros(frames * payload_bits, np.uint8)
    padded[: len(bits)] = bits
    return padded.reshape(frames, payload_bits)
