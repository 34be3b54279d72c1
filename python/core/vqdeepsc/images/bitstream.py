# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that `vqdeepsc encode` writes; docs/file-format.md describes it."""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.bounded_files import FileError, bounded_file
from vqdeepsc.changed_limits import allowed
from vqdeepsc.codec import FRAME_VERSION, BitLayout, Run, RunError, region_count, run_of_frame
from vqdeepsc.codec.runs import MAXIMUM_RUN_BLOCKS
from vqdeepsc.errors import Error
from vqdeepsc.kernels import REGION_BLOCKS, FrameHeader
from vqdeepsc.limits import (
    MAXIMUM_PIXELS,
    MAXIMUM_REGION_BITS,
    MAXIMUM_SIDE,
    pixels_error,
)
from vqdeepsc.whole_files import write_whole

MAGIC = b"VQDS"
_HEAD_1 = struct.Struct(">4sBxHIIII")  # magic, version, model id, width, height, regions, bits
_FRAMES = struct.Struct(">HI")  # of version 3: bits of a frame, frames
_BLOCK_BITS = np.dtype(">u2")
_CRC = struct.Struct(">I")
FRAMES_VERSION = 3
"""Version of a file whose blocks have different numbers of bits."""


class BitstreamError(Error):
    """A file that `vqdeepsc encode` did not write, in one sentence."""


@dataclass(frozen=True)
class ImageBitstream:
    """An encoded image.

    version: of the order of blocks; model_id: 16 bits that name the codebooks; width, height: 1 to
    65,535 pixels; bits: uint8 [frames, bits of each]; block_bits: of each block of every frame, or
    none, where the frames are regions of 64 blocks that share their bits."""

    model_id: int
    width: int
    height: int
    bits: NDArray[np.uint8]
    version: int = FRAME_VERSION
    block_bits: Sequence[int] = ()

    def runs(self, layout: BitLayout, name: str = "file") -> list[Run]:
        """What each frame carries; layout: of a region of the model; name: of the file.

        Raises BitstreamError for what the model does not send."""
        frame_bits = self.bits.shape[1]
        each = self.block_bits or [frame_bits // REGION_BLOCKS] * len(self.bits)
        runs: list[Run] = []
        first = 0
        try:
            for bits in each:
                runs.append(run_of_frame(layout, first, bits, frame_bits, name))
                first += runs[-1].blocks
        except RunError as error:
            raise BitstreamError(str(error)) from error
        return runs

    def to_bytes(self) -> bytes:
        """The content of the file, of version 2, or 3 where block_bits says so.

        Raises BitstreamError."""
        if not (1 <= self.width <= MAXIMUM_SIDE and 1 <= self.height <= MAXIMUM_SIDE):
            raise BitstreamError(f"a side of {self.width}x{self.height} exceeds {MAXIMUM_SIDE}")
        header = FrameHeader(
            version=FRAME_VERSION,
            model=self.model_id,
            width=self.width,
            height=self.height,
            block_bits=0 if self.block_bits else self.bits.shape[1] // REGION_BLOCKS,
        )
        head = MAGIC + header.to_bytes()
        if self.block_bits:
            head = MAGIC + bytes([FRAMES_VERSION]) + header.to_bytes()[1:]
            head += _FRAMES.pack(self.bits.shape[1], len(self.bits))
            head += np.array(self.block_bits, _BLOCK_BITS).tobytes()
        content = head + np.packbits(self.bits, axis=1).tobytes()
        return content + _CRC.pack(zlib.crc32(content))

    @classmethod
    def from_bytes(
        cls, content: bytes, name: str = "file", max_pixels: int = MAXIMUM_PIXELS
    ) -> ImageBitstream:
        """Reads the content of a file called `name`; raises BitstreamError.

        max_pixels: width times height of the largest image that is read."""
        return _read(io.BytesIO(content), len(content), name, max_pixels)


@dataclass(frozen=True)
class _Head:
    """What a file says of its image before the bits.

    bits: of each frame; frames: how many; varying: whether their blocks have different numbers of
    bits, which follow."""

    version: int
    model_id: int
    width: int
    height: int
    bits: int
    frames: int
    varying: bool = False

    @classmethod
    def from_version_1(cls, packed: bytes) -> _Head:
        """Raises ValueError for a header that contradicts itself."""
        _, version, model_id, width, height, regions, bits = _HEAD_1.unpack(packed)
        header = FrameHeader(version=version, model=model_id, width=width, height=height)
        if not bits or region_count(width, height, version) != regions:
            raise ValueError("regions")
        return cls(version, model_id, header.width, header.height, bits, regions)

    @classmethod
    def from_version_2(cls, packed: bytes) -> _Head:
        """Raises ValueError for a header that contradicts itself."""
        header = FrameHeader.from_bytes(packed[len(MAGIC) :])
        if header.first_block or not header.block_bits:
            raise ValueError("blocks")
        bits = header.block_bits * REGION_BLOCKS
        frames = region_count(header.width, header.height)
        return cls(header.version, header.model, header.width, header.height, bits, frames)

    @classmethod
    def from_version_3(cls, packed: bytes) -> _Head:
        """Raises ValueError for a header that contradicts itself."""
        rest = packed[len(MAGIC) + 1 :]
        header = FrameHeader.from_bytes(bytes([FRAME_VERSION]) + rest[: FrameHeader.BYTES - 1])
        bits, frames = _FRAMES.unpack(rest[FrameHeader.BYTES - 1 :])
        # each frame has one block at least
        if header.first_block or header.block_bits or not bits or not 0 < frames <= header.blocks:
            raise ValueError("frames")
        size = header.width, header.height
        return cls(header.version, header.model, *size, bits, frames, varying=True)


_HEADS = {
    1: (_HEAD_1.size, _Head.from_version_1),
    FRAME_VERSION: (len(MAGIC) + FrameHeader.BYTES, _Head.from_version_2),
    FRAMES_VERSION: (len(MAGIC) + FrameHeader.BYTES + _FRAMES.size, _Head.from_version_3),
}
"""Bytes of the header, and what reads it, of each version."""


def read_bitstream(
    path: str | os.PathLike[str], max_pixels: int = MAXIMUM_PIXELS
) -> ImageBitstream:
    """Reads a file of `vqdeepsc encode`; raises BitstreamError.

    max_pixels: width times height of the largest image that is read."""
    try:
        # The header says how long the file is, before anything else is read.
        with bounded_file(path, sys.maxsize) as (file, size):
            return _read(file, size, os.fspath(path), max_pixels)
    except FileError as error:
        raise BitstreamError(str(error)) from error


def _read(file: BinaryIO, size: int, name: str, max_pixels: int) -> ImageBitstream:
    """Reads a file of size bytes called name: its header, and the rest if that may be true."""
    packed = file.read(len(MAGIC) + 1)
    if not packed.startswith(MAGIC):
        raise BitstreamError(f"{name} was not written by vqdeepsc encode")
    version = packed[-1] if len(packed) > len(MAGIC) else FRAME_VERSION
    if version not in _HEADS:
        raise BitstreamError(
            f"{name} has format version {version}; this program reads 1 to {FRAMES_VERSION}"
        )
    head_size, read_head = _HEADS[version]
    if size < head_size + _CRC.size:
        raise BitstreamError(f"{name} is incomplete")
    packed += file.read(head_size - len(packed))
    try:
        head = read_head(packed)
    except ValueError as error:
        raise BitstreamError(f"{name} has a header that contradicts itself") from error
    if reason := pixels_error(head.width, head.height, max_pixels):
        raise BitstreamError(f"{name} {reason}")
    if head.bits > MAXIMUM_REGION_BITS:
        raise BitstreamError(
            f"{name} has {head.bits:,} bits in a region, {allowed(MAXIMUM_REGION_BITS)}"
        )
    table_size = head.frames * _BLOCK_BITS.itemsize * head.varying
    body_size = table_size + head.frames * (-(-head.bits // 8))
    if size < head_size + body_size + _CRC.size:
        raise BitstreamError(f"{name} is incomplete")
    if size > head_size + body_size + _CRC.size:
        raise BitstreamError(f"{name} is longer than its header says")
    body, crc = file.read(body_size), file.read(_CRC.size)
    if _CRC.pack(zlib.crc32(body, zlib.crc32(packed))) != crc:
        raise BitstreamError(f"{name} is damaged: its checksum does not match")
    block_bits = list(map(int, np.frombuffer(body[:table_size], _BLOCK_BITS)))
    if head.varying and not _cover(block_bits, head):
        raise BitstreamError(f"{name} has frames that do not make up its image")
    rows = np.frombuffer(body[table_size:], np.uint8).reshape(head.frames, -1)
    bits = np.unpackbits(rows, axis=1, count=head.bits)
    return ImageBitstream(head.model_id, head.width, head.height, bits, head.version, block_bits)


def _cover(block_bits: Sequence[int], head: _Head) -> bool:
    """Whether frames with these bits of each block have all blocks of the image, and no more."""
    if not all(1 <= bits <= head.bits for bits in block_bits):
        return False
    blocks = FrameHeader(width=head.width, height=head.height).blocks
    carried = [min(head.bits // bits, MAXIMUM_RUN_BLOCKS) for bits in block_bits]
    return sum(carried[:-1]) < blocks <= sum(carried)


def write_bitstream(path: str | os.PathLike[str], code: ImageBitstream) -> int:
    """Writes such a file and returns its size in bytes; raises BitstreamError."""
    content = code.to_bytes()
    path = Path(path)
    try:
        write_whole(path, content)
    except OSError as error:
        raise BitstreamError(f"{path}: {error.strerror}") from error
    return len(content)
