# SPDX-License-Identifier: GPL-3.0-or-later
"""One training run from its configuration to its last checkpoint."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from ..base import distributed
from ..base.errors import ConfigurationError, DataError
from ..data.cache import CACHE, open_cache
from ..data.images import evaluation_images, short_name
from ..data.recording import read_recording
from ..networks.settings import read_network
from .checkpoint import read_checkpoint, untuned
from .configuration import Configuration, RecordingSource, make_sampler
from .monitor import Monitor
from .trainer import CHECKPOINT, RECORD, SELECTED, Trainer

RUNS = Path("runs")
SAVE_MINUTES = 3.0
VALIDATION_IMAGES = 100
GPU_WORKERS = 4
"""A crop takes 3 ms: 5 % of a step on a processor, many times a step on a GPU."""


def train(
    configuration: Configuration,
    data: Sequence[Path],
    *,
    shares: Sequence[float] | None = None,
    validation: Path | None = None,
    validation_images: int = VALIDATION_IMAGES,
    cache: Path = CACHE,
    folder: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    weights: Path | None = None,
    recording: Path | None = None,
    hours: float | None = None,
    save_minutes: float = SAVE_MINUTES,
    tensorboard: bool = False,
    device: str = "cpu",
    threads: int | None = None,
    workers: int | None = None,
) -> Trainer:
    """Train a network; what happens is printed.

    data, validation: folders or tar files of images, at most `validation_images` of the latter;
    shares: of each data set in a batch (None: all the same); cache: folder for decoded images;
    folder: of the run (None: runs/NAME); resume: go on from its checkpoint; overwrite: begin anew
    where there is one; weights: checkpoint or bundle to begin at; recording: file of `record`, for
    a configuration with noise; hours: length of the run instead of the configuration's steps;
    save_minutes: between checkpoints, each with a validation; tensorboard: write events into the
    run's folder; device: "cpu" or "cuda"; threads: of the processor (None: as PyTorch has them);
    workers: processes that make batches beside the training (None: GPU_WORKERS for a GPU, else 0).
    Raises an Error for data, a checkpoint, a recording or a device that cannot
    be used, for a folder that holds another run, and for nothing to resume.
    """
    if not (configuration.steps or configuration.epochs or hours):
        raise ConfigurationError(
            f"The configuration {configuration.name} has neither steps nor epochs."
        )
    if threads is not None:
        torch.set_num_threads(threads)
    processor = distributed.own_device(device)
    distributed.start(processor)
    folder = folder or RUNS / configuration.name
    # A folder that cannot be made is noticed before the training and not after it.
    folder.mkdir(parents=True, exist_ok=True)
    check_folder(folder, resume, overwrite)
    start = untuned(read_checkpoint(weights)) if weights else None
    if configuration.decoder_only or configuration.network is None:
        if start is None:
            raise DataError(
                "The configuration goes on with a trained network, so --weights is needed."
            )
        configuration = configuration.having(
            network=read_network(start["configuration"]["network"])
        )
    crop, zoom = configuration.crop, configuration.zoom
    caches = [open_cache(path, cache, crop, max(crop, int(crop * zoom * 1.5))) for path in data]
    given_shares = list(shares or [1.0] * len(caches))
    sampler = make_sampler(configuration, caches, given_shares)
    if sampler.epochs and shares:
        raise DataError(
            "The configuration counts epochs, in which every image comes once, so "
            "--shares cannot be given."
        )
    if configuration.selection and not validation:
        raise DataError("The configuration selects the best weights, so --validation is needed.")
    if not configuration.steps and configuration.epochs:
        configuration = configuration.having(steps=sampler.steps(configuration.epochs))
    images = None
    if validation:
        images = evaluation_images(validation, crop, validation_images)
    link = read_recording(recording) if recording else None
    source = None
    if link is not None:
        source = RecordingSource(short_name(recording), link.seed, len(link))
    configuration = configuration.having(
        data=tuple(short_name(path) for path in data), shares=tuple(given_shares), recording=source
    )
    if workers is None:
        workers = GPU_WORKERS if processor.type == "cuda" else 0
    trainer = Trainer(
        configuration,
        sampler,
        folder,
        hours,
        recording=link,
        device=processor,
        workers=workers,
    )
    if trainer.arithmetic.precision != configuration.precision and not distributed.rank():
        name = "GPU" if processor.type == "cuda" else "processor"
        print(
            f"This {name} has no bfloat16 arithmetic, so the training computes in float32.",
            flush=True,
        )
    if resume:
        trainer.resume()
    elif start:
        fresh = trainer.start_from(start)
        if fresh and not distributed.rank():
            parts = sorted({name.split(".")[0] for name in fresh})
            print(f"These parts start afresh: {', '.join(parts)}", flush=True)
    if distributed.rank():
        run_steps(trainer, None, save_minutes)
    else:
        if overwrite:
            remove_run(folder)
        with Monitor(trainer, images, folder / "tensorboard" if tensorboard else None) as one:
            run_steps(trainer, one, save_minutes)
    return trainer


def check_folder(folder: Path, resume: bool, overwrite: bool) -> None:
    """Raise DataError unless a run can begin or go on in a folder as it is asked to."""
    if resume and overwrite:
        raise DataError("A run cannot both go on and be overwritten.")
    if resume and not (folder / CHECKPOINT).exists():
        raise DataError(f"{folder} holds no {CHECKPOINT} to resume from.")
    exists = any((folder / name).exists() for name in (CHECKPOINT, SELECTED, RECORD))
    if exists and not (resume or overwrite):
        raise DataError(
            f"{folder} holds a run already: go on with --resume, begin anew with "
            "--overwrite, or name another --folder."
        )


def remove_run(folder: Path) -> None:
    """Remove what a run before has left in its folder."""
    for name in (CHECKPOINT, SELECTED, RECORD):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "tensorboard", ignore_errors=True)


def run_steps(trainer: Trainer, monitor: Monitor | None, save_minutes: float) -> None:
    """Train to the end of the run, with checkpoints; monitor: of process 0."""
    saved = trainer.seconds
    while trainer.progress < 1:
        terms = trainer.train_step()
        due = trainer.seconds - saved > 60 * save_minutes or trainer.progress == 1
        if monitor is not None:
            monitor.step(terms)
            if due or trainer.sampler.ends_epoch(trainer.step):
                monitor.report(terms)
        if due:
            saved = trainer.seconds
            trainer.save()
