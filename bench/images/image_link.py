# SPDX-License-Identifier: GPL-3.0-or-later
"""What benchmarks of decoders share: images over the simulated link, and their mean scores."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

import numpy as np
from vqdeepsc.codec import Codec
from vqdeepsc.images import metrics
from vqdeepsc.images.files import crop_square
from vqdeepsc.images.finding import find_images
from vqdeepsc.link import ChannelModel, Link, Received


def add_arguments(parser: argparse.ArgumentParser, nargs: str, limit: int, snr: str) -> None:
    """Images and link; nargs: how many images the command line must have."""
    parser.add_argument(
        "images", metavar="IMAGE", nargs=nargs, help="files, folders or .tar archives"
    )
    parser.add_argument("--limit", type=int, default=limit, help="first images only")
    parser.add_argument("--channel", default="awgn", help="awgn, rayleigh, rician[:FACTOR]")
    parser.add_argument("--snr", default=snr, help="mean Es/N0 in dB, as for simulate")
    parser.add_argument("--seed", type=int, default=0, help="of the channel")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def read_images(paths: Iterable[str | os.PathLike[str]], limit: int) -> dict[str, np.ndarray]:
    """The first centre crops uint8 [128, 128, 3] by name."""
    found = find_images(paths)[:limit]
    return {image.name: crop_square(image.load()) for image in found}


def receive(
    codec: Codec, sent: np.ndarray, channel: ChannelModel, snr_db: float, seed: int
) -> Received:
    """What arrives of one image."""
    link = Link(codec.bits_per_region)
    return link.receive(link.modulate(codec.encode_bits(sent)), channel.open(snr_db, seed), snr_db)


class Scores:
    """Means over images of named values."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, **values: float) -> None:
        """Values of one image."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(float(value))

    def add_image(self, which: str, sent: np.ndarray, decoded: np.ndarray) -> None:
        """`ssim_WHICH` and `psnr_WHICH` of a decoded image."""
        ssim, psnr_db = metrics.ssim(sent, decoded), metrics.psnr(sent, decoded)
        self.add(**{f"ssim_{which}": ssim, f"psnr_{which}": psnr_db})

    def means(self) -> dict[str, float]:
        """Mean of each value."""
        return {name: float(np.mean(values)) for name, values in self._values.items()}
