# SPDX-License-Identifier: GPL-3.0-or-later
"""Unequal error protection (UEP) of the parts of a frame: profiles by name."""

from __future__ import annotations

from vqdeepsc.codec import BitLayout
from vqdeepsc.kernels import EMBEDDED_PARTS, embedded_part_bits

PLAIN = "plain"
"""No profile: all parts are coded alike, as one transport block."""

PROFILES: dict[str, dict[int, tuple[float, ...]]] = {
    "balanced": {4: (9, 8, 3.5), 3: (4, 4), EMBEDDED_PARTS: (4.7, 4.7, 3)},
    "broadcast": {4: (7, 7, 7), 3: (6, 6), EMBEDDED_PARTS: (4.4, 4.4, 4.4, 2.6, 2.6)},
}
"""Coded bits for each payload bit of the first parts, by the number of parts, where the whole frame
has rate 1/3; the parts without a number are one transport block with the rest.

For scales, the highest mean SSIM from -2 to 6 dB that has full quality at 4 dB (balanced) or at
6 dB (broadcast); for a progressive model's parts, the one that comes nearest to what is asked of
the profile at each SNR (docs/performance.md). `bench/images/protection.py` finds both."""

DEFAULT_PROTECTION = "balanced"
"""Of `transmit`, `demo` and the examples."""


def frame_part_bits(layout: BitLayout, payload_bits: int) -> list[int]:
    """Payload bits of each part of a frame that may be protected on its own.

    layout: of the model. The parts of a region are its scales, coarse first. A progressive model's
    frame has EMBEDDED_PARTS parts, fixed shares of its payload_bits; any other frame is one part,
    and so is a progressive model's that is too short."""
    if layout.embedded:
        return embedded_part_bits(payload_bits)
    return layout.scale_bits if payload_bits == layout.bits_per_region else [payload_bits]
