# SPDX-License-Identifier: GPL-3.0-or-later
"""How a sample is stored: SigMF's datatypes of complex samples, and what file names say of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.errors import Error


class RecordingError(Error):
    """A recording that cannot be read or written, in one sentence."""


class FormatError(Error):
    """A name that is no format of complex samples."""


@dataclass(frozen=True)
class SampleFormat:
    """A stored complex sample, I before Q.

    name: SigMF's datatype, or ci24_le for three bytes; number: NumPy's type of I and Q; zero: the
    number that stands for 0; full_scale: numbers from there to 1
    """

    name: str
    number: np.dtype[Any]
    zero: float = 0.0
    full_scale: float = 1.0

    @property
    def size(self) -> int:
        """Bytes of one sample."""
        return 6 if self.name == "ci24_le" else 2 * self.number.itemsize

    def decode(self, content: bytes, channels: int = 1, channel: int = 0) -> NDArray[np.complex64]:
        """Samples of one of the channels, which take turns; content has whole turns."""
        if channels == 1 and self.number == np.float32:
            return np.frombuffer(content, np.complex64)
        numbers: NDArray[Any]
        if self.name == "ci24_le":
            # as the upper three bytes of four
            wide = np.zeros((len(content) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(content, np.uint8).reshape(-1, 3)
            numbers = wide.view("<i4").ravel()
        else:
            numbers = np.frombuffer(content, self.number)
        pairs = numbers.reshape(-1, channels, 2)[:, channel]
        # a recording may hold any number
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (pairs - self.zero) / self.full_scale
            return np.ascontiguousarray(scaled, np.float32).view(np.complex64).ravel()

    def encode(self, samples: NDArray[np.complex64]) -> bytes:
        """The samples as they are stored; what is beyond full scale is cut there."""
        numbers = np.ascontiguousarray(samples).view(np.float32)
        if self.number.kind == "f":
            return numbers.astype(self.number).tobytes()
        limits = np.iinfo(self.number)
        scaled = np.rint(numbers * np.float64(self.full_scale) + self.zero)
        stored: bytes = scaled.clip(limits.min, limits.max).astype(self.number).tobytes()
        return stored


def _make_formats() -> dict[str, SampleFormat]:
    formats = {}
    for kind, bits in (
        ("f", 32),
        ("f", 64),
        *(("i", n) for n in (8, 16, 32)),
        *(("u", n) for n in (8, 16, 32)),
    ):
        orders = {"": "="} if bits == 8 else {"_le": "<", "_be": ">"}
        for ending, order in orders.items():
            name = f"c{kind}{bits}{ending}"
            number = np.dtype(f"{order}{kind}{bits // 8}")
            largest = float(2 ** (bits - 1) - 1)
            if kind == "f":
                formats[name] = SampleFormat(name, number)
            elif kind == "i":
                formats[name] = SampleFormat(name, number, 0.0, largest)
            else:
                formats[name] = SampleFormat(name, number, largest + 0.5, largest + 0.5)
    return formats


FORMATS = _make_formats()
"""The complex datatypes of SigMF 1.2 by name."""

PACKED_24 = SampleFormat("ci24_le", np.dtype("<i4"), 0.0, 2.0**31 - 256)
"""24 bits in three bytes, as some WAV files have."""

SUFFIXES = {
    **dict.fromkeys((".cf32", ".cfile", ".fc32"), "cf32_le"),
    **dict.fromkeys((".cf64", ".fc64"), "cf64_le"),
    **dict.fromkeys((".cs8", ".sc8", ".c8"), "ci8"),
    **dict.fromkeys((".cu8", ".uc8"), "cu8"),
    **dict.fromkeys((".ci16", ".cs16", ".sc16", ".c16"), "ci16_le"),
    **dict.fromkeys((".cs32", ".sc32", ".c32"), "ci32_le"),
}
"""Format of a bare file, by the ending of its name; all that inspectrum reads."""

VAGUE_SUFFIXES = (".bin", ".dat", ".iq", ".raw")
"""Endings that say nothing of the format."""

DEFAULT_FORMAT = "cf32_le"
"""What is written where nothing is said: GNU Radio's own."""


def find_format(name: str) -> SampleFormat:
    """The format of this name, little-endian unless it says otherwise; raises FormatError."""
    for full in (name, f"{name}_le"):
        if full in FORMATS:
            return FORMATS[full]
    if re.fullmatch(r"r[fiu]\d+(_[lb]e)?", name):
        raise FormatError(f"the samples are {name}, which is real; complex ones are needed")
    names = ", ".join(sorted({known.removesuffix("_le") for known in FORMATS}))
    raise FormatError(f"there is no sample format {name!r}: choose {names}")
