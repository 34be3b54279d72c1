# SPDX-License-Identifier: GPL-3.0-or-later
"""What MODEL_CARD.md says of a model; templates/model_card.md has the sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from ..networks.encoded import stride
from ..objectives.quality import entropy_share
from ..trainer.record import (
    Change,
    EarlierRun,
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
    measured: dict,
    assignment: dict,
    flipped: dict,
) -> str:
    """Markdown that says what a model is, how it was trained and what was measured.

    record: of the run that trained encoder and codebooks; training: as the manifest has it;
    measured: by data set, of `evaluate`; assignment: of `assign_indices`; flipped: of
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


def uneven_indices(measured: dict, bits: dict[str, int]) -> list[dict[str, Any]]:
    """The codebooks whose indices use less than ENTROPY_SHARE of their bits on a data set.

    bits: of a 128x128 image by scale, `s1` to `s4`. Returns for each the scale, the data set, the
    share there, the bits of an image that carry nothing, and the share over all data sets together.
    """
    found = []
    for data, figures in measured.items():
        for scale, share in figures["entropy_share"].items():
            if share < ENTROPY_SHARE:
                counts = sum(np.array(m["index_counts"][scale]) for m in measured.values())
                lost = (1 - share) * bits[scale]
                together = entropy_share(counts)
                facts = {"scale": scale, "data": data, "share": share}
                found.append(facts | {"lost": lost, "together": together})
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


def next_doubling(runs: Sequence[EarlierRun], curve: Sequence[Point]) -> dict[str, float] | None:
    """What the last doubling of the crops brought, or None if the curve is too short.

    runs: of `runs_of_this_network`; curve: their `whole_curve` with that of the last run. Ends of
    runs, where the learning rate has fallen, are compared; for a single run lines are fitted to
    SSIM and PSNR against log2 of the crops, over the last half of the crops.
    Returns the crops seen (`images`), those of the earlier point (`since`), and what a doubling
    brought (`ssim`, `psnr_db`); between ends of runs also what all crops since then brought
    (`ssim_since`, `psnr_db_since`).
    """
    if not curve:
        return None
    last = curve[-1]
    before = sum(run.images for run in runs)
    earlier = [point for point in curve if point.images <= before]
    if earlier and last.images > before:
        doublings = np.log2(last.images / before)
        ssim, psnr_db = last.ssim - earlier[-1].ssim, last.psnr_db - earlier[-1].psnr_db
        return {
            **{"images": last.images, "since": before},
            **{"ssim_since": ssim, "psnr_db_since": psnr_db},
            **{"ssim": ssim / doublings, "psnr_db": psnr_db / doublings},
        }
    second_half = [point for point in curve if 2 * point.images >= last.images]
    since = second_half[0].images
    if len(second_half) < 3 or last.images < 1.5 * since:
        return None
    doublings = np.log2([point.images for point in second_half])
    ssim, psnr_db = (
        float(np.polyfit(doublings, [getattr(point, key) for point in second_half], 1)[0])
        for key in ("ssim", "psnr_db")
    )
    return {"images": last.images, "since": since, "ssim": ssim, "psnr_db": psnr_db}
