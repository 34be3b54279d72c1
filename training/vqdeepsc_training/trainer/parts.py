# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the loss: what each sees of a training step, and what it adds to the loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.encoded import Encoded
from ..objectives.losses import LossWeights, reconstruction_loss
from .configuration import Configuration

Terms = dict[str, Tensor]
"""Terms of the loss by name, for those who watch; they stay on the device until one is read."""


@dataclass(frozen=True)
class Step:
    """A training step after the forward pass.

    number: of the steps before; progress: share of the run that is done; image, decoded:
    [B, 3, H, W]; encoded: what the decoder got; quantised: whether that were codewords;
    generator: source of all that is random in this step, on the CPU.
    """

    number: int
    progress: float
    image: Tensor
    decoded: Tensor
    encoded: Encoded
    quantised: bool
    generator: torch.Generator


class Part:
    """A part of the loss."""

    def loss(self, step: Step) -> tuple[Tensor, Terms] | None:
        """What is added to the loss, and its terms; None for nothing in this step."""
        raise NotImplementedError

    def state(self) -> dict[str, object]:
        """Entries of a checkpoint that going on needs."""
        return {}

    def start(self, state: dict) -> None:
        """Begin a new run with what a checkpoint of another run has and fits."""

    def restore(self, state: dict) -> None:
        """Take them from a checkpoint; raises as `load_state_dict` and for a missing entry."""


class Reconstruction(Part):
    """Distance of the decoded images to the originals."""

    def __init__(self, weights: LossWeights) -> None:
        self.weights = weights

    def loss(self, step: Step) -> tuple[Tensor, Terms]:
        return reconstruction_loss(step.decoded.float(), step.image, self.weights)


class Quantisation(Part):
    """Embedding and commitment loss of eq. 8, once features are quantised."""

    def __init__(self, configuration: Configuration) -> None:
        self.commitment = configuration.commitment
        self.weight = configuration.quantiser_weight
        self.embedding_gradient = configuration.embedding_gradient

    def loss(self, step: Step) -> tuple[Tensor, Terms] | None:
        if not step.quantised:
            return None
        loss = self.commitment * step.encoded.commitment_loss
        if self.embedding_gradient:
            loss = loss + step.encoded.embedding_loss
        return self.weight * loss, {"embedding": step.encoded.embedding_loss.detach()}
