# SPDX-License-Identifier: GPL-3.0-or-later
"""Bits where they are needed: which blocks of an image get how many layers, by rate and distortion.

It is for models whose bits are an embedded code.
"""

from .budget import NO_BUDGET, Budget
from .encode import (
    FILE_FRAME_BITS,
    LINK_FRAME_BITS,
    Allocation,
    FrameEncoder,
    check_budget,
    check_frame_bits,
    encode_frames,
    frames_of_bits,
)

__all__ = [
    "FILE_FRAME_BITS",
    "LINK_FRAME_BITS",
    "NO_BUDGET",
    "Allocation",
    "Budget",
    "FrameEncoder",
    "check_budget",
    "check_frame_bits",
    "encode_frames",
    "frames_of_bits",
]
