# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the samples of a recording are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .byte_stream import ByteStream
from .formats import SampleFormat


@dataclass(frozen=True)
class Part:
    """A run of samples in a file.

    file: its path; begin: bytes before the first sample; size: bytes of the samples, None for all
    to the end of the file; channels: that take turns; channel: the one that is wanted
    """

    file: Path
    format: SampleFormat
    begin: int = 0
    size: int | None = None
    channels: int = 1
    channel: int = 0


@dataclass(frozen=True)
class Recording:
    """What is read one part after the other.

    sample_rate in samples/s and frequency in Hz where the recording tells them; pipe: that the
    bytes of its only part come from, in place of the file
    """

    name: str
    parts: tuple[Part, ...]
    sample_rate: float | None = None
    frequency: float | None = None
    pipe: ByteStream | None = None
