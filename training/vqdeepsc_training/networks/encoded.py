# SPDX-License-Identifier: GPL-3.0-or-later
"""What an encoder hands to the decoder and to the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


def stride(scale: int) -> int:
    """Pixels between two positions of a scale; scale 0 is the second stage of scale 1."""
    return 2 ** max(scale, 1)


def embedded(scales: Sequence[int]) -> bool:
    """Whether the bits of these scales are an embedded code: the finest grid goes in passes."""
    return 0 in scales


@dataclass
class Quantised:
    """One scale, or some of its positions.

    features and codewords: [B, K, h, w], the codewords with the gradient of the features;
    indices: int64 [B, h, w]; the losses of eq. 8: means over positions and dimension.
    """

    features: Tensor
    codewords: Tensor
    indices: Tensor
    embedding_loss: Tensor
    commitment_loss: Tensor


@dataclass
class Encoded:
    """Lists are by scale that is sent, fine to coarse; the losses are sums over the scales.

    features and codewords: [B, K, H/s, W/s]; indices: int64 [B, H/s, W/s]; s: the scale's stride.
    """

    features: list[Tensor]
    codewords: list[Tensor]
    indices: list[Tensor]
    embedding_loss: Tensor
    commitment_loss: Tensor

    @classmethod
    def of(cls, scales: list[Quantised]) -> Encoded:
        """What was encoded, from every scale, fine to coarse."""
        return cls(
            [scale.features for scale in scales],
            [scale.codewords for scale in scales],
            [scale.indices for scale in scales],
            sum(scale.embedding_loss for scale in scales),
            sum(scale.commitment_loss for scale in scales),
        )
