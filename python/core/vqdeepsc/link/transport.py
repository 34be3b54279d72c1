# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated link: LDPC, 16-QAM, channel, equaliser, soft demapper, LDPC decoder.

The same kernels as the blocks, in the same order: frames sent one after another through one
channel give the bits that a flowgraph with that seed gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqdeepsc.errors import refused_parameters
from vqdeepsc.kernels import (
    FadingChannel,
    LdpcFrameDecoder,
    LdpcFrameEncoder,
    QamDemapper,
    csi_equalize,
    noise_density,
    qam_points,
)

from .schemes import DEFAULT_SCHEME, Scheme

LDPC_ITERATIONS = 20


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
    """LDPC and Gray QAM for frames of one length: rate 1/3 and 16-QAM without another scheme."""

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
        demapper: maxlog or exact. Raises ParameterError."""
        self.payload_bits = payload_bits
        bits_per_symbol = scheme.bits_per_symbol
        blocks = scheme.transport_blocks(part_bits or [payload_bits])
        self.coded_bits = scheme.coded_bits(payload_bits)
        self._bits_per_symbol = bits_per_symbol
        frame = (payload_bits, self.coded_bits, bits_per_symbol)
        with refused_parameters():
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
            decoded = self._decoder.decode(soft)
            bits[i], llrs[i] = decoded.bits, decoded.llrs
            errors[i], blocks = decoded.block_errors, decoded.blocks
        return Received(bits, llrs, errors, blocks)


def pad_to_frames(bits: NDArray[np.uint8], payload_bits: int, frames: int) -> NDArray[np.uint8]:
    """Bits [n] with zeros after them as [frames, payload_bits]; raises ValueError if too many."""
    if len(bits) > frames * payload_bits:
        raise ValueError(f"{len(bits)} bits do not fit {frames} frames of {payload_bits}")
    padded = np.zeros(frames * payload_bits, np.uint8)
    padded[: len(bits)] = bits
    return padded.reshape(frames, payload_bits)
