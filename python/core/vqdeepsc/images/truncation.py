# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files that were cut short: whether they were, and how what is left is decoded."""

from __future__ import annotations

import io
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageFile

from vqdeepsc.limits import MAXIMUM_MISSING_BYTES

DECODING = threading.RLock()
"""Held while Pillow decodes pixels, so that no thread sees the flag of another."""

GIVEN_UP = (0, 1, 8, 64, 512)
"""Bytes before the cut to replace too, one number after the other: the arithmetic decoder of AVIF
refuses some of the symbols that a cut leaves, and the ones before it rarely."""

# Pillow decodes what is left of a file that was cut short when a flag of the whole module is set.
_PILLOWS_MESSAGE = "image file is truncated"

_BOX_TYPES = (b"ftyp", b"jP  ", b"JXL ")  # the first one of AVIF and HEIC, JPEG 2000, JPEG XL
_SOC_SIZ, _SOT, _EOC = b"\xff\x4f\xff\x51", b"\xff\x90", b"\xff\xd9"  # ISO/IEC 15444-1, A.4
_QOI_HEADER, _QOI_END = 14, bytes(7) + b"\x01"
_TIFF_STARTS = {b"II*\0": "<", b"MM\0*": ">"}
_TIFF_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8)  # bytes of a value of each type


@contextmanager
def truncated_allowed() -> Iterator[None]:
    """Images that are decoded here may have been cut short."""
    with DECODING:
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def load_rest(image: Image.Image) -> None:
    """Loads what can be decoded of an image that was cut short; the rest is black or whatever the
    decoder makes of zeros. Raises what Pillow raises where nothing can be decoded."""
    with truncated_allowed():
        try:
            image.load()
        except OSError:
            if image.format != "TIFF" or not isinstance(image, ImageFile.ImageFile):
                raise
            image.tile = []  # what libtiff decoded before the error stays
            image.load()


def missing_end(content: bytes, error: Exception) -> bytes | None:
    """What replaces the end of an image file that was cut short: zeros, as many as the file itself
    says are missing, none beyond MAXIMUM_MISSING_BYTES; None for a file of which nothing says so.

    error: what Pillow said of the file."""
    end, rest = 0, b""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        end, rest = _end_of_webp(content)
    elif content[4:8] in _BOX_TYPES:
        end = _end_of_boxes(content)
    elif content.startswith(_SOC_SIZ):
        end = _end_of_codestream(content)
    elif content.startswith(b"qoif"):
        end = _end_of_qoi(content)
    elif content[:4] in _TIFF_STARTS:
        end = _end_of_tiff(content)
    if (missing := end - len(content)) > 0:
        return bytes(missing) + rest if missing <= MAXIMUM_MISSING_BYTES else b""
    return rest if rest or _PILLOWS_MESSAGE in str(error) else None


def _end_of_webp(content: bytes) -> tuple[int, bytes]:
    """Where the last chunk ends that begins in the file, and a chunk for the ones behind it."""
    size = 8 + int.from_bytes(content[4:8], "little")
    begin = 12
    while begin < len(content):
        length = int.from_bytes(content[begin + 4 : begin + 8], "little")
        begin += 8 + length + length % 2
    rest = size - begin - 8
    if size <= len(content) or not 0 <= rest <= MAXIMUM_MISSING_BYTES:
        return size, b""
    return begin, b"skip" + rest.to_bytes(4, "little") + bytes(rest)


def _end_of_boxes(content: bytes) -> int:
    """Where the last box ends that begins in the file (ISO/IEC 14496-12, 4.2)."""
    begin = 0
    while begin + 8 <= len(content):
        size = int.from_bytes(content[begin : begin + 4], "big")
        if size == 1:
            size = int.from_bytes(content[begin + 8 : begin + 16], "big")
        if size < 8:  # 0: until the end, wherever that is
            kind, body = content[begin + 4 : begin + 8], content[begin + 8 :]
            return begin + 8 + _end_of_codestream(body) if kind == b"jp2c" else len(content)
        begin += size
    return max(begin, len(content))


def _end_of_codestream(content: bytes) -> int:
    """Where the tile-parts of JPEG 2000 end that begin in the file, and the end marker."""
    begin = 2
    while begin + 4 <= len(content) and content[begin : begin + 2] != _SOT:
        begin += 2 + int.from_bytes(content[begin + 2 : begin + 4], "big")
    while content[begin : begin + 2] == _SOT and begin + 10 <= len(content):
        size = int.from_bytes(content[begin + 6 : begin + 10], "big")
        if size < 12:  # 0: until the end marker
            return len(content) if content.endswith(_EOC) else len(content) + len(_EOC)
        begin += size
    return begin + len(_EOC)


def _end_of_qoi(content: bytes) -> int:
    """An end that is far enough: each pixel takes at most one byte of zeros."""
    if content.endswith(_QOI_END) or len(content) < _QOI_HEADER:
        return len(content)
    width, height = struct.unpack(">II", content[4:12])
    return len(content) + int(width) * int(height)


def _end_of_tiff(content: bytes) -> int:
    """Where the last strip or tile ends, or else what says where they are (TIFF 6.0, section 2)."""
    order = _TIFF_STARTS[content[:4]]
    if len(content) < 8:
        return 8
    (begin,) = struct.unpack_from(f"{order}I", content, 4)
    directory = content[begin:]
    if len(directory) < 2:
        return int(begin) + 2
    (entries,) = struct.unpack_from(f"{order}H", directory)
    if len(directory) < 2 + 12 * entries:
        return int(begin) + 2 + 12 * int(entries)
    end = len(content)
    for entry in range(entries):
        _, kind, count, offset = struct.unpack_from(f"{order}HHII", directory, 2 + 12 * entry)
        size = _TIFF_SIZES[kind] * count if kind < len(_TIFF_SIZES) else 0
        end = max(end, int(offset + size) if size > 4 else 0)
    return max(end, _end_of_strips(content))


def _end_of_strips(content: bytes) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content)) as image:
                tags = getattr(image, "tag_v2", {})
                return max(
                    int(offset + size)
                    for offsets, sizes in ((273, 279), (324, 325))  # of strips and of tiles
                    for offset, size in zip(
                        tags.get(offsets, ()), tags.get(sizes, ()), strict=False
                    )
                )
        except Exception:  # Pillow raises all kinds of exceptions on damaged files
            return 0
