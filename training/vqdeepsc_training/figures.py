# SPDX-License-Identifier: GPL-3.0-or-later
"""How the figures of docs/ are written."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

# Without dates and random names, an unchanged figure is an unchanged file.
matplotlib.rcParams["svg.hashsalt"] = "vqdeepsc"


def save_figure(figure: Figure, base: Path) -> None:
    """Write a figure of curves as base.png, with a palette, and base.svg."""
    bitmap = base.with_suffix(".png")
    figure.savefig(bitmap, dpi=110)
    with Image.open(bitmap) as drawn:
        few = drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(bitmap, optimize=True)
    figure.savefig(base.with_suffix(".svg"), metadata={"Date": None})
