# SPDX-License-Identifier: GPL-3.0-or-later
"""How the figures of docs/ are written."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

from ..base.files import whole_path

# Without dates and random names, an unchanged figure is an unchanged file.
matplotlib.rcParams["svg.hashsalt"] = "vqdeepsc"


def save_figure(figure: Figure, base: Path) -> None:
    """Write a figure of curves as base.png, with a palette, and base.svg."""
    with whole_path(base.with_suffix(".png")) as unfinished:
        figure.savefig(unfinished, dpi=110)
        with Image.open(unfinished) as drawn:
            few = drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(unfinished, optimize=True)
    with whole_path(base.with_suffix(".svg")) as unfinished:
        figure.savefig(unfinished, metadata={"Date": None})
