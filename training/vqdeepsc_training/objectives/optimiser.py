# SPDX-License-Identifier: GPL-3.0-or-later
"""Muon (Jordan 2024) for the kernels of convolutions, AdamW for everything else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from ..base.errors import ConfigurationError
from ..base.schema import Table, entry


def orthogonalise(matrices: Tensor, rounds: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrices of [G, R, C], by a quintic Newton-Schulz iteration.

    The singular values end between about 0.7 and 1.2, which is as good as 1 for an optimiser.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    # Each round multiplies x by a polynomial of its Gram matrix, so the small Gram matrices are
    # iterated and x is multiplied once, at the end. In bfloat16 or TF32 that diverges: the
    # rounding of what is nearly singular grows a thousandfold.
    gram = x @ x.transpose(1, 2)
    identity = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    product = identity.expand_as(gram)
    for _ in range(rounds):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c) + a * identity
        product = factor @ product
        gram = factor @ gram @ factor
    x = product @ x
    return x.transpose(1, 2) if tall else x


class Muon(Optimizer):
    """Momentum whose update is orthogonalised, scaled to the size of an Adam step (Liu 2025)."""

    def __init__(
        self,
        params: list[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            shapes: dict[tuple, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    # Kernels of one shape go through the iteration together.
                    shapes.setdefault(tuple(parameter.shape), []).append(parameter)
            for shape, parameters in shapes.items():
                self._step_shape(group, shape, parameters)

    def _step_shape(self, group: dict, shape: tuple, parameters: list[nn.Parameter]) -> None:
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        momenta = [self.state[parameter]["momentum"] for parameter in parameters]
        gradients = [parameter.grad for parameter in parameters]
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        updates = torch.stack(torch._foreach_lerp(gradients, momenta, group["momentum"]))
        updates = orthogonalise(updates.flatten(2)).reshape(updates.shape)
        scale = 0.2 * max(shape[0], updates[0, 0].numel()) ** 0.5
        if group["weight_decay"]:
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(parameters, list(updates), alpha=-group["lr"] * scale)


@dataclass(frozen=True)
class OptimiserSettings(Table):
    """An optimiser and its learning rate during a run.

    betas, weight_decay: as in PyTorch; warmup_steps: in which the rate rises; schedule: `cosine`
    down to `final_rate` of the learning rate, or `constant`; clip: largest norm of the gradient
    (0: any).
    """

    name: Literal["muon", "adamw", "adam"]
    learning_rate: float = entry(low=0)
    betas: tuple[float, ...] = entry((0.9, 0.99), low=0, high=1)
    weight_decay: float = entry(0.0, low=0)
    warmup_steps: int = entry(1, low=1)
    schedule: Literal["cosine", "constant"] = "cosine"
    final_rate: float = entry(0.01, low=0, high=1)
    clip: float = entry(0.0, low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.betas) != 2:
            raise ConfigurationError("betas of the optimiser must be two numbers")

    def factor(self, step: int, progress: float) -> float:
        """Factor of the learning rate: linear warm-up, then half a cosine to `final_rate`.

        progress: share of the run that is done.
        """
        warm_up = min(1.0, (step + 1) / self.warmup_steps)
        if self.schedule == "constant":
            return warm_up
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        return warm_up * (self.final_rate + (1 - self.final_rate) * cosine)


def configure_optimisers(network: nn.Module, settings: OptimiserSettings) -> list[Optimizer]:
    """Optimisers for a network; with Muon there are two."""
    rate, betas, decay = settings.learning_rate, settings.betas, settings.weight_decay
    parameters = [p for p in network.parameters() if p.requires_grad]
    if settings.name == "adam":
        return [torch.optim.Adam(parameters, lr=rate, betas=betas)]
    if settings.name == "adamw":
        return [AdamW(parameters, lr=rate, betas=betas, weight_decay=decay)]
    kernels = [p for p in parameters if p.ndim == 4 and p[0].numel() >= 256]
    chosen = {id(p) for p in kernels}
    others = [p for p in parameters if id(p) not in chosen]
    return [
        Muon(kernels, lr=rate, weight_decay=decay),
        AdamW(others, lr=rate, betas=betas, weight_decay=0.0),
    ]
