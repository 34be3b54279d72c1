# SPDX-License-Identifier: GPL-3.0-or-later
"""The upper bound of the paper: a network without quantisation, sent without noise."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.bounded_files import FileError, read_bounded
from vqdeepsc.codec import BundleError
from vqdeepsc.codec.inference import NetworkError, open_network
from vqdeepsc.codec.regions import pad_image
from vqdeepsc.limits import MAXIMUM_NETWORK_BYTES
from vqdeepsc.messages import from_json, printable

from .identity import System

SUFFIX = ".onnx"


def upper_bound_system(path: str | os.PathLike[str]) -> System:
    """What the network at path is called in results: the stem of its name."""
    return System.parse(printable(Path(path).stem))


@dataclass(frozen=True)
class UpperBoundTraining:
    """How an upper bound was trained.

    images: crops seen; begun_at: the run at whose weights it began, "" for none."""

    images: int
    hours: float
    begun_at: str

    @classmethod
    def parse(cls, text: str) -> UpperBoundTraining:
        """Of the record of a run, in JSON; raises ValueError, the end of a sentence."""
        try:
            record = from_json(text)
        except ValueError as error:
            raise ValueError("has no JSON as its record of training") from error
        try:
            last = record["history"][-1] if record["history"] else {}
            found = cls(int(record["images"]), float(record["hours"]), str(last.get("run", "")))
        except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise ValueError("has a record of training without images, hours or history") from error
        if found.images < 0 or not 0 <= found.hours < math.inf:
            raise ValueError("has a record of training with impossible numbers")
        return found


class UpperBound:
    """An ONNX network from `image` to `image`, both float32 [N, 3, H, W], RGB in [0, 1].

    H and W are multiples of 16. `training/vqdeepsc_training/bundles/unquantised.py` writes it, with
    the record of its training; `training` is None if the file has none."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises BundleError."""
        path = Path(path)
        self.system = upper_bound_system(path)
        try:
            self._network = open_network(read_bounded(path, MAXIMUM_NETWORK_BYTES), threads=1)
        except FileError as error:
            raise BundleError(str(error)) from error
        except NetworkError as error:
            raise BundleError(f"{path} {error}") from error
        inputs, outputs = self._network.get_inputs(), self._network.get_outputs()
        if [node.name for node in (*inputs, *outputs)] != ["image", "image_out"]:
            raise BundleError(f"{path} must take 'image' and give 'image_out'")
        record = self._network.get_metadata().get("training", "")
        try:
            self.training = UpperBoundTraining.parse(record) if record else None
        except ValueError as error:
            raise BundleError(f"{path} {error}") from error

    def reconstruct(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the network makes of an image uint8 [H, W, 3]."""
        height, width = pixels.shape[:2]
        padded = pad_image(pixels).transpose(2, 0, 1)[None].astype(np.float32) / 255
        (image,) = self._network.run(["image_out"], {"image": padded})
        decoded: NDArray[np.uint8] = np.rint(
            np.clip(image[0].transpose(1, 2, 0), 0, 1) * 255
        ).astype(np.uint8)
        return decoded[:height, :width]
