# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a network sends each index."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def count_labels(network: nn.Module, pictures: NDArray[np.uint8]) -> list[NDArray]:
    """How often each label occurs on pictures uint8 [P, H, W, 3], by scale."""
    counts = [np.zeros(space.codewords) for space in network.spaces]
    for start in range(0, len(pictures), 16):
        for total, labels in zip(counts, encode(network, pictures[start : start + 16]).labels,
                                 strict=True):
            total += torch.bincount(labels.flatten(), minlength=len(total)).numpy()
    return counts


def encode(network: nn.Module, pictures: NDArray[np.uint8]) -> object:
    """What the network encodes pictures uint8 [P, H, W, 3] to."""
    image = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(255)
    with torch.no_grad():
        return network.encode(image)
