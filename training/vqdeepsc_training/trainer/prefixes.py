# SPDX-License-Identifier: GPL-3.0-or-later
"""Training for every rate: some images are decoded a second time, from their first layers."""

from __future__ import annotations

from torch import Tensor, nn

from ..base.precision import Arithmetic
from ..objectives.losses import LossWeights, reconstruction_loss
from ..objectives.prefixes import prefix_codewords
from .configuration import Configuration, Prefixes
from .parts import Part, Step, Terms


class PrefixDecoding(Part):
    """Loss of images of which the first layers alone arrived; encoder and decoder learn from it."""

    def __init__(
        self, configuration: Configuration, network: nn.Module, arithmetic: Arithmetic
    ) -> None:
        self.settings: Prefixes = configuration.prefixes
        self.weights: LossWeights = configuration.loss
        self.network = network
        self.arithmetic = arithmetic

    def loss(self, step: Step) -> tuple[Tensor, Terms] | None:
        if not step.quantised:
            return None
        count = self.settings.images
        codewords = prefix_codewords(
            self.network.spaces, [sent[:count] for sent in step.encoded.codewords], step.generator
        )
        with self.arithmetic.autocast():
            decoded = self.network.decode(*codewords)
        loss, _ = reconstruction_loss(decoded.float(), step.image[:count], self.weights)
        weight = self.settings.weight * count / len(step.image)
        return weight * loss, {"prefixes": loss.detach()}
