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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from . import distributed
from .arguments import amount, count, natural
from .checkpoint import read_checkpoint
from .data import DataError, evaluation_pictures, open_cache, sampler_of
from .evaluate import described, entropy_share, mean_quality, quality
from .export import count_labels
from .repository import ROOT
from .train import short_name
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


@dataclass
class Variant:
    """A row of a table: `configuration` is the table's `base` with one `change`."""

    table: str
    group: str
    change: dict
    base: dict
    configuration: dict


def read_variants(path: Path) -> dict[str, Variant]:
    """Variants by name, in the order of a file as ablations.json.

    A table's `base` is a configuration or the name of a variant before it, and what the table has
    as `change` holds for all its variants. Raises ValueError as `changed`, for a name that occurs
    twice, a base that is not known and a file that is none.
    """
    variants: dict[str, Variant] = {}
    plan = json.loads(path.read_text())
    if not isinstance(plan, dict) or not isinstance(plan.get("tables"), dict):
        raise ValueError(f"{path} has no tables of variants.")
    for title, table in plan["tables"].items():
        if missing := {"base", "groups"} - table.keys():
            raise ValueError(f"The table {title!r} of {path} has no {', '.join(sorted(missing))}.")
        base = table["base"]
        if isinstance(base, str):
            if base not in variants:
                raise ValueError(f"The table {title!r} is built on {base!r}, but no table "
                                 "before it has that variant.")
            base = variants[base].configuration
        base = changed(base, table.get("change", {}))
        for group, changes in table["groups"].items():
            for name, change in changes.items():
                if name in variants:
                    raise ValueError(f"There are two variants {name!r}.")
                variants[name] = Variant(title, group, change, base, changed(base, change))
    return variants


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
    known = read_variants(args.variants)
    names = [*known, *dict.fromkeys(variant.table for variant in known.values())]
    if unknown := set(args.only or ()) - set(names):
        raise ValueError(f"There is no variant or table {sorted(unknown)[0]!r}; "
                         f"known are {', '.join(names)}.")
    wanted = {name: variant for name, variant in known.items()
              if not args.only or {name, variant.table} & set(args.only)}
    images = {short_name(path): evaluation_pictures(path, 128, args.validation_pictures)
              for path in args.validation}
    first, *others = images
    processor = (torch.backends.cpu.get_cpu_capability() if device.type == "cpu"
                 else torch.cuda.get_device_name(device))
    args.results.mkdir(parents=True, exist_ok=True)
    records = []
    for seed in args.seeds:
        for name, variant in wanted.items():
            configuration = variant.configuration | {"name": name, "seed": seed}
            record = args.results / f"{file_name(name, seed)}.json"
            records.append(record)
            asked = {"configuration": configuration, "minutes": args.minutes}
            if record.exists():
                found = json.loads(record.read_text())
                if {key: found[key] for key in asked} == asked:
                    continue
            # All variants of a table take their crops from the same pictures.
            crop = variant.base["crop"]
            caches = [open_cache(path, args.cache, crop, int(crop * variant.base["zoom"] * 1.5))
                      for path in args.data]
            shares = configuration.get("shares") or args.shares or [1.0] * len(caches)
            sampler = sampler_of(configuration, caches, shares)
            folder = args.runs / f"{record.stem}-{args.minutes:g}-minutes"
            trainer = Trainer(configuration, sampler, folder, args.minutes / 60, clock,
                              device=device)
            train_variant(trainer, images[first])
            measured = measure(trainer, images[first])
            record.write_text(json.dumps({
                "name": name, "group": variant.group, "change": variant.change, **asked,
                "data": [short_name(path) for path in args.data], "shares": shares,
                "computed_in": trainer.precision, "processor": processor,
                "validation_data": first, **measured,
                "elsewhere": {other: measure(trainer, images[other]) for other in others},
                "pictures": len(images[first]), "crops_seen": trainer.pictures,
                "steps": trainer.step,
                "parameters": sum(p.numel() for p in trainer.network.parameters()),
                "validation": trainer.curve,
            }, indent=1) + "\n")
            print(f"{name}, seed {seed}: {trainer.step} steps in {trainer.precision}, "
                  f"{described(measured)}", flush=True)
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
    parser.add_argument("--shares", type=amount, nargs="+",
                        help="share of each data set in a batch, for variants that name none (all "
                             "the same if not given)")
    parser.add_argument("--validation", type=Path, nargs="+", required=True,
                        help="folders or tar files of pictures to measure on; the table and the "
                             "curves are of the first")
    parser.add_argument("--validation-pictures", type=count, default=60,
                        help="how many of each at most")
    parser.add_argument("--minutes", type=amount, default=2.0,
                        help="processor or GPU time of the training steps of each run")
    parser.add_argument("--seeds", type=natural, nargs="+", default=[1], help="one run for each")
    parser.add_argument("--only", nargs="+", metavar="NAME",
                        help="variants or tables to run (default: all)")
    parser.add_argument("--variants", type=Path, default=VARIANTS, help="what to compare")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the records")
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"),
                        help="folder for checkpoints")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"),
                        help="folder for decoded pictures")
    parser.add_argument("--device", choices=distributed.DEVICES, default="cpu",
                        help="what trains")
    parser.add_argument("--threads", type=count, default=1, help="processor threads")
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
