# SPDX-License-Identifier: GPL-3.0-or-later
"""Train variants at equal cost: python -m vqdeepsc_training.ablate --data PATH --validation PATH.

The cost of a run is the processor time of its training steps, so that other programs on the machine
hardly change what a variant gets; on a GPU, which has no such clock, it is their time.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from . import distributed
from .checkpoint import read_checkpoint
from .data import BatchSampler, DataError, evaluation_pictures, open_cache
from .evaluate import described, entropy_share, mean_quality, quality
from .export import count_labels
from .repository import ROOT
from .trainer import Trainer

VARIANTS = ROOT / "training" / "ablations.json"
RESULTS = ROOT / "training" / "results" / "ablations"
CURVE_POINTS = 10


def changed(base: dict, change: dict) -> dict:
    """Copy of a configuration with values replaced: `{"network.decay": 0.9}` sets one of a table.

    Raises ValueError for a table that does not exist.
    """
    configuration = copy.deepcopy(base)
    for path, value in change.items():
        *tables, key = path.split(".")
        table = configuration
        for name in tables:
            if not isinstance(table.get(name), dict):
                raise ValueError(f"The ablation changes {path}, but {name} is no table.")
            table = table[name]
        table[key] = value
    return configuration


def file_name(name: str, seed: int) -> str:
    """Name of a variant's record without its ending."""
    return "".join(c if c.isalnum() or c in ".-" else "_" for c in name) + f"-{seed}"


def train_variant(trainer: Trainer, images: NDArray[np.uint8]) -> None:
    """Train to the end with CURVE_POINTS validations and as many checkpoints."""
    checkpoint = trainer.folder / "checkpoint.pt"
    if checkpoint.exists():
        if read_checkpoint(checkpoint)["configuration"] != trainer.configuration:
            raise ValueError(f"{trainer.folder} holds another variant: remove it.")
        trainer.resume()
    while trainer.progress < 1:
        part = int(trainer.progress * CURVE_POINTS)
        trainer.train_step()
        if int(trainer.progress * CURVE_POINTS) > part:
            trainer.validate(images)
            trainer.save()


def measure(trainer: Trainer, images: NDArray[np.uint8]) -> dict:
    """Quality of the averaged weights on pictures uint8 [P, H, W, 3], and use of the codebooks."""
    figures = []
    for image, decoded in trainer.decoded(images):
        pair = (p.mul(255).round().byte().permute(0, 2, 3, 1).numpy() for p in (image, decoded))
        figures += [quality(*one) for one in zip(*pair, strict=True)]
    counts = count_labels(copy.deepcopy(trainer.average).cpu(), images)
    shares = {f"s{level + 1}": round(entropy_share(count), 3)
              for level, count in zip(trainer.average.sent, counts, strict=True)}
    return mean_quality(figures) | {"entropy_share": shares}


def ablate(args: argparse.Namespace) -> list[Path]:
    """Run what has no record yet; returns the records of everything asked for.

    Raises DataError or ValueError in one sentence.
    """
    torch.set_num_threads(args.threads)
    device = distributed.own_device(args.device)
    clock = time.process_time if device.type == "cpu" else time.monotonic
    plan = json.loads(args.variants.read_text())
    known = {name: (group, change) for group, variants in plan["groups"].items()
             for name, change in variants.items()}
    if unknown := set(args.only or ()) - set(known):
        raise ValueError(f"There is no variant {sorted(unknown)[0]!r}; "
                         f"known are {', '.join(known)}.")
    base = plan["base"]
    images = evaluation_pictures(args.validation, 128, args.validation_pictures)
    largest = int(base["crop"] * base["zoom"] * 1.5)
    caches = [open_cache(path, args.cache, base["crop"], largest) for path in args.data]
    args.results.mkdir(parents=True, exist_ok=True)
    records = []
    for seed in args.seeds:
        for name in args.only or known:
            group, change = known[name]
            configuration = changed(base, change) | {"name": name, "seed": seed}
            record = args.results / f"{file_name(name, seed)}.json"
            records.append(record)
            asked = {"configuration": configuration, "minutes": args.minutes}
            if record.exists():
                found = json.loads(record.read_text())
                if {key: found[key] for key in asked} == asked:
                    continue
            sampler = BatchSampler(caches, args.shares or [1.0] * len(caches),
                                   configuration["crop"], configuration["batch"], seed,
                                   configuration["zoom"])
            folder = args.runs / f"{record.stem}-{args.minutes:g}-minutes"
            trainer = Trainer(configuration, sampler, folder, args.minutes / 60, clock,
                              device=device)
            train_variant(trainer, images)
            measured = measure(trainer, images)
            record.write_text(json.dumps({
                "name": name, "group": group, "change": change, **asked, **measured,
                "pictures": len(images), "crops_seen": trainer.pictures, "steps": trainer.step,
                "parameters": sum(p.numel() for p in trainer.network.parameters()),
                "validation": trainer.curve,
            }, indent=1) + "\n")
            print(f"{name}, seed {seed}: {trainer.step} steps, {described(measured)}", flush=True)
    return records


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.ablate",
        description="Train variants of a small network at equal cost; goes on where it stopped.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="folders or tar files of pictures to train on")
    parser.add_argument("--shares", type=float, nargs="+",
                        help="share of each data set in a batch (all the same if not given)")
    parser.add_argument("--validation", type=Path, required=True,
                        help="folder or tar file of pictures to measure on")
    parser.add_argument("--validation-pictures", type=int, default=60, help="how many at most")
    parser.add_argument("--minutes", type=float, default=2.0,
                        help="processor or GPU time of the training steps of each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="one run for each")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="variants to run (default: all)")
    parser.add_argument("--variants", type=Path, default=VARIANTS, help="what to compare")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the records")
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"),
                        help="folder for checkpoints")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"),
                        help="folder for decoded pictures")
    parser.add_argument("--device", choices=distributed.DEVICES, default="cpu",
                        help="what trains")
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    try:
        ablate(parse_args(argv))
    except (DataError, ValueError, OSError) as error:
        print(f"ablate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
