# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be simulated, and the seed of each row."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

from vqdeepsc.errors import ParameterError
from vqdeepsc.link import DEFAULT_SCHEME, ChannelModel, Scheme

DECISIONS = ("soft", "hard")
MAXIMUM_SNR_DB = 100.0
_MAXIMUM_POINTS = 1000


@dataclass(frozen=True)
class Simulation:
    """What to simulate.

    images: files, folders or tar archives; models: names or bundles; channels; snr_db: mean Es/N0;
    baselines: of `baselines.BASELINES`; decisions: of DECISIONS; schemes: of modulation and
    coding; upper_bounds: ONNX files of networks without quantisation; seed: of everything;
    native: keep the images' size; limit: first images only (0: all);
    strict: refuse images that were cut short."""

    images: Sequence[str | os.PathLike[str]]
    models: Sequence[str]
    channels: Sequence[ChannelModel]
    snr_db: Sequence[float]
    baselines: Sequence[str] = ()
    decisions: Sequence[str] = ("soft",)
    schemes: Sequence[Scheme] = (DEFAULT_SCHEME,)
    upper_bounds: Sequence[str | os.PathLike[str]] = ()
    seed: int = 0
    native: bool = False
    limit: int = 0
    strict: bool = False


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
        if abs(number) > MAXIMUM_SNR_DB:
            raise ParameterError(f"an SNR must be within ±{MAXIMUM_SNR_DB:g} dB, got {number:g}")
    if len(set(numbers)) != len(numbers):
        raise ParameterError(f"the SNR {text!r} names a value twice")
    return tuple(number + 0.0 for number in numbers)  # -0.0 would be printed as such


def derive_seed(
    seed: int, image: str, system: str, channel: str, snr_db: float, source_bits: int
) -> int:
    """Seed of one row's channel, whatever else is simulated and by how many workers.

    The first 32 bits, big-endian, of SHA-256 of the six values as text with line feeds between
    them, the SNR as C's %g writes it. Soft and hard decisions of a model share the model's seed."""
    text = f"{seed}\n{image}\n{system}\n{channel}\n{snr_db:g}\n{source_bits}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def system_name(name: str, scheme: Scheme) -> str:
    """A model or baseline over a scheme, as results.csv has it."""
    return name if scheme == DEFAULT_SCHEME else f"{name}:{scheme}"


def row_seed(seed: int, key: tuple[str, str, str, float, int]) -> int:
    """Seed of the row with this `Result.key`."""
    image, system, channel, snr_db, source_bits = key
    return derive_seed(seed, image, system.removesuffix(":hard"), channel, snr_db, source_bits)
