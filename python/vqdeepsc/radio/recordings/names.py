# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample rate and frequency that programs write into file names and beside recordings."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from vqdeepsc.bounded_files import FileError, bounded_file

_FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_NUMBER = r"(\d+(?:\.\d+)?)"

# gqrx_20260102_030405_433920000_1000000_fc.raw
_GQRX = re.compile(r"gqrx_\d{8}_\d{6}_(\d+)_(\d+)_fc\.raw", re.IGNORECASE)
# baseband_433920000Hz_... (SDR++), SDRSharp_..._433920000Hz_IQ, HDSDR_..._7100kHz_RF
_FREQUENCY = re.compile(rf"(?<![a-z0-9.]){_NUMBER}([kMG]?)Hz(?![a-z0-9])", re.IGNORECASE)
_RATE = re.compile(rf"(?<![a-z0-9.]){_NUMBER}([kM]?)sps(?![a-z0-9])", re.IGNORECASE)

_PORTAPACK = re.compile(r"^\s*(sample_rate|center_frequency)\s*=\s*(\d+)", re.MULTILINE)
_PORTAPACK_SUFFIXES = (".c16", ".c8")
_LARGEST_TEXT = 4096


@dataclass(frozen=True)
class Tuning:
    """What is known of a recording: sample_rate in samples/s, frequency in Hz of its middle, and
    the name of its sample format."""

    sample_rate: float | None = None
    frequency: float | None = None
    format: str = ""


def tuning_of(path: Path) -> Tuning:
    """What the name of a recording and a PortaPack's text file beside it tell."""
    if found := _GQRX.fullmatch(path.name):
        return Tuning(float(found[2]), float(found[1]), "cf32_le")
    rate, frequency = (
        float(found[1]) * _FACTORS[found[2].lower()]
        if (found := pattern.search(path.name))
        else None
        for pattern in (_RATE, _FREQUENCY)
    )
    stated = _portapack(path)
    return Tuning(
        (rate if stated.sample_rate is None else stated.sample_rate) or None,
        frequency if stated.frequency is None else stated.frequency,
    )


def portapack_text(sample_rate: float, frequency: float) -> str:
    """What a PortaPack keeps in the text file beside a recording."""
    return f"sample_rate={sample_rate:.0f}\ncenter_frequency={frequency:.0f}\n"


def portapack_path(path: Path) -> Path | None:
    """Where a PortaPack looks for the text of this recording, None for what it does not play."""
    if path.suffix.lower() not in _PORTAPACK_SUFFIXES:
        return None
    return path.with_suffix(".TXT" if path.suffix.isupper() else ".txt")


def _portapack(path: Path) -> Tuning:
    if path.suffix.lower() not in _PORTAPACK_SUFFIXES:
        return Tuning()
    for suffix in (".TXT", ".txt"):
        try:
            with bounded_file(path.with_suffix(suffix), sys.maxsize) as (file, _):
                text = file.read(_LARGEST_TEXT).decode("latin-1")
        except FileError:
            continue
        stated = {name: float(value) for name, value in _PORTAPACK.findall(text)}
        return Tuning(stated.get("sample_rate"), stated.get("center_frequency"))
    return Tuning()
