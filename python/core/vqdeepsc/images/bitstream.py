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

from vqdeepsc.codec import FRAME_VERSION, region_count
from vqdeepsc.kernels import REGION_BLOCKS, FrameHeader
from vqdeepsc.limits import MAXIMUM_PIXELS, MAXIMUM_SIDE
from vqdeepsc.whole_files import write_whole

MAGIC = b"VQDS"
_HEAD_BYTES = len(MAGIC) + FrameHeader.BYTES
_HEAD_1 = struct.Struct(">4sBxHIIII")  # magic, version, model id, width, height, regions, bits
_CRC = struct.Struct(">I")


class BitstreamError(ValueError):
    """A file that `vqdeepsc encode` did not write, in one sentence."""


@dataclass(frozen=True)
class ImageBitstream:
    """An encoded image.

    version: of the order of blocks; model_id: 16 bits that name the codebooks; width, height: 1 to
    65,535 pixels; bits: uint8 [regions, bits_per_region]."""

    model_id: int
    width: int
    height: int
    bits: NDArray[np.uint8]
    version: int = FRAME_VERSION

    def to_bytes(self) -> bytes:
        """The content of the file, which has the present version; raises BitstreamError."""
        if not (1 <= self.width <= MAXIMUM_SIDE and 1 <= self.height <= MAXIMUM_SIDE):
            raise BitstreamError(f"a side of {self.width}x{self.height} exceeds {MAXIMUM_SIDE}")
        header = FrameHeader(
            version=FRAME_VERSION,
            model=self.model_id,
            width=self.width,
            height=self.height,
            block_bits=self.bits.shape[1] // REGION_BLOCKS,
        )
        content = MAGIC + header.to_bytes() + np.packbits(self.bits, axis=1).tobytes()
        return content + _CRC.pack(zlib.crc32(content))

    @classmethod
    def from_bytes(
        cls, content: bytes, name: str = "file", max_pixels: int = MAXIMUM_PIXELS
    ) -> ImageBitstream:
        """Reads the content of a file called `name`; raises BitstreamError.

        max_pixels: width times height of the largest image that is read."""
        head = _Head.read(content, name, max_pixels)
        size = head.size + head.regions * (-(-head.bits // 8)) + _CRC.size
        if len(content) < size:
            raise BitstreamError(f"{name} is incomplete")
        if len(content) > size:
            raise BitstreamError(f"{name} is longer than its header says")
        body, crc = content[: -_CRC.size], _CRC.unpack(content[-_CRC.size :])[0]
        if zlib.crc32(body) != crc:
            raise BitstreamError(f"{name} is damaged: its checksum does not match")
        packed = np.frombuffer(body, np.uint8, offset=head.size).reshape(head.regions, -1)
        bits = np.unpackbits(packed, axis=1, count=head.bits)
        return cls(head.model_id, head.width, head.height, bits, head.version)


@dataclass(frozen=True)
class _Head:
    """What a file says of its image before the bits; bits: of each region; size: of itself."""

    version: int
    model_id: int
    width: int
    height: int
    bits: int
    size: int

    @property
    def regions(self) -> int:
        return region_count(self.width, self.height, self.version)

    @classmethod
    def read(cls, content: bytes, name: str, max_pixels: int) -> _Head:
        if not content.startswith(MAGIC):
            raise BitstreamError(f"{name} was not written by vqdeepsc encode")
        if len(content) <= len(MAGIC):
            raise BitstreamError(f"{name} is incomplete")
        readers = {1: cls._read_1, FRAME_VERSION: cls._read_2}
        version = content[len(MAGIC)]
        if version not in readers:
            raise BitstreamError(
                f"{name} has format version {version}; this program reads 1 and {FRAME_VERSION}"
            )
        head = readers[version](content, name)
        if error := pixels_error(head.width, head.height, max_pixels):
            raise BitstreamError(f"{name} {error}")
        return head

    @classmethod
    def _read_1(cls, content: bytes, name: str) -> _Head:
        if len(content) < _HEAD_1.size:
            raise BitstreamError(f"{name} is incomplete")
        _, version, model_id, width, height, regions, bits = _HEAD_1.unpack_from(content)
        sides = 1 <= width <= MAXIMUM_SIDE and 1 <= height <= MAXIMUM_SIDE
        if not sides or not bits or region_count(width, height, version) != regions:
            raise BitstreamError(f"{name} has a header that contradicts itself")
        return cls(version, model_id, width, height, bits, _HEAD_1.size)

    @classmethod
    def _read_2(cls, content: bytes, name: str) -> _Head:
        if len(content) < _HEAD_BYTES:
            raise BitstreamError(f"{name} is incomplete")
        try:
            header = FrameHeader.from_bytes(content[len(MAGIC) : _HEAD_BYTES])
        except ValueError as error:
            raise BitstreamError(f"{name} has a header that contradicts itself") from error
        if header.first_block or not header.block_bits:
            raise BitstreamError(f"{name} has a header that contradicts itself")
        bits = header.block_bits * REGION_BLOCKS
        size = header.width, header.height
        return cls(header.version, header.model, *size, bits, _HEAD_BYTES)


def read_bitstream(
    path: str | os.PathLike[str], max_pixels: int = MAXIMUM_PIXELS
) -> ImageBitstream:
    """Reads a file of `vqdeepsc encode`; raises BitstreamError.

    max_pixels: width times height of the largest image that is read."""
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
