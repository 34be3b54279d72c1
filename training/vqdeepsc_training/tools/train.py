# SPDX-License-Identifier: GPL-3.0-or-later
"""Train a network."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..base import distributed
from ..data.cache import CACHE
from ..trainer.configuration import read_configuration
from ..trainer.run import GPU_WORKERS, SAVE_MINUTES, VALIDATION_IMAGES, train
from .arguments import amount, count, natural, time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--config", type=Path, required=True, help="configuration, a JSON file")
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="folders or tar files of images to train on",
    )
    parser.add_argument(
        "--shares",
        type=amount,
        nargs="+",
        help="share of each data set in a batch (all the same if not given)",
    )
    parser.add_argument("--validation", type=Path, help="folder or tar file of images")
    parser.add_argument(
        "--validation-images", type=count, default=VALIDATION_IMAGES, help="how many at most"
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for decoded images")
    parser.add_argument("--folder", type=Path, help="folder of the run (default: runs/NAME)")
    parser.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="begin anew in a folder that holds a run, which is lost",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        help="begin with the weights and codebooks of this checkpoint or bundle, "
        "of a checkpoint without the tuning of its decoder",
    )
    parser.add_argument(
        "--recording", type=Path, help="what record-link wrote, for configurations with `noise`"
    )
    parser.add_argument("--steps", type=count, help="number of steps, instead of the config's")
    parser.add_argument(
        "--seed", type=natural, help="of everything random, instead of the config's"
    )
    parser.add_argument(
        "--hours", type=amount, help="length of the run; the learning rate then follows the clock"
    )
    parser.add_argument(
        "--save-minutes",
        type=time,
        default=SAVE_MINUTES,
        help="minutes between checkpoints, each with a validation",
    )
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="write events for TensorBoard into the run's folder",
    )
    parser.add_argument(
        "--device",
        choices=distributed.DEVICES,
        default="cpu",
        help="what trains; with torchrun, each process takes a GPU of its own",
    )
    parser.add_argument("--threads", type=count, help="processor threads (default: all)")
    parser.add_argument(
        "--workers",
        type=natural,
        help=f"processes that make batches (default: {GPU_WORKERS} with a GPU, else none)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Train; the progress is printed."""
    configuration = read_configuration(arguments.config)
    if arguments.seed is not None:
        configuration = configuration.having(seed=arguments.seed)
    if arguments.steps is not None:
        configuration = configuration.having(steps=arguments.steps)
    try:
        train(
            configuration,
            arguments.data,
            shares=arguments.shares,
            validation=arguments.validation,
            validation_images=arguments.validation_images,
            cache=arguments.cache,
            folder=arguments.folder,
            resume=arguments.resume,
            overwrite=arguments.overwrite,
            weights=arguments.weights,
            recording=arguments.recording,
            hours=arguments.hours,
            save_minutes=arguments.save_minutes,
            tensorboard=arguments.tensorboard,
            device=arguments.device,
            threads=arguments.threads,
            workers=arguments.workers,
        )
    finally:
        distributed.stop()
