# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a network sends each index."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def count_indices(network: nn.Module, images: NDArray[np.uint8]) -> list[NDArray]:
    """How often each index occurs on images uint8 [P, H, W, 3], by scale."""
    counts = [np.zeros(space.codewords) for space in network.spaces]
    for start in range(0, len(images), 16):
        for total, indices in zip(
            counts, encode(network, images[start : start + 16]).indices, strict=True
        ):
            total += torch.bincount(indices.flatten(), minlength=len(total)).numpy()
    return counts


def encode(network: nn.Module, images: NDArray[np.uint8]) -> object:
    """What the network encodes images uint8 [P, H, W, 3] to."""
    image = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255)
    with torch.no_grad():
        return network.encode(image)
