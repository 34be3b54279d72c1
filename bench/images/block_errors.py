# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured block errors of transport blocks, and the coded bits that they need."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from vqdeepsc.link import ChannelModel, Link, Scheme, TransportBlock
from vqdeepsc.simulation.identity import derive_seed

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

    def __init__(self, channel: ChannelModel, frames: int, seed: int) -> None:
        """frames: random ones of each kind."""
        self._channel = channel
        self._frames = frames
        self._seed = seed
        self._measured: dict[tuple[TransportBlock, float], Measured] = {}
        self._least: dict[tuple[int, float], int] = {}

    def measured(self, block: TransportBlock, snr_db: float) -> Measured:
        """What arrives of such blocks at an SNR."""
        if (block, snr_db) not in self._measured:
            self._measured[block, snr_db] = self._measure(block, snr_db)
        return self._measured[block, snr_db]

    def least_coded_bits(self, payload_bits: int, snr_db: float, most: int) -> int:
        """The fewest coded bits, to one in a hundred, with which a block is delivered at an SNR.

        More than `most` where that many do not suffice."""
        key = payload_bits, snr_db
        if key not in self._least:
            low, high = 0, int(np.ceil(np.log(most / (1.05 * payload_bits)) / np.log(_STEP)))
            while low < high:
                middle = (low + high) // 2
                block = TransportBlock(payload_bits, self._tried(payload_bits, middle))
                if self.measured(block, snr_db).failed <= DELIVERED:
                    high = middle
                else:
                    low = middle + 1
            self._least[key] = self._tried(payload_bits, low)
        return self._least[key]

    @staticmethod
    def _tried(payload_bits: int, step: int) -> int:
        bits = 1.05 * payload_bits * _STEP**step + _UNIT  # room for the CRC
        return int(np.ceil(bits / _UNIT)) * _UNIT

    def _measure(self, block: TransportBlock, snr_db: float) -> Measured:
        scheme = Scheme(symbols=block.coded_bits // Scheme().bits_per_symbol)
        link = Link(block.payload_bits, scheme=scheme)
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
        received = link.receive(link.modulate(bits), self._channel.open(snr_db, seed), snr_db)
        return Measured(float((received.block_errors > 0).mean()), information(received.llrs, bits))


def information(llrs: NDArray[np.float32], bits: NDArray[np.uint8]) -> float:
    """Mean information about the bits in their LLRs, 0 to 1: 1 - E[log2(1 + exp(-LLR))] if 1."""
    right = np.clip(np.where(bits, llrs, -llrs), -_CERTAIN_LLR, _CERTAIN_LLR)
    return float(1 - np.log2(1 + np.exp(-right)).mean())
