# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of docs/results."""

from __future__ import annotations

from pathlib import Path

from paper_means import BASELINES, Means, base, count, system_title
from vqdeepsc.link import channel_title
from vqdeepsc.simulation.plot import save_figure

VALUES = 3 * 128 * 128
"""Colour values of an image of 128x128 pixels."""


def plot_bandwidth(means: Means, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    snrs = sorted({group.snr_db for group in means})
    systems = list(dict.fromkeys((base(group), group.source_bits) for group in means))
    figure = Figure(figsize=(4.2 * len(snrs) + 3, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(snrs), sharex=True, sharey="row", squeeze=False)
    for column, snr_db in enumerate(snrs):
        for row, (quantity, label) in enumerate(
            (("ssim", "mean SSIM"), ("psnr_db", "mean PSNR (dB)"))
        ):
            axis = axes[row][column]
            for number, (system, bits) in enumerate(systems):
                points = sorted(
                    (group.symbols / VALUES, getattr(group, quantity))
                    for group in means
                    if (base(group), group.source_bits, group.snr_db) == (system, bits, snr_db)
                )
                axis.plot(
                    *zip(*points, strict=True) if points else ([], []),
                    label=f"{system_title(system)}, {bits:,} bits",
                    color=f"C{number}",
                    marker="osD^vP"[number % 6],
                    markersize=4,
                    linestyle="--" if system in BASELINES else "-",
                )
            axis.grid(alpha=0.3)
            if column == 0:
                axis.set_ylabel(label)
        axes[0][column].set_title(f"Es/N0 {snr_db:g} dB")
        axes[1][column].set_xlabel("symbols for each colour value")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside right upper")
    channel = channel_title(means[0].channel_name)
    figure.suptitle(f"{count(means)} cars, {channel}, 16-QAM, any code rate")
    save_figure(figure, [path])
