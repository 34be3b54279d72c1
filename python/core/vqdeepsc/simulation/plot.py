# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots results.csv: mean SSIM and PSNR against Es/N0, with Eb/N0 above."""

from __future__ import annotations

import atexit
import io
import math
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from vqdeepsc.errors import ParameterError
from vqdeepsc.link import (
    BITS_PER_SYMBOL,
    CODE_EXPANSION,
    DEFAULT_SCHEME,
    EB_OFFSET_DB,
    channel_title,
)
from vqdeepsc.whole_files import write_whole

from .results import Result, ResultsError, Summary, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
_QUANTITIES: tuple[tuple[Callable[[Summary], float], str], ...] = (
    (lambda group: group.ssim, "mean SSIM"),
    (lambda group: group.psnr_db, "mean PSNR (dB)"),
)
_MARKERS = "osD^vPX*<>"
_DOTS = (":", "-.", (0, (1, 4)))


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Raises ParameterError unless the file name ends in one of SUFFIXES."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ParameterError(f"{path}: a figure must end in {', '.join(SUFFIXES)}")


def _keep_matplotlib_from_home() -> None:
    """matplotlib would begin a cache of fonts in HOME, also where the user has never used it."""
    home = Path(os.environ.get("HOME") or "/")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "matplotlib"
    if "MPLCONFIGDIR" in os.environ or "matplotlib" in sys.modules or cache.is_dir():
        return
    folder = tempfile.TemporaryDirectory(prefix="vqdeepsc-")
    os.environ["MPLCONFIGDIR"] = folder.name
    atexit.register(folder.cleanup)


def plot_results(results: Sequence[Result], paths: Sequence[str | os.PathLike[str]]) -> None:
    """Plots the means of results over their images; see `plot_means`."""
    plot_means(summarise(results), paths)


def plot_means(
    groups: Sequence[Summary], paths: Sequence[str | os.PathLike[str]], title: str = ""
) -> None:
    """Plots one column for each channel and one line for each system into every path.

    groups: what `results.summarise` returns; title: above all (empty: images, code and
    constellation). Raises ParameterError for other endings than SUFFIXES, ResultsError if there is
    nothing to plot, OSError if a file cannot be written."""
    for path in paths:
        check_suffix(path)
    if not groups:
        raise ResultsError("there are no results to plot")
    _keep_matplotlib_from_home()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # what was not sent over a link is a level line in each column
    levels = [group for group in groups if group.channel is None]
    groups = [group for group in groups if group.channel is not None]
    if not groups:
        raise ResultsError("there is nothing to plot: all results are without a channel")
    channels = list(dict.fromkeys(group.channel_name for group in groups))
    systems = list(dict.fromkeys((group.system, group.source_bits) for group in groups))
    sizes = {bits for _, bits in systems}
    images = max(group.images for group in groups)
    usual = all(system.scheme == DEFAULT_SCHEME for system, _ in systems)
    same_rate = all(
        BITS_PER_SYMBOL * group.symbols == CODE_EXPANSION * group.source_bits for group in groups
    )

    figure = Figure(figsize=(4.2 * len(channels) + 3, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(channels), sharex=True, sharey="row", squeeze=False)
    for column, channel in enumerate(channels):
        for row, (quantity, label) in enumerate(_QUANTITIES):
            axis = axes[row][column]
            for number, (system, bits) in enumerate(systems):
                points = [
                    (group.snr_db, value)
                    for group in groups
                    if (group.system, group.source_bits, group.channel_name)
                    == (system, bits, channel)
                    and math.isfinite(value := quantity(group))
                ]
                name = system.title
                axis.plot(
                    *zip(*sorted(points), strict=True) if points else ([], []),
                    label=f"{name}, {bits:,} bits" if len(sizes) > 1 else name,
                    color=f"C{number % 10}",
                    marker=_MARKERS[number % len(_MARKERS)],
                    linestyle="--" if system.is_photo_codec else "-",
                    markersize=4,
                )
            for number, level in enumerate(levels):
                axis.axhline(
                    quantity(level),
                    label=str(level.system),
                    color="0.3",
                    linestyle=_DOTS[number % 3],
                )
            axis.grid(alpha=0.3)
            if column == 0:
                axis.set_ylabel(label)
        _title(axes[0][column], channel_title(channel), same_rate)
        axes[1][column].set_xlabel("Es/N0 (dB) per symbol")
    curves = axes[0][0].get_legend_handles_labels()
    try:
        figure.legend(*curves, loc="outside right upper")
    except ValueError:  # matplotlib before 3.7
        axes[0][-1].legend(*curves, loc="upper left", bbox_to_anchor=(1.02, 1))
    noun = "image" if images == 1 else "images"
    link = ", LDPC 1/3, 16-QAM" if usual else ""
    figure.suptitle(title or f"{images:,} {noun}{link}")
    save_figure(figure, paths)


def save_figure(figure: Figure, paths: Sequence[str | os.PathLike[str]]) -> None:
    """Writes a figure into every path; the same figure gives the same file."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "vqdeepsc"}):
        for path in paths:
            form = Path(path).suffix.lower()
            content = io.BytesIO()
            date = {"Date": None} if form == ".svg" else None
            figure.savefig(content, format=form[1:], dpi=150, metadata=date)
            if form == ".png":
                # Lines and letters have few colours: a palette takes a third of the bytes.
                with Image.open(content) as image:
                    few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
                content = io.BytesIO()
                few.save(content, "PNG", optimize=True)
            write_whole(path, content.getvalue())


def _eb_of_es(es: Any) -> Any:
    return es - EB_OFFSET_DB


def _es_of_eb(eb: Any) -> Any:
    return eb + EB_OFFSET_DB


def _title(axis: Axes, title: str, eb_axis: bool) -> None:
    axis.set_title(title, pad=30 if eb_axis else None)
    if not eb_axis:
        return
    second = axis.secondary_xaxis("top", functions=(_eb_of_es, _es_of_eb))
    second.set_xlabel("Eb/N0 (dB)", fontsize="small")
    second.tick_params(labelsize="small")
