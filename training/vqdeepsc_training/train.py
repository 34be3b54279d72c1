# SPDX-License-Identifier: GPL-3.0-or-later
"""Train a network: python -m vqdeepsc_training.train --config FILE --data PATH..."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

from . import distributed
from .arguments import amount, count, natural, time
from .checkpoint import read_checkpoint, untuned
from .data import DataError, evaluation_pictures, open_cache, sampler_of
from .monitor import Monitor
from .recording import read_recording
from .trainer import Trainer

NEEDED = ("name", "seed", "crop", "batch", "loss", "optimiser")
"""What every configuration has."""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.train", description="Train a network.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="configuration, a JSON file")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="folders or tar files of pictures to train on")
    parser.add_argument("--shares", type=amount, nargs="+",
                        help="share of each data set in a batch (all the same if not given)")
    parser.add_argument("--validation", type=Path, help="folder or tar file of pictures")
    parser.add_argument("--validation-pictures", type=count, default=100, help="how many at most")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"),
                        help="folder for decoded pictures")
    parser.add_argument("--folder", type=Path, help="folder of the run (default: runs/NAME)")
    parser.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    parser.add_argument("--weights", type=Path,
                        help="begin with the weights and codebooks of this checkpoint or bundle, "
                             "of a checkpoint without the tuning of its decoder")
    parser.add_argument("--recording", type=Path,
                        help="what record_link wrote, for configurations with `noise`")
    parser.add_argument("--steps", type=count, help="number of steps, instead of the config's")
    parser.add_argument("--seed", type=natural,
                        help="of everything random, instead of the config's")
    parser.add_argument("--hours", type=amount,
                        help="length of the run; the learning rate then follows the clock")
    parser.add_argument("--save-minutes", type=time, default=3.0,
                        help="minutes between checkpoints, each with a validation")
    parser.add_argument("--tensorboard", action="store_true",
                        help="write events for TensorBoard into the run's folder")
    parser.add_argument("--device", choices=distributed.DEVICES, default="cpu",
                        help="what trains; with torchrun, each process takes a GPU of its own")
    parser.add_argument("--threads", type=count, default=torch.get_num_threads(),
                        help="processor threads")
    return parser.parse_args(argv)


def short_name(path: Path) -> str:
    """File and folder: enough for a record to tell data sets apart, wherever they lie."""
    return "/".join(path.resolve().parts[-2:])


def read_configuration(path: Path) -> dict:
    """Configuration of a JSON file; raises DataError if there is none or it cannot be trained."""
    if not path.is_file():
        raise DataError(f"The configuration {path} does not exist.")
    try:
        configuration = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path} is no configuration: {error}.") from error
    if not isinstance(configuration, dict):
        raise DataError(f"{path} is no configuration: it holds no JSON object.")
    missing = [key for key in NEEDED if key not in configuration]
    if missing:
        raise DataError(f"The configuration {path} has no {', '.join(missing)}.")
    if not configuration.keys() & {"steps", "epochs"}:
        raise DataError(f"The configuration {path} has neither steps nor epochs.")
    for key in ("crop", "batch", "steps", "epochs"):
        value = configuration.get(key, 1)
        if type(value) is not int or value < 1:
            raise DataError(f"{key} of {path} is {value!r}, but must be a whole number above 0.")
    if not 1 <= configuration.get("zoom", 1.0) <= 100:
        raise DataError(f"zoom of {path} is {configuration['zoom']}, but must be 1 to 100.")
    if not 0 <= configuration.get("colour", 0.0) <= 1:
        raise DataError(f"colour of {path} is {configuration['colour']}, but must be 0 to 1.")
    for table, keys in (("annealing", {"noise", "until"}), ("distillation", {"weights", "weight"})):
        if missing := keys - (configuration.get(table) or dict.fromkeys(keys)).keys():
            raise DataError(f"{table} of {path} has no {', '.join(sorted(missing))}.")
    if configuration.get("annealing") and configuration["annealing"]["until"] <= 0:
        raise DataError(f"until of annealing of {path} must be above 0.")
    if configuration["crop"] % 16:
        raise DataError(f"crop of {path} is {configuration['crop']}, no multiple of 16.")
    if not any(configuration["loss"].get(term) for term in ("mae", "mse", "log_mse", "ssim")):
        raise DataError(f"loss of {path} has no weight for mae, mse, log_mse or ssim.")
    if not {"name", "learning_rate"} <= configuration["optimiser"].keys():
        raise DataError(f"optimiser of {path} has no name and learning_rate.")
    return configuration


def train(args: argparse.Namespace) -> Trainer:
    """Run the training that the arguments ask for.

    Raises DataError or ValueError for data, a checkpoint, a recording or a device that cannot be
    used.
    """
    torch.set_num_threads(args.threads)
    device = distributed.own_device(args.device)
    distributed.start(device)
    configuration = read_configuration(args.config)
    if args.seed is not None:
        configuration["seed"] = args.seed
    if args.steps is not None:
        configuration["steps"] = args.steps
    folder = args.folder or Path("runs") / configuration["name"]
    # A folder that cannot be made is noticed before the training and not after it.
    folder.mkdir(parents=True, exist_ok=True)
    weights = untuned(read_checkpoint(args.weights)) if args.weights else None
    if configuration.get("decoder_only") or "network" not in configuration:
        if weights is None:
            raise DataError("The configuration goes on with a trained network, so --weights is "
                            "needed.")
        configuration["network"] = weights["configuration"]["network"]
    crop, zoom = configuration["crop"], configuration.get("zoom", 1.0)
    caches = [open_cache(path, args.cache, crop, max(crop, int(crop * zoom * 1.5)))
              for path in args.data]
    shares = args.shares or [1.0] * len(caches)
    sampler = sampler_of(configuration, caches, shares)
    if sampler.epochs and args.shares:
        raise DataError("The configuration counts epochs, in which every picture comes once, so "
                        "--shares cannot be given.")
    if configuration.get("selection") and not args.validation:
        raise DataError("The configuration selects the best weights, so --validation is needed.")
    if "steps" not in configuration:
        configuration["steps"] = sampler.steps(configuration["epochs"])
    images = None
    if args.validation:
        images = evaluation_pictures(args.validation, crop, args.validation_pictures)
    recording = read_recording(args.recording) if args.recording else None
    configuration |= {"data": [short_name(path) for path in args.data], "shares": shares}
    if recording is not None:
        configuration["recording"] = {"file": short_name(args.recording), "seed": recording.seed,
                                      "transmissions": len(recording)}
    trainer = Trainer(configuration, sampler, folder, args.hours, recording=recording,
                      device=device)
    if trainer.precision != configuration.get("precision", "float32") and not distributed.rank():
        print(f"This {'GPU' if device.type == 'cuda' else 'processor'} has no bfloat16 arithmetic, "
              "so the training computes in float32.", flush=True)
    if args.resume and (folder / "checkpoint.pt").exists():
        trainer.resume()
    elif weights:
        fresh = trainer.start_from(weights)
        if fresh and not distributed.rank():
            parts = sorted({name.split(".")[0] for name in fresh})
            print(f"These parts start afresh: {', '.join(parts)}", flush=True)
    if distributed.rank():
        run_steps(trainer, None, args.save_minutes)
    else:
        with Monitor(trainer, images, folder / "tensorboard" if args.tensorboard else None) as one:
            run_steps(trainer, one, args.save_minutes)
    return trainer


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


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    try:
        train(parse_args(argv))
    except (DataError, ValueError, OSError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        distributed.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
