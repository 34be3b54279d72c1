# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of which only the first layers arrived: an embedded code of the paper's scales.

The layers are the scales, coarse first; the finest one in four, each a position of its 2x2 cells in
the order in which they are chosen. What is missing is its prior: the mean of the codewords by
frequency, as a receiver has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..networks.conditional import PASSES
from ..networks.quantiser import EmbeddingSpace


def layer_count(scales: int) -> int:
    """Layers of a network that sends so many scales."""
    return scales - 1 + len(PASSES)


def arrived_positions(scale: int, scales: int, layers: int, shape: tuple[int, int]) -> Tensor:
    """Mask bool [h, w] of the positions of a scale in the first `layers` layers.

    scale: 0 for the finest of the scales that are sent; shape: (h, w) of its grid.
    """
    if scale:
        return torch.full(shape, layers >= scales - scale)
    mask = torch.zeros(shape, dtype=torch.bool)
    for position in PASSES[: max(0, layers - (scales - 1))]:
        mask[position // 2 :: 2, position % 2 :: 2] = True
    return mask


def prior_codeword(space: EmbeddingSpace) -> Tensor:
    """Mean of the codewords [K] by how often they are used."""
    prior = space.counts / space.counts.sum()
    return prior @ space.embedding.detach()


def prefix_codewords(
    spaces: Sequence[EmbeddingSpace], codewords: Sequence[Tensor], generator: torch.Generator
) -> list[Tensor]:
    """Codewords of images of which a random number of layers arrived, from one to all but one.

    codewords: [B, K, h, w] of each scale that is sent, fine to coarse; the result is like it, with
    the gradient of what arrived.
    """
    scales, batch = len(spaces), len(codewords[0])
    layers = torch.randint(1, layer_count(scales), (batch,), generator=generator).tolist()
    received = []
    for scale, (space, sent) in enumerate(zip(spaces, codewords, strict=True)):
        shape = (sent.shape[2], sent.shape[3])
        masks = [arrived_positions(scale, scales, count, shape) for count in layers]
        mask = torch.stack(masks)[:, None].to(sent.device)
        missing = prior_codeword(space)[None, :, None, None].to(sent.dtype)
        received.append(torch.where(mask, sent, missing))
    return received
