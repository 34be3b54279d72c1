# SPDX-License-Identifier: GPL-3.0-or-later
"""What each provider of the networks costs in time and in quality, beside onnxruntime's own.

Quality: images that the provider encodes and decodes, noiseless, against the originals. Images
that cross from one provider to another, as between two radios, are measured too.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import skimage.data
from vqdeepsc.codec import Codec
from vqdeepsc.errors import ParameterError
from vqdeepsc.images.files import crop_square
from vqdeepsc.images.finding import find_images
from vqdeepsc.images.metrics import psnr, ssim

PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
SIZES = ((128, 128), (256, 256), (640, 480))


def milliseconds(call: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Median time by the clock and mean time of the processor of a call, in ms."""
    call()
    times = []
    begin, processor = time.perf_counter(), time.process_time()
    while not times or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    spent = (time.process_time() - processor) / len(times)
    return 1000 * statistics.median(times), 1000 * spent


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--provider", nargs="+", default=["cpu", "openvino", "openvino:bfloat16"])
    parser.add_argument("--model", default="vqdeepsc-4s")
    parser.add_argument("--images", nargs="+", help="default: four photographs of scikit-image")
    parser.add_argument("--limit", type=int, default=60, help="images at most")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    folder = Path(skimage.data.__file__).parent
    found = find_images(args.images or [folder / name for name in PHOTOGRAPHS])
    images = [crop_square(image.load()) for image in found[: args.limit]]

    reference = Codec(args.model, args.threads)
    expected = [reference.encode(image) for image in images]
    rows = []
    for name in args.provider:
        try:
            codec = Codec(args.model, args.threads, name)
        except ParameterError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        row: dict = {"provider": name, "images": len(images), "threads": args.threads}
        indices = [codec.encode(image) for image in images]
        same = [
            np.mean(ours.maps[scale] == theirs.maps[scale])
            for ours, theirs in zip(indices, expected, strict=True)
            for scale in theirs.maps
        ]
        row["equal_indices"] = float(np.mean(same))
        for kind, decoder in (("", codec), ("_decoded_by_cpu", reference)):
            decoded = [decoder.decode(decoder.one_hot(i), i.width, i.height) for i in indices]
            pairs = list(zip(images, decoded, strict=True))
            row["ssim" + kind] = float(np.mean([ssim(a, b[None])[0] for a, b in pairs]))
            row["psnr_db" + kind] = float(np.mean([psnr(a, b[None])[0] for a, b in pairs]))
        for width, height in SIZES:
            image = np.resize(images[0], (height, width, 3))
            code = codec.encode(image)
            posteriors = codec.one_hot(code)
            times = {
                "encode": milliseconds(lambda: codec.encode(image), args.seconds),  # noqa: B023
                "decode": milliseconds(
                    lambda: codec.decode(posteriors, width, height),  # noqa: B023
                    args.seconds,
                ),
            }
            for work, (clock, processor) in times.items():
                row[f"{work}_{width}x{height}_ms"] = clock
                row[f"{work}_{width}x{height}_processor_ms"] = processor
        rows.append(row)
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    sizes = [f"{width}x{height}" for width, height in SIZES]
    print("| provider | SSIM, PSNR | decoded by cpu | equal indices |", end="")
    print("".join(f" {size}: encode + decode |" for size in sizes))
    print("|" + "---|" * (4 + len(SIZES)))
    for row in rows:
        print(
            f"| {row['provider']} | {row['ssim']:.4f}, {row['psnr_db']:.2f} dB "
            f"| {row['ssim_decoded_by_cpu']:.4f}, {row['psnr_db_decoded_by_cpu']:.2f} dB "
            f"| {row['equal_indices']:.2%} |",
            end="",
        )
        for size in sizes:
            encode, decode = (row[f"{work}_{size}_processor_ms"] for work in ("encode", "decode"))
            print(f" {encode:.1f} + {decode:.1f} ms |", end="")
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
