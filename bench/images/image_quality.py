#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models beside photo codecs at equal bits, noiseless: SSIM, PSNR, CIEDE2000, SSIMULACRA2, FLIP.

Each codec gets the largest quality whose file fits the bits that the model really sends, image by
image. Metrics and JPEG XL whose packages are missing are left out, with a sentence. With --lossless
the table also says how many bits PNG takes.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image
from vqdeepsc.cli.arguments import positive
from vqdeepsc.codec import DEFAULT_MODEL, Codec
from vqdeepsc.errors import ParameterError
from vqdeepsc.images import baselines
from vqdeepsc.images.files import crop_square
from vqdeepsc.images.finding import find_images
from vqdeepsc.images.metrics import quality
from vqdeepsc.images.perceptual import METRICS

DEFAULT_IMAGES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
DECIMALS = {"ssim": 4, "psnr_db": 2, "ciede2000": 2, "ssimulacra2": 1, "flip": 4}
TITLES = {
    **{"ssim": "SSIM", "psnr_db": "PSNR dB", "ciede2000": "CIEDE2000"},
    **{"ssimulacra2": "SSIMULACRA2", "flip": "FLIP"},
}


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line; without images, photographs of scikit-image are taken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("images", nargs="*", help="image files, folders or .tar archives")
    parser.add_argument("--limit", type=positive, default=20, help="first images only")
    parser.add_argument("--native", action="store_true", help="keep the images' size")
    parser.add_argument("--model", nargs="+", default=[DEFAULT_MODEL], help="names or directories")
    parser.add_argument(
        "--baseline", nargs="*", default=["jpeg", "webp", "avif", "jpegxl"],
        choices=baselines.BASELINES, help="photo codecs",
    )  # fmt: skip
    parser.add_argument(
        "--metrics", nargs="*", default=list(METRICS), choices=METRICS, help="beside SSIM and PSNR"
    )
    parser.add_argument("--lossless", action="store_true", help="say what PNG takes too")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="keep the decoded images there")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def usable(names: list[str], wanted: list[str]) -> tuple[list[str], list[str]]:
    """Baselines and metrics that are installed; a sentence on stderr for each other one."""
    codecs, metrics = [], []
    probe = np.zeros((16, 16, 3), np.uint8)
    for name in (*names, *wanted):
        try:
            if name in wanted:
                METRICS[name](probe, probe)
                metrics.append(name)
            else:
                baselines.check_baseline(name)
                codecs.append(name)
        except ParameterError as error:
            print(f"image_quality: left out: {error}", file=sys.stderr)
    return codecs, metrics


def score(sent: np.ndarray, shown: np.ndarray, metrics: list[str]) -> dict[str, float]:
    """All metrics of an image uint8 [H, W, 3] against the one that was sent."""
    plain = quality(sent, shown)._asdict()
    return plain | {name: METRICS[name](sent, shown) for name in metrics}


def measure(
    codec: Codec, sent: np.ndarray, names: list[str], metrics: list[str]
) -> dict[str, tuple[int, np.ndarray, dict[str, float]]]:
    """Of each system the bits that it takes of an image, what it decodes and how good that is.

    A codec whose smallest file is larger has mid-grey and no bits."""
    height, width = sent.shape[:2]
    bits = codec.encode_bits(sent)
    shown = {codec.name: (bits.size, codec.decode_bits(bits, width, height))}
    for name in names:
        file = baselines.compress(sent, name, bits.size)
        decoded = baselines.decompress(file.content, width, height) if file else None
        if file is None or decoded is None:
            shown[name] = (0, baselines.mid_grey(width, height))
        else:
            shown[name] = (8 * len(file.content), decoded)
    return {
        name: (size, image, score(sent, image, metrics)) for name, (size, image) in shown.items()
    }


def png_bits(image: np.ndarray) -> int:
    """What an optimised PNG of an image uint8 [H, W, 3] takes."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    return 8 * file.tell()


def main(argv: list[str] | None = None) -> int:
    """Prints a table for each model."""
    arguments = parse_arguments(argv)
    try:
        shipped = Path(skimage.data.__file__).parent
        paths = arguments.images or [shipped / name for name in DEFAULT_IMAGES]
        images = {one.name: one.load() for one in find_images(paths)[: arguments.limit]}
        if not arguments.native:
            images = {name: crop_square(image) for name, image in images.items()}
        names, metrics = usable(arguments.baseline, arguments.metrics)
        columns = ["ssim", "psnr_db", *metrics]
        report = []
        for model in arguments.model:
            codec = Codec(model)
            measured = []
            for name, image in images.items():
                measured.append(measure(codec, image, names, metrics))
                if arguments.save:
                    arguments.save.mkdir(parents=True, exist_ok=True)
                    for system, (_, shown, _) in measured[-1].items():
                        target = arguments.save / f"{Path(name).stem}-{system}.png"
                        Image.fromarray(shown).save(target)
            for system in measured[0]:
                sizes, _, scores = zip(*(one[system] for one in measured), strict=True)
                means = {key: float(np.nanmean([one[key] for one in scores])) for key in columns}
                rounded = {key: round(value, DECIMALS[key]) for key, value in means.items()}
                undecoded = sum(not size for size in sizes)
                report.append(
                    {
                        "model": codec.name,
                        "system": system,
                        "bits": round(sum(sizes) / (len(sizes) - undecoded or 1)),
                    }
                    | rounded
                    | {"undecoded": undecoded}
                )
            if arguments.lossless:
                size = round(float(np.mean([png_bits(image) for image in images.values()])))
                report.append({"model": codec.name, "system": "png, lossless", "bits": size})
    except ValueError as error:
        print(f"image_quality: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        pixels = float(np.mean([image.shape[0] * image.shape[1] for image in images.values()]))
        print(json.dumps({"images": len(images), "pixels": pixels, "rows": report}, indent=2))
        return 0
    print(f"means over {len(images)} images")
    titles = " ".join(f"{TITLES[key]:>11}" for key in columns)
    print(f"{'model':<14} {'system':<14} {'bits':>9} {titles}  undecoded")
    for row in report:
        values = " ".join(
            f"{row[key]:>11.{DECIMALS[key]}f}" if key in row else f"{'':>11}" for key in columns
        )
        print(
            f"{row['model']:<14} {row['system']:<14} {row['bits']:>9,} {values}"
            f"  {row.get('undecoded', '')}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
