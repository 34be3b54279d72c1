#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast `vqdeepsc receive` goes through a file, and whether the log knows each image's SNR.

Run with the Python of the installation (prefix/bin/python). Each image is one burst of 25,024
samples; the gaps are as long as the share on the air says. Msample/s are of the whole command from
its start to its end, loading and decoding included, by the clock and by the processor time of all
its threads.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from burst_link import CARRIER_POWER, transmitted
from vqdeepsc.codec import DEFAULT_MODEL, Codec
from vqdeepsc.images.files import load_image
from vqdeepsc.images.sample import sample_image

SNR_DB = 15.0
SIDE = 128
BURST = 25_024
PART = 1_000_000  # samples that are made at once


def regions(count: int) -> tuple[np.ndarray, int]:
    """Bits [count, bits] of pieces of the sample image, and the model's id."""
    codec = Codec(DEFAULT_MODEL)
    image = load_image(sample_image())
    rng = np.random.default_rng(1)
    frames = []
    for _ in range(count):
        top = rng.integers(0, image.shape[0] - SIDE + 1)
        left = rng.integers(0, image.shape[1] - SIDE + 1)
        frames.append(codec.encode_bits(image[top : top + SIDE, left : left + SIDE]))
    return np.reshape(frames, (count, -1)).astype(np.uint8), codec.model_id


def write_samples(path: Path, share: float, samples: int, rng: np.random.Generator) -> int:
    """Bursts with gaps and noise; returns how many."""
    noise = np.sqrt(CARRIER_POWER * 10 ** (-SNR_DB / 10) / 2)
    period = round(BURST / share) if share else samples + 1
    count = samples // period
    frames, model = regions(max(count, 1))
    bursts = transmitted(frames, model)
    with path.open("wb") as file:
        for first in range(0, samples, PART):
            size = min(PART, samples - first)
            part = rng.standard_normal(2 * size, np.float32).view(np.complex64) * np.float32(noise)
            for number in range(
                max(0, first // period - 1), min(count, (first + size) // period + 1)
            ):
                begin = number * period - first
                low, high = max(begin, 0), min(begin + bursts.shape[1], size)
                if low < high:
                    part[low:high] += bursts[number][low - begin : high - begin]
            part.tofile(file)
    return count


def measure(share: float, samples: int, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder, "samples.cf32"), Path(folder, "log.jsonl")
        count = write_samples(path, share, samples, rng)
        program = "import sys; from vqdeepsc.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", program, "receive", "--radio", "file"]
        command += ["--device", str(path), "--output", f"{folder}/out", "--log", str(log)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if done.returncode:
            raise RuntimeError(done.stderr)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    images = [line for line in lines if line["event"] == "image"]
    return {
        "on_the_air": share,
        "msamples_per_second": samples / seconds / 1e6,
        "msamples_per_processor_second": samples / processor / 1e6,
        "bursts": count,
        "images": len(images),
        "without_snr": sum(line.get("snr_db") is None for line in images),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--share", type=float, nargs="+", default=[0, 0.05, 0.1], help="on the air")
    parser.add_argument("--samples", type=int, default=25_000_000, help="of each file")
    parser.add_argument("--seed", type=int, default=1, help="of the noise")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line instead")
    arguments = parser.parse_args()
    if not arguments.json:
        print(
            f"{'on the air':>10}{'Msample/s':>11}{'per CPU s':>11}{'bursts':>8}"
            f"{'images':>8}{'without SNR':>13}"
        )
    for share in arguments.share:
        row = measure(share, arguments.samples, arguments.seed)
        if arguments.json:
            print(json.dumps(row), flush=True)
            continue
        print(
            f"{share:10.0%}{row['msamples_per_second']:11.1f}"
            f"{row['msamples_per_processor_second']:11.1f}{row['bursts']:8}{row['images']:8}"
            f"{row['without_snr']:13}",
            flush=True,
        )


if __name__ == "__main__":
    main()
