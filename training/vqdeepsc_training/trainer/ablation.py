# SPDX-License-Identifier: GPL-3.0-or-later
"""Train variants at equal cost.

The cost of a run is the processor time of its training steps, so that other programs on the machine
hardly change what a variant gets; on a GPU, which has no such clock, it is their time.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..base import distributed
from ..base.errors import ConfigurationError
from ..base.files import write_whole
from ..base.repository import ROOT
from ..data.cache import CACHE, open_cache
from ..data.images import evaluation_images, short_name
from ..networks.counts import count_indices
from ..objectives.quality import entropy_share, mean_quality, quality
from .checkpoint import read_checkpoint
from .configuration import Configuration, make_sampler
from .record import VariantQuality, VariantRecord, read_variant_record
from .trainer import CHECKPOINT, Trainer

VARIANTS = ROOT / "training" / "ablations.json"
RESULTS = ROOT / "training" / "results" / "ablations"
CURVE_POINTS = 10
MINUTES = 2.0
RUNS = Path("runs/ablations")
SIDE = 128
VALIDATION_IMAGES = 60


def changed(base: dict, change: dict) -> dict:
    """Copy of a configuration with values replaced: `{"network.decay": 0.9}` sets one of a table.

    Raises ConfigurationError for a table that does not exist.
    """
    configuration = copy.deepcopy(base)
    for path, value in change.items():
        *tables, key = path.split(".")
        table = configuration
        for name in tables:
            if not isinstance(table.get(name), dict):
                raise ConfigurationError(f"The ablation changes {path}, but {name} is no table.")
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
    as `change` holds for all its variants. Raises ConfigurationError as `changed`, for a name that
    occurs twice, a base that is not known and a file that is none.
    """
    variants: dict[str, Variant] = {}
    plan = json.loads(path.read_text())
    if not isinstance(plan, dict) or not isinstance(plan.get("tables"), dict):
        raise ConfigurationError(f"{path} has no tables of variants.")
    for title, table in plan["tables"].items():
        if missing := {"base", "groups"} - table.keys():
            raise ConfigurationError(
                f"The table {title!r} of {path} has no {', '.join(sorted(missing))}."
            )
        base = table["base"]
        if isinstance(base, str):
            if base not in variants:
                raise ConfigurationError(
                    f"The table {title!r} is built on {base!r}, but no table "
                    "before it has that variant."
                )
            base = variants[base].configuration
        base = changed(base, table.get("change", {}))
        for group, changes in table["groups"].items():
            for name, change in changes.items():
                if name in variants:
                    raise ConfigurationError(f"There are two variants {name!r}.")
                variants[name] = Variant(title, group, change, base, changed(base, change))
    return variants


def file_name(name: str, seed: int) -> str:
    """Name of a variant's record without its ending."""
    return "".join(c if c.isalnum() or c in ".-" else "_" for c in name) + f"-{seed}"


def train_variant(trainer: Trainer, images: NDArray[np.uint8]) -> None:
    """Train to the end with CURVE_POINTS validations and as many checkpoints."""
    checkpoint = trainer.folder / CHECKPOINT
    if checkpoint.exists():
        found = Configuration.read(read_checkpoint(checkpoint)["configuration"])
        if found != trainer.configuration:
            raise ConfigurationError(f"{trainer.folder} holds another variant: remove it.")
        trainer.resume()
    while trainer.progress < 1:
        part = int(trainer.progress * CURVE_POINTS)
        trainer.train_step()
        if int(trainer.progress * CURVE_POINTS) > part:
            trainer.validate(images)
            trainer.save()


def measure(trainer: Trainer, images: NDArray[np.uint8]) -> VariantQuality:
    """Quality of the averaged weights on images uint8 [P, H, W, 3], and use of the codebooks."""
    figures = []
    for image, decoded in trainer.decoded(images):
        pair = (p.mul(255).round().byte().permute(0, 2, 3, 1).numpy() for p in (image, decoded))
        figures += [quality(*one) for one in zip(*pair, strict=True)]
    counts = count_indices(copy.deepcopy(trainer.average).cpu(), images)
    shares = {
        f"s{scale}": round(entropy_share(count), 3)
        for scale, count in zip(trainer.average.scales, counts, strict=True)
    }
    return VariantQuality(**vars(mean_quality(figures)), entropy_share=shares)


def ablate(
    data: Sequence[Path],
    validation: Sequence[Path],
    *,
    shares: Sequence[float] | None = None,
    validation_images: int = VALIDATION_IMAGES,
    minutes: float = MINUTES,
    seeds: Sequence[int] = (1,),
    only: Sequence[str] | None = None,
    variants: Path = VARIANTS,
    results: Path = RESULTS,
    runs: Path = RUNS,
    cache: Path = CACHE,
    device: str = "cpu",
    threads: int = 1,
) -> list[Path]:
    """Run what has no record yet, with a line for each; returns all records asked for.

    data, validation: folders or tar files of images, at most `validation_images` of each of the
    latter; shares: of each data set in a batch, for variants that name none (None: all the same);
    minutes: processor or GPU time of each run's training steps; seeds: one run for each; only:
    variants or tables (None: all); variants: file of what to compare; results, runs, cache:
    folders of records, checkpoints and decoded images; device: "cpu" or "cuda".
    Raises TrainingError in one sentence.
    """
    torch.set_num_threads(threads)
    processor = distributed.own_device(device)
    clock = time.process_time if processor.type == "cpu" else time.monotonic
    known = read_variants(variants)
    names = [*known, *dict.fromkeys(variant.table for variant in known.values())]
    if unknown := set(only or ()) - set(names):
        raise ConfigurationError(
            f"There is no variant or table {sorted(unknown)[0]!r}; known are {', '.join(names)}."
        )
    wanted = {
        name: variant
        for name, variant in known.items()
        if not only or {name, variant.table} & set(only)
    }
    images = {
        short_name(path): evaluation_images(path, SIDE, validation_images) for path in validation
    }
    first, *others = images
    capability = (
        torch.backends.cpu.get_cpu_capability()
        if processor.type == "cpu"
        else torch.cuda.get_device_name(processor)
    )
    results.mkdir(parents=True, exist_ok=True)
    records = []
    for seed in seeds:
        for name, variant in wanted.items():
            configuration = Configuration.read(variant.configuration | {"name": name, "seed": seed})
            record = results / f"{file_name(name, seed)}.json"
            records.append(record)
            if record.exists():
                found = read_variant_record(record)
                same = Configuration.read(found.configuration) == configuration
                if same and found.minutes == minutes:
                    continue
            # All variants of a table take their crops from the same images.
            crop = variant.base["crop"]
            caches = [
                open_cache(path, cache, crop, int(crop * variant.base["zoom"] * 1.5))
                for path in data
            ]
            used = list(configuration.shares or shares or [1.0] * len(caches))
            sampler = make_sampler(configuration, caches, used)
            folder = runs / f"{record.stem}-{minutes:g}-minutes"
            trainer = Trainer(configuration, sampler, folder, minutes / 60, clock, device=processor)
            train_variant(trainer, images[first])
            measured = measure(trainer, images[first])
            made = VariantRecord(
                name=name,
                group=variant.group,
                change=variant.change,
                configuration=configuration.to_json(),
                minutes=minutes,
                data=tuple(short_name(path) for path in data),
                shares=tuple(used),
                computed_in=trainer.arithmetic.precision,
                processor=capability,
                validation_data=first,
                **vars(measured),
                elsewhere={other: measure(trainer, images[other]) for other in others},
                images=len(images[first]),
                crops_seen=trainer.images,
                steps=trainer.step,
                parameters=sum(p.numel() for p in trainer.network.parameters()),
                validation=tuple(trainer.curve),
            )
            write_whole(record, json.dumps(made.to_json(), indent=1) + "\n")
            print(
                f"{name}, seed {seed}: {trainer.step} steps in {trainer.arithmetic.precision}, "
                f"{measured}",
                flush=True,
            )
    return records
