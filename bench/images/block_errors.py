# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured block errors of transport blocks, and the coded bits that they need."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from vqdeepsc.kernels import (
    FadingChannel,
    LdpcDecoder,
    LdpcEncoder,
    QamDemapper,
    csi_equalize,
    noise_density,
    qam_points,
)
from vqdeepsc.link import (
    BITS_PER_SYMBOL,
    LDPC_ITERATIONS,
    ChannelModel,
    Link,
    Scheme,
    TransportBlock,
)
from vqdeepsc.simulation.identity import derive_seed

STRONG_BITS = 2
"""Of a symbol of 16-QAM, the first ones, which choose the quadrant."""

LONGEST_CODE_BLOCK = 8424
"""Bits of the payload in a code block of base graph 1, TS 38.212 §5.2.2."""

DELIVERED = 0.01
"""Rate of block errors at which a transport block counts as delivered."""

_UNIT = 24  # coded bits of a block of a profile are a multiple of it
_STEP = 1.01  # of the coded bits that are tried


_CERTAIN_LLR = 30.0


class Measured(NamedTuple):
    """What arrives of transport blocks.

    failed: share of them that fail; information: of a payload bit in its LLR, 0 to 1, mean of all
    blocks: of one that fails something is known too."""

    failed: float
    information: float


class BlockErrors:
    """What arrives of random transport blocks, each kind measured once in a run."""

    def __init__(
        self, channel: ChannelModel, frames: int, seed: int, strong_bits: bool = False
    ) -> None:
        """frames: random ones of each kind; strong_bits: whether a frame's coarse blocks lie on the
        strong bits of 16-QAM, and not in symbols of their own."""
        self._channel = channel
        self._frames = frames
        self._seed = seed
        self._strong_bits = strong_bits
        self._measured: dict[tuple[TransportBlock, float, int], Measured] = {}
        self._least: dict[tuple[int, float, int], int] = {}

    def has_room(self, coarse_bits: float, coded_bits: int) -> bool:
        """Whether the coarse blocks of a frame find bits as they were measured with."""
        strong = coded_bits // BITS_PER_SYMBOL * STRONG_BITS
        return not self._strong_bits or coarse_bits <= strong

    def measured(self, block: TransportBlock, snr_db: float, last_of: int = 0) -> Measured:
        """What arrives of such blocks at an SNR.

        last_of: coded bits of the frame whose last block it is, 0 for any other block."""
        key = block, snr_db, last_of if self._strong_bits else 0
        if key not in self._measured:
            self._measured[key] = self._measure(*key)
        return self._measured[key]

    def least_coded_bits(
        self, payload_bits: int, snr_db: float, most: int, last_of: int = 0
    ) -> int:
        """The fewest coded bits, to one in a hundred, with which a block is delivered at an SNR.

        More than `most` where that many do not suffice; last_of: as at measured()."""
        key = payload_bits, snr_db, last_of
        if key not in self._least:
            low, high = 0, int(np.ceil(np.log(most / (1.05 * payload_bits)) / np.log(_STEP)))
            while low < high:
                middle = (low + high) // 2
                block = TransportBlock(payload_bits, self._tried(payload_bits, middle))
                if self.measured(block, snr_db, last_of).failed <= DELIVERED:
                    high = middle
                else:
                    low = middle + 1
            self._least[key] = self._tried(payload_bits, low)
        return self._least[key]

    @staticmethod
    def _tried(payload_bits: int, step: int) -> int:
        bits = 1.05 * payload_bits * _STEP**step + _UNIT  # room for the CRC
        return int(np.ceil(bits / _UNIT)) * _UNIT

    def _measure(self, block: TransportBlock, snr_db: float, last_of: int) -> Measured:
        scheme = Scheme(symbols=-(-block.coded_bits // BITS_PER_SYMBOL))
        seed = derive_seed(
            self._seed,
            "random bits",
            str(scheme),
            str(self._channel),
            snr_db,
            block.payload_bits,
        )
        bits = np.random.default_rng(seed).integers(
            0, 2, (self._frames, block.payload_bits), np.uint8
        )
        channel = self._channel.open(snr_db, seed)
        if self._strong_bits:
            strong = block.coded_bits
            if last_of:  # coarse blocks left it the others
                strong = max(0, block.coded_bits - last_of // BITS_PER_SYMBOL * STRONG_BITS)
            return _sent_on_levels(block, min(strong, block.coded_bits), bits, channel, snr_db)
        link = Link(block.payload_bits, scheme=scheme)
        received = link.receive(link.modulate(bits), channel, snr_db)
        return Measured(float((received.block_errors > 0).mean()), information(received.llrs, bits))


def on_strong_bits(block: TransportBlock, strong: int) -> NDArray[np.bool_]:
    """Which coded bits of a block lie on strong bits: the first, systematic ones of code blocks."""
    code_blocks = -(-block.payload_bits // LONGEST_CODE_BLOCK)
    share = strong / block.coded_bits
    chosen = np.concatenate(
        [
            np.arange(len(part)) < share * len(part)
            for part in np.array_split(np.arange(block.coded_bits), code_blocks)
        ]
    )
    chosen[np.flatnonzero(chosen)[strong:]] = False
    chosen[np.flatnonzero(~chosen)[: strong - chosen.sum()]] = True
    return chosen


def _sent_on_levels(
    block: TransportBlock,
    strong: int,
    bits: NDArray[np.uint8],
    channel: FadingChannel,
    snr_db: float,
) -> Measured:
    """What arrives of blocks on so many strong bits, and weak ones for the rest."""
    encoder = LdpcEncoder(*block, 1)
    decoder = LdpcDecoder(*block, 1, iterations=LDPC_ITERATIONS)
    demapper = QamDemapper(BITS_PER_SYMBOL, "maxlog")
    symbols = -(-max(strong, block.coded_bits - strong) // STRONG_BITS)
    levels = np.arange(symbols * BITS_PER_SYMBOL).reshape(-1, BITS_PER_SYMBOL)
    chosen = on_strong_bits(block, strong)
    where = np.empty(block.coded_bits, np.int64)
    where[chosen] = levels[:, :STRONG_BITS].reshape(-1)[:strong]
    where[~chosen] = levels[:, STRONG_BITS:].reshape(-1)[: block.coded_bits - strong]
    weights = 1 << np.arange(BITS_PER_SYMBOL - 1, -1, -1)
    others = np.random.default_rng(0).integers(0, 2, levels.size, np.uint8)
    failed, llrs = 0, np.empty(bits.shape, np.float32)
    for row, payload in zip(llrs, bits, strict=True):
        sent = others.copy()
        sent[where] = encoder.encode(payload)
        points = qam_points(BITS_PER_SYMBOL)[sent.reshape(-1, BITS_PER_SYMBOL) @ weights]
        y, h = channel.apply(points.astype(np.complex64))
        soft = demapper.demap(*csi_equalize(y, h, noise_density(snr_db)))
        decoded = decoder.decode(soft[where])
        row[:] = decoded.llrs
        failed += decoded.block_errors > 0
    return Measured(failed / len(bits), information(llrs, bits))


def information(llrs: NDArray[np.float32], bits: NDArray[np.uint8]) -> float:
    """Mean information about the bits in their LLRs, 0 to 1: 1 - E[log2(1 + exp(-LLR))] if 1."""
    right = np.clip(np.where(bits, llrs, -llrs), -_CERTAIN_LLR, _CERTAIN_LLR)
    return float(1 - np.log2(1 + np.exp(-right)).mean())
