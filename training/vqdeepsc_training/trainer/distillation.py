# SPDX-License-Identifier: GPL-3.0-or-later
"""Distillation: decoded images are compared with those of a wider network too."""

from __future__ import annotations

import torch
from torch import Tensor

from ..base.precision import Arithmetic
from ..base.repository import ROOT
from .checkpoint import averaged_network, read_checkpoint
from .configuration import Distillation
from .parts import Part, Step, Terms


class Teacher(Part):
    """Mean absolute distance to what the teacher makes of the same images.

    Raises DataError if the teacher's weights cannot be read.
    """

    def __init__(self, settings: Distillation, arithmetic: Arithmetic) -> None:
        self.weight = settings.weight
        self.arithmetic = arithmetic
        weights = read_checkpoint(ROOT / "training" / settings.weights)
        self.network = averaged_network(weights).to(
            arithmetic.device, memory_format=torch.channels_last
        )

    def loss(self, step: Step) -> tuple[Tensor, Terms]:
        with torch.no_grad(), self.arithmetic.autocast():
            wanted, _ = self.network(step.image)
        distance = (step.decoded.float() - wanted.float()).abs().mean()
        return self.weight * distance, {"distillation": distance.detach()}
