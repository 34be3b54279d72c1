# SPDX-License-Identifier: GPL-3.0-or-later
"""How the figures of docs/ are written."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

# Without dates and random names, an unchanged figure is an unchanged file.
matplotlib.rcParams["svg.hashsalt"] = "vqdeepsc"


def save_figure(figure: Figure, base: Path) -> None:
    """Write a figure as base.png and base.svg."""
    figure.savefig(base.with_suffix(".png"), dpi=110, metadata={"Software": None})
    figure.savefig(base.with_suffix(".svg"), metadata={"Date": None})
