# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of docs/results."""

from __future__ import annotations

from pathlib import Path

from paper_means import BASELINES, Means, base, count, known_snr, system_title
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


def plot_transmission(means: Means, path: Path) -> None:
    """SSIM and PSNR over AWGN of what is sent in one format, and of the best for each SNR."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    means = [group for group in means if group.channel_name == "awgn"]
    lines = {
        system_title(str(group.system)): [g for g in means if g.system == group.system]
        for group in means
        if "@" not in str(group.system)
    }
    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2, sharex=True)
    for axis, quantity, label in zip(
        axes, ("ssim", "psnr_db"), ("mean SSIM", "mean PSNR (dB)"), strict=True
    ):
        known = known_snr(means).items()
        axis.plot(
            [snr_db for snr_db, _ in known],
            [getattr(group, quantity) for _, group in known],
            label="best format, SNR known",
            color="0.75",
            linewidth=5,
        )
        for number, (title, groups) in enumerate(lines.items()):
            points = sorted((group.snr_db, getattr(group, quantity)) for group in groups)
            axis.plot(
                *zip(*points, strict=True),
                label=title,
                color=f"C{number}",
                marker="osD^vP"[number % 6],
                markersize=4,
                linestyle="--" if groups[0].system.is_photo_codec else "-",
            )
        axis.grid(alpha=0.3)
        axis.set_xlabel("Es/N0 (dB) per symbol")
        axis.set_ylabel(label)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    symbols = min(group.symbols for group in means)
    figure.suptitle(f"{count(means)} cars, {symbols:,} symbols each, AWGN")
    save_figure(figure, [path])
