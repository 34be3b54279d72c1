# SPDX-License-Identifier: GPL-3.0-or-later
"""Adversarial training (eq. 7 and 9): a discriminator that learns beside the networks."""

from __future__ import annotations

import torch
from torch import Tensor

from ..base import distributed
from ..base.precision import Arithmetic
from ..networks.build import running_statistics
from ..networks.discriminator import PatchDiscriminator
from ..objectives.adversarial import discriminator_loss, generator_loss
from ..objectives.optimiser import configure_optimisers
from .configuration import Adversarial
from .parts import Part, Step, Terms


class AdversarialTraining(Part):
    """One step of the discriminator, then the networks' part of eq. 9 against it."""

    def __init__(self, settings: Adversarial, arithmetic: Arithmetic) -> None:
        self.arithmetic = arithmetic
        self.discriminator = PatchDiscriminator(settings.channels).to(
            arithmetic.device, memory_format=torch.channels_last
        )
        (self.optimiser,) = configure_optimisers(self.discriminator, settings.optimiser)

    def loss(self, step: Step) -> tuple[Tensor, Terms]:
        discriminator = self.discriminator
        with self.arithmetic.autocast():
            own = discriminator_loss(
                discriminator(step.image), discriminator(step.decoded.detach())
            )
        self.optimiser.zero_grad(set_to_none=True)
        own.backward()
        distributed.average([p.grad for p in discriminator.parameters()])
        self.optimiser.step()
        discriminator.requires_grad_(False)
        with self.arithmetic.autocast():
            loss = generator_loss(discriminator(step.decoded))
        discriminator.requires_grad_(True)
        distributed.average(running_statistics(discriminator))
        return loss, {"generator": loss.detach(), "discriminator": own.detach()}

    def state(self) -> dict[str, object]:
        return {
            "discriminator": self.discriminator.state_dict(),
            "discriminator_optimiser": self.optimiser.state_dict(),
        }

    def start(self, state: dict) -> None:
        given, own = state.get("discriminator", {}), self.discriminator.state_dict()
        if {k: v.shape for k, v in given.items()} == {k: v.shape for k, v in own.items()}:
            self.discriminator.load_state_dict(given)

    def restore(self, state: dict) -> None:
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimiser.load_state_dict(state["discriminator_optimiser"])
