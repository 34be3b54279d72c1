# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated link: LDPC, Gray QAM, channel, equaliser, soft demapper, LDPC decoder."""

from .channel import CHANNEL_KINDS, NOISELESS, ChannelModel, channel_title
from .protection import DEFAULT_PROTECTION, PLAIN, PROFILES, frame_part_bits
from .schemes import (
    BITS_PER_SYMBOL,
    CODE_EXPANSION,
    CONSTELLATIONS,
    DEFAULT_SCHEME,
    EB_OFFSET_DB,
    Scheme,
    TransportBlock,
    TransportBlocks,
    transport_blocks,
)
from .transport import LDPC_ITERATIONS, Link, Received, pad_to_frames

__all__ = [
    "BITS_PER_SYMBOL",
    "CHANNEL_KINDS",
    "CODE_EXPANSION",
    "CONSTELLATIONS",
    "DEFAULT_PROTECTION",
    "DEFAULT_SCHEME",
    "EB_OFFSET_DB",
    "LDPC_ITERATIONS",
    "NOISELESS",
    "PLAIN",
    "PROFILES",
    "ChannelModel",
    "Link",
    "Received",
    "Scheme",
    "TransportBlock",
    "TransportBlocks",
    "channel_title",
    "frame_part_bits",
    "pad_to_frames",
    "transport_blocks",
]
