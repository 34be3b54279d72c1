# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be simulated."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

from vqdeepsc.allocation import Budget
from vqdeepsc.errors import ParameterError
from vqdeepsc.images.baselines import BASELINES
from vqdeepsc.images.search import NO_SEARCH, Search
from vqdeepsc.link import DEFAULT_SCHEME, ChannelModel, Scheme

from .identity import DECISIONS, Decision

MAXIMUM_SNR_DB = 100.0
_MAXIMUM_POINTS = 1000


@dataclass(frozen=True)
class Simulation:
    """What to simulate.

    images: files, folders or tar archives; models: names or bundles; channels; snr_db: mean Es/N0;
    baselines: of `baselines.BASELINES`; decisions: of DECISIONS; schemes: of modulation and
    coding; upper_bounds: ONNX files of networks without quantisation; seed: of everything;
    native: keep the images' size; limit: first images only (0: all);
    strict: refuse images that were cut short; search: of the senders, whose systems have its
    suffix; bits_per_pixel: source bits of progressive models, each in turn, none for all that they
    have. Raises ParameterError for values out of range and for what is named twice."""

    images: Sequence[str | os.PathLike[str]]
    models: Sequence[str]
    channels: Sequence[ChannelModel]
    snr_db: Sequence[float]
    baselines: Sequence[str] = ()
    decisions: Sequence[Decision] = ("soft",)
    schemes: Sequence[Scheme] = (DEFAULT_SCHEME,)
    upper_bounds: Sequence[str | os.PathLike[str]] = ()
    seed: int = 0
    native: bool = False
    limit: int = 0
    strict: bool = False
    search: Search = NO_SEARCH
    bits_per_pixel: Sequence[float] = ()

    def __post_init__(self) -> None:
        for what, values in (
            ("model", self.models),
            ("channel", self.channels),
            ("SNR", self.snr_db),
            ("baseline", self.baselines),
            ("decision", self.decisions),
            ("scheme", self.schemes),
            ("number of bits per pixel", self.bits_per_pixel),
        ):
            if isinstance(values, str):
                raise ParameterError(f"a list is needed, not the {what} {values!r} alone")
            for value in values:
                if list(values).count(value) > 1:
                    raise ParameterError(f"the {what} {value} is named twice")
        for what, values, known in (
            ("baseline", self.baselines, BASELINES),
            ("decision", self.decisions, DECISIONS),
        ):
            for value in values:
                if value not in known:
                    raise ParameterError(f"there is no {what} {value!r}; known: {', '.join(known)}")
        for number in self.snr_db:
            check_snr(number)
        if not 0 <= self.seed < 2**64:
            raise ParameterError(f"the seed is {self.seed}, but must be 0 to 2^64 - 1")
        for bits_per_pixel in self.bits_per_pixel:
            if not Budget(bits_per_pixel).wanted:
                raise ParameterError("the bits for each pixel must be above 0")
        if self.limit < 0:
            raise ParameterError(f"the limit is {self.limit}, but must be at least 0")


def check_snr(snr_db: float) -> None:
    """Raises ParameterError for an SNR that is no number within ±MAXIMUM_SNR_DB, or that
    results.csv, with six digits, would change."""
    if not abs(snr_db) <= MAXIMUM_SNR_DB:
        raise ParameterError(f"an SNR must be within ±{MAXIMUM_SNR_DB:g} dB, got {snr_db:g}")
    if float(f"{snr_db:g}") != snr_db:
        raise ParameterError(f"an SNR has at most six digits, got {snr_db!r}")


def parse_snr(text: str) -> tuple[float, ...]:
    """SNRs in dB as START:STOP:STEP (both ends included), as a list A,B,C or as one number.

    Raises ParameterError."""
    try:
        numbers = [float(part) for part in text.replace(":", ",").split(",")]
    except ValueError:
        raise ParameterError(
            f"the SNR {text!r} is neither START:STOP:STEP nor a list of numbers"
        ) from None
    if not all(math.isfinite(number) for number in numbers):
        raise ParameterError(f"the SNR {text!r} is not finite")
    if ":" in text:
        if len(numbers) != 3 or "," in text:
            raise ParameterError(f"the SNR range {text!r} must be START:STOP:STEP")
        start, stop, step = numbers
        if step <= 0:
            raise ParameterError(f"the step of the SNR range {text!r} must be above 0")
        if stop < start:
            raise ParameterError(f"the SNR range {text!r} runs backwards")
        if (stop - start) / step > _MAXIMUM_POINTS:
            raise ParameterError(f"the SNR range {text!r} has more than {_MAXIMUM_POINTS} points")
        count = math.floor((stop - start) / step + 1e-9) + 1
        numbers = [round(start + i * step, 6) for i in range(count)]
    for number in numbers:
        check_snr(number)
    if len(set(numbers)) != len(numbers):
        raise ParameterError(f"the SNR {text!r} names a value twice")
    return tuple(number + 0.0 for number in numbers)  # -0.0 would be printed as such
