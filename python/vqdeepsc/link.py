# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated link: LDPC, 16-QAM, channel, equaliser, soft demapper, LDPC decoder.

The same kernels as the blocks, in the same order: frames sent one after another through one
channel give the bits that a flowgraph with that seed gives.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .vqdeepsc_kernels import (
    FadingChannel,
    LdpcDecoder,
    LdpcEncoder,
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


class Link:
    """LDPC of rate 1/3 and Gray 16-QAM for frames of one length."""

    def __init__(
        self,
        payload_bits: int,
        *,
        iterations: int = LDPC_ITERATIONS,
        demapper: str = "maxlog",
    ) -> None:
        """payload_bits: of each frame; demapper: maxlog or exact. Raises ValueError."""
        self.payload_bits = payload_bits
        self.coded_bits = CODE_EXPANSION * payload_bits
        self._encoder = LdpcEncoder(payload_bits, self.coded_bits, bits_per_symbol=BITS_PER_SYMBOL)
        self._decoder = LdpcDecoder(
            payload_bits, self.coded_bits, bits_per_symbol=BITS_PER_SYMBOL, iterations=iterations
        )
        self._demapper = QamDemapper(BITS_PER_SYMBOL, demapper)
        self._points = qam_points(BITS_PER_SYMBOL)

    @property
    def symbols_per_frame(self) -> int:
        return self.coded_bits // BITS_PER_SYMBOL

    def modulate(self, bits: ArrayLike) -> NDArray[np.complex64]:
        """Payload bits [frames, payload_bits] to symbols [frames, symbols_per_frame], Es = 1."""
        frames = np.ascontiguousarray(bits, dtype=np.uint8)
        if frames.ndim != 2 or frames.shape[1] != self.payload_bits:
            raise ValueError(f"expected [frames, {self.payload_bits}], got {list(frames.shape)}")
        weights = 1 << np.arange(BITS_PER_SYMBOL - 1, -1, -1)
        symbols = np.empty((len(frames), self.symbols_per_frame), np.complex64)
        for row, frame in zip(symbols, frames, strict=True):
            labels = self._encoder.encode(frame).reshape(-1, BITS_PER_SYMBOL) @ weights
            row[:] = self._points[labels]
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
        errors = np.empty(frames, np.int64)
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
