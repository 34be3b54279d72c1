# SPDX-License-Identifier: GPL-3.0-or-later
"""What may come from outside and how much of it: names, units, defaults.

A few bytes can claim any size, so each is held to its limit before anything is made for it.
"""

from __future__ import annotations

MAXIMUM_SIDE = 65_535
"""Pixels of one side of an image: what 16 bits of a header can say. It has no option."""

MAXIMUM_PIXELS = 40_000_000
"""Pixels, width times height, of an image that is read, received or decoded: the default."""

MAXIMUM_IMAGES_IN_FLIGHT = 256
"""Images of which regions have arrived, each from another sender, that wait for the rest."""

MAXIMUM_REGIONS_IN_FLIGHT = 4096
"""Regions of them: 330 MB of soft bits with four scales. One image alone may have more."""


def check_maximum_pixels(pixels: int) -> int:
    """Another maximum, 1 to MAXIMUM_SIDE squared pixels; raises ValueError for one beyond."""
    if not 1 <= pixels <= MAXIMUM_SIDE**2:
        raise ValueError(f"max_pixels is {pixels}, but must be 1 to {MAXIMUM_SIDE**2:,}")
    return int(pixels)


def pixels_error(width: int, height: int, maximum: int = MAXIMUM_PIXELS) -> str:
    """What is wrong with an image of width x height pixels: the end of a sentence, or ""."""
    if width * height > maximum:
        return f"has {width}x{height} pixels, more than the {maximum:,} allowed"
    return ""
