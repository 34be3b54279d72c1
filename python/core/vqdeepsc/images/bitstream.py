# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that `vqdeepsc encode` writes; docs/file-format.md describes it."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.codec.regions import region_count
from vqdeepsc.limits import MAXIMUM_PIXELS, MAXIMUM_SIDE, pixels_fault
from vqdeepsc.whole_files import write_whole

MAGIC = b"VQDS"
VERSION = 1
_HEADER = struct.Struct(">4sBxHIIII")  # magic, version, model id, width, height, regions, bits
_CRC = struct.Struct(">I")


class BitstreamError(ValueError):
    """A file that `vqdeepsc encode` did not write, in one sentence."""


@dataclass(frozen=True)
class ImageBitstream:
    """An encoded picture.

    model_id: 16 bits that name the codebooks; width, height: 1 to 65535 pixels;
    bits: uint8 [regions, bits_per_region], regions in raster order."""

    model_id: int
    width: int
    height: int
    bits: NDArray[np.uint8]

    def to_bytes(self) -> bytes:
        """The content of the file; raises BitstreamError for a picture that is too large."""
        if not (1 <= self.width <= MAXIMUM_SIDE and 1 <= self.height <= MAXIMUM_SIDE):
            raise BitstreamError(f"a side of {self.width}x{self.height} exceeds {MAXIMUM_SIDE}")
        header = _HEADER.pack(
            MAGIC, VERSION, self.model_id, self.width, self.height, *self.bits.shape
        )
        content = header + np.packbits(self.bits, axis=1).tobytes()
        return content + _CRC.pack(zlib.crc32(content))

    @classmethod
    def from_bytes(
        cls, content: bytes, name: str = "file", max_pixels: int = MAXIMUM_PIXELS
    ) -> ImageBitstream:
        """Reads the content of a file called `name`; raises BitstreamError.

        max_pixels: width times height of the largest picture that is read."""
        if not content.startswith(MAGIC):
            raise BitstreamError(f"{name} was not written by vqdeepsc encode")
        if len(content) < _HEADER.size + _CRC.size:
            raise BitstreamError(f"{name} is incomplete")
        _, version, model_id, width, height, regions, bits = _HEADER.unpack_from(content)
        if version != VERSION:
            raise BitstreamError(
                f"{name} has format version {version}; this program reads {VERSION}"
            )
        size = _HEADER.size + regions * (-(-bits // 8)) + _CRC.size
        if len(content) < size:
            raise BitstreamError(f"{name} is incomplete")
        if len(content) > size:
            raise BitstreamError(f"{name} is longer than its header says")
        body, crc = content[: -_CRC.size], _CRC.unpack(content[-_CRC.size :])[0]
        if zlib.crc32(body) != crc:
            raise BitstreamError(f"{name} is damaged: its checksum does not match")
        sides = 1 <= width <= MAXIMUM_SIDE and 1 <= height <= MAXIMUM_SIDE
        if not sides or not bits or region_count(width, height) != regions:
            raise BitstreamError(f"{name} has a header that contradicts itself")
        if fault := pixels_fault(width, height, max_pixels):
            raise BitstreamError(f"{name} {fault}")
        packed = np.frombuffer(body, np.uint8, offset=_HEADER.size).reshape(regions, -1)
        return cls(model_id, width, height, np.unpackbits(packed, axis=1, count=bits))


def read_bitstream(
    path: str | os.PathLike[str], max_pixels: int = MAXIMUM_PIXELS
) -> ImageBitstream:
    """Reads a file of `vqdeepsc encode`; raises BitstreamError.

    max_pixels: width times height of the largest picture that is read."""
    path = Path(path)
    if path.exists() and not path.is_file():
        raise BitstreamError(f"{path} is not a file")
    try:
        return ImageBitstream.from_bytes(path.read_bytes(), str(path), max_pixels)
    except OSError as error:
        raise BitstreamError(f"{path}: {error.strerror}") from error


def write_bitstream(path: str | os.PathLike[str], code: ImageBitstream) -> int:
    """Writes such a file and returns its size in bytes; raises BitstreamError."""
    content = code.to_bytes()
    path = Path(path)
    try:
        write_whole(path, content)
    except OSError as error:
        raise BitstreamError(f"{path}: {error.strerror}") from error
    return len(content)
