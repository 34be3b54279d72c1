# SPDX-License-Identifier: GPL-3.0-or-later
"""Types of numbers on the command lines, which refuse what no program here can use."""

from __future__ import annotations

import argparse
import math

LARGEST = 10**9
LARGEST_SIDE = 4096


def _whole(text: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
    return number


def count(text: str) -> int:
    """A number of things, at least 1."""
    return _whole(text, 1, LARGEST)


def natural(text: str) -> int:
    """A seed."""
    return _whole(text, 0, LARGEST)


def side(text: str) -> int:
    """Side of an image in pixels, no smaller than the window of SSIM."""
    return _whole(text, 11, LARGEST_SIDE)


def amount(text: str) -> float:
    """A share or a time above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0 and up to {LARGEST}")
    return number


def time(text: str) -> float:
    """A time, which may be 0."""
    return 0.0 if text.strip() == "0" else amount(text)
