# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of any mode and colour space to sRGB."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from .sample_range import WIDE_MODES, in_strips, to_eight_bits, to_sixteen_bits

_BACKGROUND = (255, 255, 255)  # behind transparent pixels, as on paper

_SRGB_GAMMA = 0.45455
_SRGB_CHROMATICITIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
"""Of white, red, green and blue, x and y of each: the order of PNG's cHRM."""

_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))


def to_srgb(image: Image.Image) -> NDArray[np.uint8]:
    """A loaded image as uint8 [H, W, 3] in sRGB, upright, transparent pixels laid on white.

    The colour profile is applied or, in a PNG file without one, gAMA and cHRM. A profile that is
    damaged or of another colour space than the image is skipped. The image itself is turned upright
    in its place. Raises SampleRangeError."""
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    ImageOps.exif_transpose(image, in_place=True)
    profile = image.info.get("icc_profile")
    colours, alpha = _split_alpha(image)
    if colours.mode in WIDE_MODES:
        colours = to_sixteen_bits(colours, tags)
    profile = profile or png_profile(image.info, is_grey=colours.mode in ("L", "I;16"))
    if profile:
        colours = _transform(colours, profile)
    if colours.mode == "I;16":
        colours = to_eight_bits(colours)
    colours = colours.convert("RGB")
    if alpha:
        paper = Image.new("RGB", colours.size, _BACKGROUND)
        paper.paste(colours, mask=alpha)
        colours = paper
    return np.array(colours)


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colours and opacity, which a colour transform does not take together."""
    key = image.info.get("transparency")
    if image.mode in WIDE_MODES:
        return image, None if key is None else in_strips(image, "L", partial(_opaque, key))
    if _is_transparent(image):
        grey = image.mode in ("1", "L", "LA", "La")
        image = image.convert("LA" if grey else "RGBA")
        return image.convert("L" if grey else "RGB"), image.getchannel("A")
    if image.mode in ("L", "CMYK", "LAB"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _opaque(key: Any, strip: Image.Image) -> NDArray[np.uint8]:
    opaque: NDArray[np.bool_] = np.asarray(strip) != key
    return np.where(opaque, 255, 0).astype(np.uint8)


def _is_transparent(image: Image.Image) -> bool:
    """Whether there is an opacity in any form; Pillow itself says so from 10.1 on."""
    if image.mode == "P" and image.palette is not None and image.palette.mode.endswith("A"):
        return True
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _transform(image: Image.Image, profile: bytes) -> Image.Image:
    """An image in mode L, I;16, RGB or CMYK with a profile in RGB, or as it is."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space == "RGB" and image.mode in ("L", "I;16"):
            image = to_eight_bits(image) if image.mode == "I;16" else image
            image = image.convert("RGB")
        if image.mode not in {"GRAY": ("L", "I;16"), "RGB": ("RGB",), "CMYK": ("CMYK",)}[space]:
            return image
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, KeyError, OSError, ValueError):
        return image  # without a usable profile the numbers are taken as they are
    return converted or image


def png_profile(info: Mapping[Any, Any], is_grey: bool) -> bytes | None:
    """The ICC profile that PNG's gAMA and cHRM stand for, None where they say sRGB or nothing.

    info: Pillow's of the file; is_grey: whether the profile is for grey samples."""
    if "srgb" in info or not {"gamma", "chromaticity"} & info.keys():
        return None
    gamma = info.get("gamma", _SRGB_GAMMA)
    points = info.get("chromaticity", _SRGB_CHROMATICITIES)
    if is_grey:
        points = _SRGB_CHROMATICITIES
    if np.allclose((gamma, *points), (_SRGB_GAMMA, *_SRGB_CHROMATICITIES), atol=0.002):
        return None
    if not 0.1 <= gamma <= 10 or not all(0.001 < y < 1 for y in points[1::2]):
        return None
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, min(round(256 / gamma), 0xFFFF))
    if is_grey:
        return _icc_profile(b"GRAY", {b"kTRC": curve})
    primaries = _primaries_under_d50(points)
    if primaries is None:
        return None
    tags: dict[bytes, bytes] = {}
    for name, column in zip((b"r", b"g", b"b"), primaries.T, strict=True):
        tags |= {name + b"XYZ": _icc_xyz(column), name + b"TRC": curve}
    return _icc_profile(b"RGB ", tags)


def _primaries_under_d50(points: tuple[float, ...]) -> NDArray[np.float64] | None:
    """XYZ of the primaries as columns, adapted to D50 (ICC.1:2022, Annex E); None for nonsense."""
    white, *primaries = (
        np.array([x / y, 1, (1 - x - y) / y])
        for x, y in zip(points[::2], points[1::2], strict=True)
    )
    try:
        matrix = np.stack(primaries, axis=1)
        matrix = matrix * np.linalg.solve(matrix, white)
        bradford = np.array(_BRADFORD)
        gains = (bradford @ _D50) / (bradford @ white)
        adapted = np.linalg.inv(bradford) @ np.diag(gains) @ bradford @ matrix
    except np.linalg.LinAlgError:
        return None
    return adapted if np.abs(adapted).max() < 10 else None


def _icc_xyz(values: Any) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 0x10000) for value in values))


def _icc_profile(space: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    """A display profile of ICC version 2 (ICC.1:2001-04)."""
    text = b"PNG\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": description, b"cprt": b"text\0\0\0\0" + text, b"wtpt": _icc_xyz(_D50), **tags}
    table = struct.pack(">I", len(tags))
    start = 128 + 4 + 12 * len(tags)
    body = b""
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content.ljust(math.ceil(len(content) / 4) * 4, b"\0")
    size = struct.pack(">I", start + len(body))
    header = size + bytes(4) + b"\x02\x40\0\0" + b"mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    illuminant = struct.pack(">3i", *(round(value * 0x10000) for value in _D50))
    return header.ljust(68, b"\0") + illuminant.ljust(60, b"\0") + table + body
