# SPDX-License-Identifier: GPL-3.0-or-later
"""The upper bound of the paper: a network without quantisation, sent without noise."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.codec import BundleError
from vqdeepsc.codec.inference import NetworkError, open_network
from vqdeepsc.codec.regions import pad_image
from vqdeepsc.messages import printable

SUFFIX = ".onnx"


def upper_bound_system(path: str | os.PathLike[str]) -> str:
    """What the network at path is called in results: the stem of its name."""
    return printable(Path(path).stem)


class UpperBound:
    """An ONNX network from `image` to `image`, both float32 [N, 3, H, W], RGB in [0, 1].

    H and W are multiples of 16. `training/vqdeepsc_training/bundles/unquantised.py` writes it, with
    the record of its training, which `training` holds (empty if the file has none)."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises BundleError."""
        path = Path(path)
        self.system = upper_bound_system(path)
        if not path.is_file():
            raise BundleError(f"there is no network {path}")
        try:
            self._network = open_network(path.read_bytes(), threads=1)
        except NetworkError as error:
            raise BundleError(f"{path} is not a network that can be loaded") from error
        inputs, outputs = self._network.get_inputs(), self._network.get_outputs()
        if [node.name for node in (*inputs, *outputs)] != ["image", "image_out"]:
            raise BundleError(f"{path} must take 'image' and give 'image_out'")
        metadata = self._network.get_modelmeta().custom_metadata_map
        self.training: dict[str, Any] = json.loads(metadata.get("training", "{}"))

    def reconstruct(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the network makes of an image uint8 [H, W, 3]."""
        height, width = pixels.shape[:2]
        padded = pad_image(pixels).transpose(2, 0, 1)[None].astype(np.float32) / 255
        (image,) = self._network.run(["image_out"], {"image": padded})
        decoded: NDArray[np.uint8] = np.rint(
            np.clip(image[0].transpose(1, 2, 0), 0, 1) * 255
        ).astype(np.uint8)
        return decoded[:height, :width]
