# SPDX-License-Identifier: GPL-3.0-or-later
"""Training for the channel: some images are decoded a second time, after a bad one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base.precision import Arithmetic
from ..data.recording import Recording
from ..objectives.assignment import assign, one_bit_costs
from ..objectives.channel import check_recording, received_codewords
from ..objectives.losses import LossWeights, reconstruction_loss
from .configuration import Configuration, Noise
from .parts import Part, Step, Terms

ASSIGNMENT_STEPS = 200


@torch.no_grad()
def assign_indices(network: nn.Module, average: nn.Module) -> list[Tensor]:
    """Order the codewords of both networks alike, so that indices one bit apart are near.

    Returns the order [N] of each scale: index n now stands for what order[n] stood for.
    """
    orders = []
    for space, averaged in zip(network.spaces, average.spaces, strict=True):
        prior = (space.counts / space.counts.sum()).cpu().numpy()
        costs = one_bit_costs(space.embedding.cpu().numpy(), prior)
        order = torch.from_numpy(assign(costs)).to(space.embedding.device)
        space.reorder(order)
        averaged.reorder(order)
        orders.append(order)
    return orders


class NoiseTuning(Part):
    """Loss of the images that crossed a bad channel, from which the decoder alone learns.

    average: the network of averaged weights; fixed: whether encoder and codebooks stay as they
    are, so that the assignment of the indices does too.
    Raises DataError for a recording that does not fit the configuration.
    """

    def __init__(
        self,
        configuration: Configuration,
        network: nn.Module,
        average: nn.Module,
        recording: Recording | None,
        arithmetic: Arithmetic,
    ) -> None:
        check_recording(recording, network, configuration.crop)
        self.settings: Noise = configuration.noise
        self.weights: LossWeights = configuration.loss
        self.network = network
        self.average = average
        self.recording = recording
        self.arithmetic = arithmetic
        self.fixed = configuration.decoder_only

    def loss(self, step: Step) -> tuple[Tensor, Terms] | None:
        if not step.quantised or step.progress < self.settings.start:
            return None
        count = self.settings.images
        indices = step.encoded.indices
        if not self.fixed and step.number % ASSIGNMENT_STEPS == 0:
            orders = assign_indices(self.network, self.average)
            # Who moves the codewords after this step has to know their new indices.
            indices[:] = [
                order.argsort()[found] for order, found in zip(orders, indices, strict=True)
            ]
        codewords = received_codewords(
            self.network.scales,
            self.network.spaces,
            [found[:count] for found in indices],
            self.recording,
            step.generator,
        )
        with self.arithmetic.autocast():
            decoded = self.network.decode(*codewords)
        loss, _ = reconstruction_loss(decoded.float(), step.image[:count], self.weights)
        weight = self.settings.weight * count / len(step.image)
        return weight * loss, {"noisy": loss.detach()}
