# SPDX-License-Identifier: GPL-3.0-or-later
"""Training for every rate: some images are decoded a second time, from their first layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base.errors import ConfigurationError
from ..base.precision import Arithmetic
from ..objectives.losses import LossWeights, reconstruction_loss
from ..objectives.prefixes import layers_of, prefix_codewords
from .configuration import Configuration, Prefixes
from .parts import Part, Step, Terms


class PrefixDecoding(Part):
    """Loss of images of which the first layers alone arrived; encoder and decoder learn from it.

    Raises ConfigurationError unless there is a share for each number of layers.
    """

    def __init__(
        self, configuration: Configuration, network: nn.Module, arithmetic: Arithmetic
    ) -> None:
        self.settings: Prefixes = configuration.prefixes
        self.weights: LossWeights = configuration.loss
        self.network = network
        self.arithmetic = arithmetic
        self.layers = layers_of(network.scales)
        numbers = len(self.layers) - 1
        self.shares = torch.tensor(self.settings.shares or [1.0] * numbers)
        if len(self.shares) != numbers or not self.shares.sum() > 0:
            raise ConfigurationError(
                f"prefixes.shares must be {numbers} numbers and not all 0, one for each number of "
                "layers from 1 on"
            )

    def drawn_counts(self, generator: torch.Generator) -> list[int]:
        """How many layers arrive of each image, from one to all but one, by their shares."""
        drawn = torch.multinomial(
            self.shares, self.settings.images, replacement=True, generator=generator
        )
        return [int(number) + 1 for number in drawn]

    def loss(self, step: Step) -> tuple[Tensor, Terms] | None:
        if not step.quantised:
            return None
        count = self.settings.images
        codewords = prefix_codewords(
            self.network.spaces,
            [sent[:count] for sent in step.encoded.codewords],
            self.layers,
            self.drawn_counts(step.generator),
        )
        with self.arithmetic.autocast():
            decoded = self.network.decode(*codewords)
        loss, _ = reconstruction_loss(decoded.float(), step.image[:count], self.weights)
        weight = self.settings.weight * count / len(step.image)
        return weight * loss, {"prefixes": loss.detach()}
