# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of which only the first layers arrived: an embedded code of the paper's scales.

The layers are the scales, coarse first; those of the finest grid in four, each a position of its
2x2 cells in the order in which they are chosen, and the second stage of a scale after it. What is
missing is its prior: the mean of the codewords by frequency, as a receiver has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.conditional import PASSES
from ..networks.encoded import stride
from ..networks.quantiser import EmbeddingSpace


@dataclass(frozen=True)
class Layer:
    """What arrives together.

    scale: its place among the scales that are sent, 0 for the finest; position: of the scale's 2x2
    cells, row by row, or None for the whole scale.
    """

    scale: int
    position: int | None = None


def layers_of(scales: Sequence[int]) -> list[Layer]:
    """Layers of a network that sends these scales, fine to coarse, in the order of sending."""
    layers = []
    for place in reversed(range(len(scales))):
        if stride(scales[place]) == stride(scales[0]):
            layers += [Layer(place, position) for position in PASSES]
        else:
            layers.append(Layer(place))
    return layers


def arrived_positions(layers: Sequence[Layer], scale: int, shape: tuple[int, int]) -> Tensor:
    """Mask bool [h, w] of the positions of a scale in layers that arrived.

    scale: its place, as in `Layer`; shape: (h, w) of its grid.
    """
    mask = torch.zeros(shape, dtype=torch.bool)
    for layer in layers:
        if layer.scale != scale:
            continue
        if layer.position is None:
            mask[:] = True
        else:
            mask[layer.position // 2 :: 2, layer.position % 2 :: 2] = True
    return mask


def prior_codeword(space: EmbeddingSpace) -> Tensor:
    """Mean of the codewords [K] by how often they are used."""
    prior = space.counts / space.counts.sum()
    return prior @ space.embedding.detach()


def prefix_codewords(
    spaces: Sequence[EmbeddingSpace],
    codewords: Sequence[Tensor],
    layers: Sequence[Layer],
    counts: Sequence[int],
) -> list[Tensor]:
    """Codewords of images of which the first layers arrived.

    codewords: [B, K, h, w] of each scale that is sent, fine to coarse; layers: of `layers_of`;
    counts: how many of them arrived, for each image. The result is like the codewords, with the
    gradient of what arrived.
    """
    received = []
    for scale, (space, sent) in enumerate(zip(spaces, codewords, strict=True)):
        shape = (sent.shape[2], sent.shape[3])
        masks = [arrived_positions(layers[:count], scale, shape) for count in counts]
        mask = torch.stack(masks)[:, None].to(sent.device)
        missing = prior_codeword(space)[None, :, None, None].to(sent.dtype)
        received.append(torch.where(mask, sent, missing))
    return received
