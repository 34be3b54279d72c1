# SPDX-License-Identifier: GPL-3.0-or-later
"""Unequal error protection (UEP) of the parts of a frame: profiles by name."""

from __future__ import annotations

from vqdeepsc.codec import BitLayout
from vqdeepsc.kernels import EMBEDDED_PARTS, embedded_part_bits

PLAIN = "plain"
"""No profile: all parts are coded alike, as one transport block."""

PROFILES: dict[str, dict[int, tuple[float, ...]]] = {
    "balanced": {4: (9, 8, 3.5), 3: (4, 4), EMBEDDED_PARTS: (5, 5, 2.4)},
    "broadcast": {4: (7, 7, 7), 3: (6, 6), EMBEDDED_PARTS: (8, 8, 4.5)},
}
"""Coded bits for each payload bit of the first parts, by the number of parts, where the whole frame
has rate 1/3; the parts without a number are one transport block with the rest.

The highest mean SSIM from -2 to 6 dB that has full quality at 4 dB (balanced) or at 6 dB
(broadcast): for scales the best that `bench/images/protection.py` finds, for a progressive model's
parts the best of the candidates that it sent (docs/performance.md)."""

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
