# SPDX-License-Identifier: GPL-3.0-or-later
"""What an encoder hands to the decoder and to the loss."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Encoded:
    """Lists are by scale that is sent, fine to coarse; the losses are sums over the scales.

    features and codewords: [B, K, H/2^l, W/2^l]; labels: int64 [B, H/2^l, W/2^l].
    """

    features: list[Tensor]
    codewords: list[Tensor]
    labels: list[Tensor]
    embedding_loss: Tensor
    commitment_loss: Tensor
