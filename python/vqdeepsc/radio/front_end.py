# SPDX-License-Identifier: GPL-3.0-or-later
"""From the samples of a radio or recording to the signal in them: offset and sample rate."""

from __future__ import annotations

import math
from fractions import Fraction

from gnuradio import blocks, gr
from gnuradio.filter import firdes, rational_resampler_ccf

from .settings import RadioError

# A ratio of such whole numbers is nearer to any other one than clocks are to each other. They are
# also what a filter's length grows with.
_LARGEST_NUMBER = 10_000
_LARGEST_RATIO = 1000
# The signal fills 13/16 of its sample rate (0.41 on each side) and may be beside the middle.
_CUTOFF, _TRANSITION = 0.5, 0.1


def front_end(rate: float, wanted_rate: float, offset: float) -> list[gr.basic_block]:
    """Blocks in a row that bring a signal to 0 Hz and samples of one rate to another.

    Rates in samples/s; offset in Hz from the middle of the samples. Raises RadioError."""
    if abs(offset) >= rate / 2:
        raise RadioError(
            f"the offset is {offset:g} Hz, but samples of {rate:g}/s reach {rate / 2:g}"
        )
    row: list[gr.basic_block] = []
    if offset:
        row.append(blocks.rotator_cc(-2 * math.pi * offset / rate))
    ratio = wanted_rate / rate
    if not 1 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO:
        raise RadioError(f"samples of {rate:g}/s are not brought to {wanted_rate:g}/s")
    fraction = _nearest_fraction(ratio)
    if fraction != 1:
        lower = min(1.0, ratio)
        taps = firdes.low_pass(
            fraction.numerator, fraction.numerator, _CUTOFF * lower, _TRANSITION * lower
        )
        row.append(
            rational_resampler_ccf(
                interpolation=fraction.numerator, decimation=fraction.denominator, taps=taps
            )
        )
    return row


def _nearest_fraction(ratio: float) -> Fraction:
    """A ratio of whole numbers of which neither is above _LARGEST_NUMBER."""
    if ratio > 1:
        return 1 / Fraction(1 / ratio).limit_denominator(_LARGEST_NUMBER)
    return Fraction(ratio).limit_denominator(_LARGEST_NUMBER)
