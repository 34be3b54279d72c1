# SPDX-License-Identifier: GPL-3.0-or-later
"""What MODEL_CARD.md says of a model; templates/model_card.md has the sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from ..networks.encoded import stride
from ..objectives.quality import entropy_share
from ..trainer.record import (
    Change,
    EarlierRun,
    Evaluation,
    Point,
    RunRecord,
    Training,
    runs_before,
    whole_curve,
)
from .flipped_bits import table
from .page import render

SOURCES = {
    "cars196": "Cars196: J. Krause, M. Stark, J. Deng and L. Fei-Fei, 3D object representations "
    "for fine-grained categorization, ICCV workshops 2013; for research use.",
    "bsds500": "BSDS500: P. Arbelaez, M. Maire, C. Fowlkes and J. Malik, Contour detection and "
    "hierarchical image segmentation, IEEE TPAMI 33(5), 2011; for research use.",
}
"""Who made the data sets, by the first part of their names."""
REGION_SIDE = 128
"""Pixels of the side of a region whose bits the card says."""
ENTROPY_SHARE = 0.85
CURVE_POINTS = 12


@dataclass(frozen=True)
class Uneven:
    """A codebook whose indices use less than ENTROPY_SHARE of their bits on a data set.

    share: there, together: over all data sets; lost: bits of an image that carry nothing.
    """

    scale: str
    data: str
    share: float
    lost: float
    together: float


@dataclass(frozen=True)
class Doubling:
    """What the last doubling of the crops brought: `ssim` and `psnr_db`.

    images: crops seen; since: those of the earlier point; ssim_since, psnr_db_since: what all
    crops since then brought, between ends of runs.
    """

    images: int
    since: int
    ssim: float
    psnr_db: float
    ssim_since: float | None = None
    psnr_db_since: float | None = None


def sources(names: list[str]) -> list[str]:
    """The entries of SOURCES for data sets named `set/part`, each once."""
    found = dict.fromkeys(name.split("/")[0] for name in names)
    return [SOURCES[key] for key in found if key in SOURCES]


def model_card(
    name: str,
    version: str,
    network: nn.Module,
    record: RunRecord,
    training: Training,
    measured: dict[str, Evaluation],
    assignment: dict[str, tuple[float, ...]],
    flipped: dict[str, dict[str, float]],
) -> str:
    """Markdown that says what a model is, how it was trained and what was measured.

    record: of the run that trained encoder and codebooks; training: as the manifest has it;
    measured: by data set; assignment: of `assign_indices`; flipped: of
    `flipped_bits.measure`, or empty.
    """
    # A tuned network holds two of the same shape, of which each half is used.
    trained = getattr(network, "encoder", network)
    scales = [
        {
            "name": f"s{scale}",
            "number": scale,
            "side": REGION_SIDE // stride(scale),
            "codewords": space.codewords,
            "dimension": space.dimension,
            "bits": space.bits * (REGION_SIDE // stride(scale)) ** 2,
        }
        for scale, space in zip(network.scales, network.spaces, strict=True)
    ]
    bits = {scale["name"]: scale["bits"] for scale in scales}
    runs = runs_of_this_network(record.history)
    curve = whole_curve(runs, record.validation)
    shown = curve[:: max(1, len(curve) // CURVE_POINTS)]
    if shown and shown[-1] is not curve[-1]:
        shown.append(curve[-1])
    return render(
        "model_card.md",
        name=name,
        version=version,
        bits=sum(bits.values()),
        parameters=sum(p.numel() for p in trained.parameters()),
        scales=scales,
        measured=measured,
        uneven=uneven_indices(measured, bits),
        assignment=assignment,
        flipped=table(flipped) if flipped else [],
        training=training,
        hours=record.hours,
        sources=sources([*training.data, *measured]),
        configuration=record.configuration,
        tuning=training.decoder_tuning,
        history=[(entry, fresh_parts(entry)) for entry in record.history],
        doubling=next_doubling(runs, curve),
        curve=shown,
    )


def uneven_indices(measured: dict[str, Evaluation], bits: dict[str, int]) -> list[Uneven]:
    """The codebooks whose indices use less than ENTROPY_SHARE of their bits on a data set.

    bits: of a 128x128 image by scale, `s1` to `s4`.
    """
    found = []
    for data, figures in measured.items():
        for scale, share in figures.entropy_share.items():
            if share < ENTROPY_SHARE:
                counts = sum(np.array(m.index_counts[scale]) for m in measured.values())
                lost = (1 - share) * bits[scale]
                found.append(Uneven(scale, data, share, lost, entropy_share(counts)))
    return found


def fresh_parts(entry: Change | EarlierRun) -> list[str]:
    """The parts of a network that started afresh after a run, none after a change."""
    fresh = entry.fresh if isinstance(entry, EarlierRun) else ()
    return sorted({weight.split(".")[0] for weight in fresh})


def runs_of_this_network(history: Sequence[Change | EarlierRun]) -> list[EarlierRun]:
    """The runs of a record's history since parts of the network last started afresh."""
    runs = runs_before(history)
    afresh = [number for number, run in enumerate(runs) if run.fresh]
    return runs[afresh[-1] + 1 :] if afresh else runs


def next_doubling(runs: Sequence[EarlierRun], curve: Sequence[Point]) -> Doubling | None:
    """What the last doubling of the crops brought, or None if the curve is too short.

    runs: of `runs_of_this_network`; curve: their `whole_curve` with that of the last run. Ends of
    runs, where the learning rate has fallen, are compared; for a single run lines are fitted to
    SSIM and PSNR against log2 of the crops, over the last half of the crops.
    """
    if not curve:
        return None
    last = curve[-1]
    before = sum(run.images for run in runs)
    earlier = [point for point in curve if point.images <= before]
    if earlier and last.images > before:
        doublings = np.log2(last.images / before)
        ssim, psnr_db = last.ssim - earlier[-1].ssim, last.psnr_db - earlier[-1].psnr_db
        return Doubling(last.images, before, ssim / doublings, psnr_db / doublings, ssim, psnr_db)
    second_half = [point for point in curve if 2 * point.images >= last.images]
    since = second_half[0].images
    if len(second_half) < 3 or last.images < 1.5 * since:
        return None
    doublings = np.log2([point.images for point in second_half])
    ssim, psnr_db = (
        float(np.polyfit(doublings, [getattr(point, key) for point in second_half], 1)[0])
        for key in ("ssim", "psnr_db")
    )
    return Doubling(last.images, since, ssim, psnr_db)
