# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sides of eq. 7."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus


def discriminator_loss(real: Tensor, decoded: Tensor) -> Tensor:
    """-L_GAN of eq. 7 as binary cross-entropy of logits: -ln D(I) - ln(1 - D(I^)), mean."""
    return softplus(-real.float()).mean() + softplus(decoded.float()).mean()


def generator_loss(decoded: Tensor) -> Tensor:
    """-ln D(I^), mean: what the networks minimise instead of eq. 7's ln(1 - D(I^)).

    Both pull the same way, but this one does not vanish while the discriminator is sure.
    """
    return softplus(-decoded.float()).mean()
