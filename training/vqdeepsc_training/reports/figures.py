# SPDX-License-Identifier: GPL-3.0-or-later
"""How the figures of docs/ are written."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from ..base.files import whole_path


def save_figure(figure: Figure, base: Path) -> None:
    """Write a figure of curves as base.png, with a palette."""
    with whole_path(base.with_suffix(".png")) as unfinished:
        figure.savefig(unfinished, dpi=110)
        with Image.open(unfinished) as plotted:
            few = plotted.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(unfinished, optimize=True)
