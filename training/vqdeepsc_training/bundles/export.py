# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a bundle of a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from vqdeepsc.codec import Codec, write_manifest
from vqdeepsc.codec.manifest import BY_PASSES, GRADIENT, RASTER

from ..base.errors import DataError
from ..base.files import write_whole
from ..base.schema import Table
from ..data.images import evaluation_images
from ..networks.counts import count_indices
from ..networks.encoded import embedded
from ..networks.rounding import round_weights
from ..objectives.assignment import assign, assignment_cost, one_bit_costs
from ..reports import flipped_bits
from ..reports.evaluation import evaluate
from ..reports.model_card import model_card
from ..trainer.checkpoint import (
    averaged_network,
    read_checkpoint,
    read_curve,
    run_metadata,
    run_record,
    trained_run,
)
from ..trainer.checkpoint import untuned as without_tuning
from ..trainer.configuration import Configuration
from ..trainer.record import Evaluation, ModelRecord, Training, Tuning
from .gradient import write_gradient
from .graphs import check_graphs, write_graphs

FLIPPED_IMAGES = 20
PRIOR_IMAGES = 300
VERSION = "1.0.0"


@dataclass(frozen=True)
class Exported(Table):
    """What was measured of a bundle.

    agreement: of the graphs with PyTorch, as `check_graphs`; measured: by data set; assignment:
    by scale, as `assign_indices`; flipped_bits: by scale, as `flipped_bits.measure`.
    """

    agreement: dict[str, float]
    measured: dict[str, Evaluation]
    assignment: dict[str, tuple[float, ...]]
    flipped_bits: dict[str, dict[str, float]]


def assign_indices(network: nn.Module, counts: list[NDArray]) -> dict[str, tuple[float, ...]]:
    """Reorder every codebook of the network and the counts.

    Returns the expected squared distance of one flipped bit, by scale: the mean over all
    assignments, and with the one found.
    """
    result = {}
    for position, space in enumerate(network.spaces):
        prior = counts[position] / counts[position].sum()
        costs = one_bit_costs(space.embedding.numpy(), prior)
        order = assign(costs)
        result[f"s{network.scales[position]}"] = (
            round(costs.sum() / (len(order) - 1), 4),
            round(assignment_cost(costs, order), 4),
        )
        space.reorder(torch.from_numpy(order))
        counts[position] = counts[position][order]
    return result


def export(
    checkpoint_path: Path,
    bundle: Path,
    data: Sequence[Path],
    *,
    data_names: Sequence[str] | None = None,
    version: str = VERSION,
    prior_images: int = PRIOR_IMAGES,
    measure: Mapping[str, Path] | None = None,
    latest: bool = False,
    untuned: bool = False,
    unrounded: bool = False,
    searchable: bool = True,
    results: Path | None = None,
) -> Exported:
    """Write a bundle; returns what was measured.

    checkpoint_path: checkpoint of a run, or a bundle; bundle: directory to write, whose name is
    the model's; data, data_names: training data and their names in the card (None: those of the
    files), of each of which `prior_images` images tell how often each codeword occurs; measure:
    data sets to measure the bundle on, by name; latest: take the last weights, not the averaged
    ones; untuned: leave out the tuning of the decoder; unrounded: store the weights in 32 bits;
    searchable: write the gradient by which senders search for better indices; results: folder
    that also gets NAME.json, the record of the run with what was measured.
    Raises an Error (TrainingError, BundleError) in one sentence.
    """
    names = list(data_names or [path.name for path in data])
    if len(names) != len(data):
        raise DataError(f"{len(data)} data sets are given, but {len(names)} names.")
    checkpoint = read_checkpoint(checkpoint_path)
    if checkpoint_path.is_dir() and (untuned or unrounded):
        raise DataError(
            f"{checkpoint_path} is a bundle, with one decoder and rounded weights, so "
            "--untuned and --unrounded need the checkpoint that it was made from."
        )
    if untuned:
        checkpoint = without_tuning(checkpoint)
    if latest:
        if "network" not in checkpoint:
            raise DataError(f"{checkpoint_path} has the averaged weights alone.")
        checkpoint["average"] = checkpoint["network"]
    configuration = checkpoint["configuration"]
    crop = Configuration.read(configuration).crop
    # What cannot be read or written is noticed before the indices are assigned.
    images_to_measure = {
        key: evaluation_images(path, crop) for key, path in (measure or {}).items()
    }
    for folder in filter(None, (bundle, results)):
        folder.mkdir(parents=True, exist_ok=True)
    network = averaged_network(checkpoint)
    network.prepare_export()
    if not unrounded:
        round_weights(network)
    training_images = np.concatenate([evaluation_images(path, crop, prior_images) for path in data])
    counts = count_indices(network, training_images)
    assignment = assign_indices(network, counts)
    write_graphs(network, bundle, run_metadata(checkpoint))
    agreement = check_graphs(network, bundle)
    if searchable:
        write_gradient(bundle)
    else:
        (bundle / GRADIENT).unlink(missing_ok=True)
    run = trained_run(checkpoint)
    tuning = None
    if run is not checkpoint:
        tuning = Tuning(
            configuration={key: value for key, value in configuration.items() if key != "network"},
            steps=checkpoint["step"],
            images=checkpoint["images"],
        )
    training = Training(
        configuration=run["configuration"],
        data=tuple(names),
        steps=run["step"],
        images=run["images"],
        seed=run["configuration"]["seed"],
        decoder_tuning=tuning,
    )
    parameters = sum(p.numel() for p in getattr(network, "encoder", network).parameters())
    record = run_record(run, parameters)
    card = bundle / "MODEL_CARD.md"
    name = bundle.name

    def describe(measured: dict[str, Evaluation], flipped: dict[str, dict[str, float]]) -> None:
        write_whole(
            card,
            model_card(name, version, network, record, training, measured, assignment, flipped),
        )
        brief = {
            key: {
                "ssim": m.ssim,
                "psnr_db": m.psnr_db,
                "ms_ssim": None,
                "ciede2000": m.ciede2000,
            }
            for key, m in measured.items()
        }
        write_manifest(
            bundle,
            name=name,
            version=version,
            priors=dict(zip(network.scales, counts, strict=True)),
            training=training.to_json(),
            measured=brief,
            order=BY_PASSES if embedded(network.scales) else RASTER,
        )

    # The codec loads only whole bundles, so there is a manifest before there are figures.
    describe({}, {})
    codec = Codec(bundle)
    measured: dict[str, Evaluation] = {}
    flipped: dict[str, dict[str, float]] = {}
    for key, images in images_to_measure.items():
        measured[key], _ = evaluate(codec, images)
        if not flipped:
            flipped = flipped_bits.measure(codec, images[:FLIPPED_IMAGES], positions=1, seed=0)
    describe(measured, flipped)
    Codec(bundle)
    found = Exported(agreement, measured, assignment, flipped)
    if results:
        if tuning is not None:
            hours = round(checkpoint["seconds"] / 3600, 3)
            tuning = replace(tuning, hours=hours, validation=read_curve(checkpoint))
        published = ModelRecord(
            **vars(record),
            version=version,
            measured=measured,
            assignment=assignment,
            flipped_bits=flipped,
            decoder_tuning=tuning,
        ).to_json()
        path = results / f"{name.replace('-', '_')}.json"
        write_whole(path, json.dumps(published, indent=1) + "\n")
    return found
