# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel that shows one image, sent and received at several SNRs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .metrics import Quality

_SIDE = 256
_GAP = 12
_MARGIN = 24
_INK = (33, 37, 41)
_FAINT = (108, 117, 125)
_LOST = (176, 42, 55)
_PAPER = (255, 255, 255)


@dataclass(frozen=True)
class PanelCell:
    """A received image uint8 [H, W, 3] and how near it is; decoded: False for mid-grey."""

    image: NDArray[np.uint8]
    quality: Quality
    decoded: bool = True


@dataclass(frozen=True)
class PanelRow:
    """One system: its name, a second line below it, and a cell for each column."""

    name: str
    detail: str
    cells: Sequence[PanelCell]


def build_panel(
    sent: NDArray[np.uint8],
    columns: Sequence[str],
    rows: Sequence[PanelRow],
    title: str,
    subtitle: str = "",
) -> Image.Image:
    """Shows the sent image on the left, and one row of received images for each system.

    sent: uint8 [H, W, 3]; columns: headings, such as "4 dB"; title, subtitle: above all;
    all texts in ASCII, which Pillow's own font has.
    Raises ValueError if a row has not one cell for each column."""
    for row in rows:
        if len(row.cells) != len(columns):
            raise ValueError(f"{row.name} has {len(row.cells)} cells for {len(columns)} columns")
    width, height = _fit(sent.shape[1], sent.shape[0])
    font, bold, small = (_font(size) for size in (20, 28, 16))
    head = _MARGIN + 40 + (26 if subtitle else 0) + 44
    caption = 2 * 22 + _GAP
    lengths = [font.getlength(row.name) for row in rows] + [
        small.getlength(row.detail) for row in rows
    ]
    left = _MARGIN + width + 2 * _MARGIN + math.ceil(max(lengths, default=0)) + _GAP
    panel = Image.new(
        "RGB",
        (
            left + len(columns) * (width + _GAP) - _GAP + _MARGIN,
            head + max(1, len(rows)) * (height + caption) + _MARGIN // 2,
        ),
        _PAPER,
    )
    draw = ImageDraw.Draw(panel)
    draw.text((_MARGIN, _MARGIN), title, _INK, bold)
    if subtitle:
        draw.text((_MARGIN, _MARGIN + 40), subtitle, _FAINT, small)
    draw.text((_MARGIN + width // 2, head - 8), "sent", _INK, font, anchor="ms")
    panel.paste(_resize(sent, (width, height)), (_MARGIN, head))
    pixels = f"{sent.shape[1]}x{sent.shape[0]} pixels"
    draw.text((_MARGIN + width // 2, head + height + 4), pixels, _FAINT, small, anchor="mt")
    for number, heading in enumerate(columns):
        x = left + number * (width + _GAP)
        draw.text((x + width // 2, head - 8), heading, _INK, font, anchor="ms")
    for line, row in enumerate(rows):
        y = head + line * (height + caption)
        right = left - _GAP
        draw.text((right, y + height // 2 - 4), row.name, _INK, font, anchor="rs")
        draw.text((right, y + height // 2 + 4), row.detail, _FAINT, small, anchor="rt")
        for number, cell in enumerate(row.cells):
            x = left + number * (width + _GAP)
            panel.paste(_resize(cell.image, (width, height)), (x, y))
            ssim, psnr_db = cell.quality
            lines = [(f"SSIM {ssim:.3f}", _INK), (f"{psnr_db:.1f} dB PSNR", _FAINT)]
            if not cell.decoded:
                lines = [("not decodable", _LOST), (f"SSIM {ssim:.3f} as grey", _FAINT)]
            for row_number, (text, colour) in enumerate(lines):
                position = (x + width // 2, y + height + 4 + 22 * row_number)
                draw.text(position, text, colour, small, anchor="mt")
    return panel


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, which has sizes from 10.1 on; before, one of the system."""
    try:
        return ImageFont.load_default(size)
    except TypeError:
        pass
    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default()


def _fit(width: int, height: int) -> tuple[int, int]:
    """Size of a cell: the longer side is _SIDE pixels."""
    scale = _SIDE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resize(image: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
