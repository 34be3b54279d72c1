# SPDX-License-Identifier: GPL-3.0-or-later
"""Train, export and measure a small network: python -m vqdeepsc_training.demo."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from pathlib import Path

from PIL import Image
from vqdeepsc.images.sample import sample_image

from . import evaluate, export, train
from .arguments import count
from .photographs import PHOTOGRAPHS, photograph_tiles
from .repository import ROOT

CONFIG = ROOT / "training" / "configs" / "demo.json"
HELD_BACK = "coffee.png"
BUNDLE = "demo-4s"


def write_pictures(folder: Path) -> tuple[Path, Path]:
    """Folders of the photographs to train on, and of the tiles of the one held back to measure."""
    training, test = folder / "pictures" / "training", folder / "pictures" / "test"
    for one in (training, test):
        one.mkdir(parents=True, exist_ok=True)
    for name in PHOTOGRAPHS:
        if name != HELD_BACK:
            shutil.copy(sample_image(name), training)
    for number, tile in enumerate(photograph_tiles(HELD_BACK)):
        Image.fromarray(tile).save(test / f"{number}.png")
    return training, test


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.demo",
        description="Train a small network on photographs that scikit-image ships, export it as "
                    "a bundle, measure that beside JPEG and draw a sheet of pictures.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--steps", type=count, default=1000,
                        help="length of the training; as given, about two minutes of a processor")
    parser.add_argument("--folder", type=Path, default=ROOT / "training" / "runs" / "demo",
                        help="where everything is written")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    args = parse_args(argv)
    try:
        training, test = map(str, write_pictures(args.folder))
    except (ValueError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    run, bundle, sheet = (args.folder / name for name in ("run", BUNDLE, "sheet.png"))
    print(f"Training for {args.steps} steps on {len(PHOTOGRAPHS) - 1} photographs; each line gives "
          "SSIM and PSNR on another one, and the terms of the loss", flush=True)
    status = train.main([
        "--config", str(CONFIG), "--data", training, "--validation", test, "--folder", str(run),
        "--cache", str(args.folder / "cache"), "--steps", str(args.steps), "--save-minutes", "0.5"])
    if status:
        return status
    print("Exporting and measuring on the photograph held back", flush=True)
    with (args.folder / "export.json").open("w") as file, contextlib.redirect_stdout(file):
        status = export.main(["--checkpoint", str(run / "checkpoint.pt"), "--bundle", str(bundle),
                              "--data", training])
    status = status or evaluate.main(["--bundle", str(bundle), "--data", test, "--baselines",
                                      "jpeg", "--sheet", str(sheet)])
    if status:
        return status
    print("Minutes and a few photographs make no good model: the shipped ones saw many more, "
          "and are larger.\n"
          f"{sheet} shows the decoded pictures below the originals.\n"
          f"{bundle} is a bundle as every other: in the checkout's root, after make install,\n"
          f"prefix/bin/vqdeepsc demo --model {bundle} sends a picture with it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
