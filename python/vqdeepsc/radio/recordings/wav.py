# SPDX-License-Identifier: GPL-3.0-or-later
"""WAV files with I and Q as two channels, and SDRangel's files.

Python's `wave` knows neither floating point, RF64 and auxi nor files that still grow or pipes.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from .formats import FORMATS, PACKED_24, RecordingError, SampleFormat

HEAD_BYTES = 1 << 16
"""How many bytes of a file are looked at for its head."""

_INTEGER, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_ENDLESS = 0xFFFFFFFF
_FORMATS = {
    (_INTEGER, 8): FORMATS["cu8"],
    (_INTEGER, 16): FORMATS["ci16_le"],
    (_INTEGER, 24): PACKED_24,
    (_INTEGER, 32): FORMATS["ci32_le"],
    (_FLOAT, 32): FORMATS["cf32_le"],
    (_FLOAT, 64): FORMATS["cf64_le"],
}
WRITTEN_FORMATS = ("ci16_le", "cu8", "ci32_le", "cf32_le")
LARGEST_WAV = _ENDLESS - 1
"""Bytes of a WAV file, whose lengths have 32 bits."""

# auxi of SpectraVue: two times of 16 bytes, then the frequency; SDR Console's is XML in UTF-16.
_AUXI_BYTES = 68
_AUXI_FREQUENCY = 32
_AUXI_XML = re.compile(r'RadioCenterFreq="(\d+)"')

_SDRIQ_HEAD = struct.Struct("<IQQIII")
_SDRIQ_FORMATS = {
    16: FORMATS["ci16_le"],
    24: SampleFormat("ci32_le", FORMATS["ci32_le"].number, 0.0, 2.0**23 - 1),
}


@dataclass(frozen=True)
class Head:
    """What comes before samples.

    begin: bytes of it; size: bytes of the samples, None for all to the end; channels: of I and Q;
    sample_rate in samples/s; frequency in Hz, None where it is not stated
    """

    format: SampleFormat
    begin: int
    size: int | None
    channels: int
    sample_rate: float
    frequency: float | None


def is_wav(content: bytes) -> bool:
    return content[:4] in (b"RIFF", b"RF64") and content[8:12] == b"WAVE"


def parse_wav(content: bytes) -> Head:
    """The head of a file that begins with content; raises RecordingError: end of a sentence."""
    if not is_wav(content):
        raise RecordingError("is no WAV file")
    form, long_size, frequency = b"", 0, None
    offset = 12
    while offset + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, offset)
        offset += 8
        body = content[offset : offset + size]
        if name == b"data":
            break
        if name == b"fmt ":
            form = body
        elif name == b"ds64" and len(body) >= 16:
            (long_size,) = struct.unpack_from("<Q", body, 8)
        elif name == b"auxi":
            frequency = _auxi_frequency(body)
        offset += size + size % 2
    else:
        raise RecordingError(f"has no samples within its first {len(content):,} bytes")
    if len(form) < 16:
        raise RecordingError("does not tell the format of its samples")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if kind == _EXTENSIBLE and len(form) >= 26:
        (kind,) = struct.unpack_from("<H", form, 24)
    if (kind, bits) not in _FORMATS:
        raise RecordingError(f"has samples of kind {kind} with {bits} bits, which are not read")
    if channels < 2 or channels % 2:
        raise RecordingError(f"has {channels} channel(s), but I and Q need two")
    length = long_size if size == _ENDLESS else size
    return Head(_FORMATS[kind, bits], offset, length or None, channels // 2, float(rate), frequency)


def wav_head(form: SampleFormat, sample_rate: float, frequency: float, size: int) -> bytes:
    """The head of a file with so many bytes of samples; frequency 0 if it is unknown."""
    kind = _FLOAT if form.number.kind == "f" else _INTEGER
    rate = round(sample_rate)
    fields = (kind, 2, rate, rate * form.size, form.size, 4 * form.size)
    chunks = b"fmt " + struct.pack("<IHHIIHH", 16, *fields)
    if 0 < frequency <= _ENDLESS:
        auxi = bytes(_AUXI_FREQUENCY) + struct.pack("<I", round(frequency))
        chunks += b"auxi" + struct.pack("<I", _AUXI_BYTES) + auxi.ljust(_AUXI_BYTES, b"\0")
    chunks += b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks) + size) + b"WAVE" + chunks


def parse_sdriq(content: bytes) -> Head:
    """The head of SDRangel's .sdriq; raises RecordingError: the end of a sentence."""
    if len(content) < _SDRIQ_HEAD.size:
        raise RecordingError("is no recording of SDRangel: its head is cut short")
    rate, frequency, _, bits, _, _ = _SDRIQ_HEAD.unpack_from(content)
    if bits not in _SDRIQ_FORMATS or not rate:
        raise RecordingError(f"is no recording of SDRangel: samples of {bits} bits at {rate} Hz")
    form = _SDRIQ_FORMATS[bits]
    return Head(form, _SDRIQ_HEAD.size, None, 1, float(rate), float(frequency))


def _auxi_frequency(body: bytes) -> float | None:
    if body[:1] == b"<":
        found = _AUXI_XML.search(
            body.decode("utf-16-le" if body[1:2] == b"\0" else "latin-1", "replace")
        )
        return float(found[1]) if found else None
    if len(body) < _AUXI_FREQUENCY + 4:
        return None
    (frequency,) = struct.unpack_from("<I", body, _AUXI_FREQUENCY)
    return float(frequency) or None
