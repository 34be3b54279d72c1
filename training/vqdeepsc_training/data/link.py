# SPDX-License-Identifier: GPL-3.0-or-later
"""What the link makes of random payloads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from vqdeepsc.link import ChannelModel, Link

from ..base.errors import ConfigurationError
from .recording import Recording, quantise

DEFAULT_CHANNELS = ("awgn", "rayleigh", "rician")
LOWEST_DB = -4.0
# Half of the transmissions lie in this range about the cliff, in dB; above it nothing goes wrong.
NEAR_CLIFF_DB = (-1.0, 0.4)
SEARCHED_DB = (-2.0, 14.0)
SEARCH_ROUNDS = 8
SEARCH_FRAMES = 10
# More than a burst carries, or than fits in memory, would only run for hours.
LARGEST_BITS = 65535
MOST_TRANSMISSIONS = 10_000


def transmit(
    link: Link, channel: ChannelModel, snr_db: float, frames: int, random: np.random.Generator
) -> tuple[NDArray[np.int8], float]:
    """Send frames of random bits over a channel at one SNR.

    Returns the steps [frames, payload bits] of the received LLRs and the share of code blocks that
    failed.

    Training gives the LLRs the signs of other bits. That is allowed because an LDPC code is linear
    and its decoder treats 0 and 1 alike; the Gray constellation's inner and outer points differ,
    but over random payloads, which indices nearly are, the coded bits average over them.
    """
    bits = random.integers(0, 2, (frames, link.payload_bits), dtype=np.uint8)
    opened = channel.open(snr_db, int(random.integers(2**32)))
    received = link.receive(link.modulate(bits), opened, snr_db)
    failed = received.block_errors.sum() / (frames * received.blocks)
    return quantise(received.llrs, bits), float(failed)


def find_cliff(link: Link, channel: ChannelModel, random: np.random.Generator) -> float:
    """SNR in dB at which about half of the code blocks fail.

    Raises ConfigurationError if bits are wrong at the highest SNR too.
    """
    low, high = SEARCHED_DB
    # Kernels that were built for another NumPy would be noticed here, too.
    if (transmit(link, channel, high, SEARCH_FRAMES, random)[0] < 0).any():
        raise ConfigurationError(f"Over {channel.title}, bits are wrong even at {high:g} dB.")
    for _ in range(SEARCH_ROUNDS):
        middle = (low + high) / 2
        _, failed = transmit(link, channel, middle, SEARCH_FRAMES, random)
        low, high = (middle, high) if failed > 0.5 else (low, middle)
    return (low + high) / 2


def snr_grid(cliff_db: float, count: int) -> NDArray[np.float64]:
    """SNRs in dB of `count` transmissions: half evenly up to the cliff, half evenly about it."""
    start, end = (cliff_db + offset for offset in NEAR_CLIFF_DB)
    below = np.linspace(min(LOWEST_DB, start), start, count - count // 2, endpoint=False)
    return np.concatenate((below, np.linspace(start, end, count // 2)))


def record(payload_bits: int, channels: Sequence[str], count: int, seed: int) -> Recording:
    """Record `count` transmissions of each channel; says on stdout where the cliffs are.

    Raises ConfigurationError for a channel or a length that the link does not have.
    """
    if payload_bits > LARGEST_BITS:
        raise ConfigurationError(
            f"A payload of {payload_bits} bits is too long: at most {LARGEST_BITS} can be sent."
        )
    if not 2 <= count <= MOST_TRANSMISSIONS:
        raise ConfigurationError(
            f"The number of transmissions is {count}, but must be 2 or more and at "
            f"most {MOST_TRANSMISSIONS}."
        )
    random = np.random.default_rng(seed)
    link = Link(payload_bits)
    steps, names, snrs = [], [], []
    for name in channels:
        channel = ChannelModel.parse(name)
        cliff_db = find_cliff(link, channel, random)
        grid = snr_grid(cliff_db, count)
        print(
            f"{channel.title}: half of the code blocks fail at {cliff_db:.2f} dB; "
            f"{count} transmissions from {grid[0]:g} to {grid[-1]:.2f} dB",
            flush=True,
        )
        steps += [transmit(link, channel, float(snr_db), 1, random)[0] for snr_db in grid]
        names += [name] * count
        snrs.append(grid)
    return Recording(np.concatenate(steps), np.array(names), np.concatenate(snrs), seed)
