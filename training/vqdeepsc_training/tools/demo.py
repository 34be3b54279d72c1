# SPDX-License-Identifier: GPL-3.0-or-later
"""Train, export and measure a small network: everything in short."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from PIL import Image
from vqdeepsc.codec import Codec
from vqdeepsc.images.sample import sample_image

from ..base.files import write_whole
from ..base.repository import ROOT
from ..bundles.export import export
from ..data.photographs import PHOTOGRAPHS, photograph_tiles
from ..reports.evaluation import evaluate_bundle
from ..trainer.configuration import read_configuration
from ..trainer.run import train
from .arguments import count

CONFIG = ROOT / "training" / "configs" / "demo.json"
HELD_BACK = "coffee.png"
BUNDLE = "demo-4s"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--steps",
        type=count,
        default=1000,
        help="length of the training; as given, about two minutes of a processor",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / "training" / "runs" / "demo",
        help="where everything is written",
    )


def write_images(folder: Path) -> tuple[Path, Path]:
    """Folders of the photographs to train on, and of the tiles of the one held back to measure."""
    training, test = folder / "images" / "training", folder / "images" / "test"
    for one in (training, test):
        one.mkdir(parents=True, exist_ok=True)
    for name in PHOTOGRAPHS:
        if name != HELD_BACK:
            shutil.copy(sample_image(name), training)
    for number, tile in enumerate(photograph_tiles(HELD_BACK)):
        Image.fromarray(tile).save(test / f"{number}.png")
    return training, test


def run(arguments: argparse.Namespace) -> None:
    """Do it all in --folder; what happens is printed."""
    training, test = write_images(arguments.folder)
    folder, bundle, sheet = (arguments.folder / name for name in ("run", BUNDLE, "sheet.png"))
    print(
        f"Training for {arguments.steps} steps on {len(PHOTOGRAPHS) - 1} photographs; each line "
        "gives SSIM and PSNR on another one, and the terms of the loss",
        flush=True,
    )
    configuration = read_configuration(CONFIG).having(steps=arguments.steps)
    train(
        configuration,
        [training],
        validation=test,
        folder=folder,
        overwrite=True,
        cache=arguments.folder / "cache",
        save_minutes=0.5,
    )
    print("Exporting and measuring on the photograph held back", flush=True)
    exported = export(folder / "checkpoint.pt", bundle, [training])
    write_whole(arguments.folder / "export.json", json.dumps(exported.to_json(), indent=1) + "\n")
    codec = Codec(bundle)
    (figures,) = evaluate_bundle(codec, [test], baselines=["jpeg"], sheet_path=sheet).values()
    for name, measured in {codec.name: figures, **figures.baselines}.items():
        print(f"  {name:<14}{measured}")
    print(
        "Minutes and a few photographs make no good model: the shipped ones saw many more, "
        "and are larger.\n"
        f"{sheet} shows the decoded images below the originals.\n"
        f"{bundle} is a bundle as every other: in the checkout's root, after make install,\n"
        f"prefix/bin/vqdeepsc demo --model {bundle} sends an image with it."
    )
