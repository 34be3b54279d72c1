# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in 8 and 16 bits, as bundles store them.

Large kernels have 8 bits a weight and a scale for each slice of their first dimension.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

EIGHT_BIT_WEIGHTS = 50_000
"""Weights from which on a kernel is stored in 8 bits: smaller ones save little and cost more."""
STEPS = 127
SCALE_BITS = 11


def quantised(kernel: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """8-bit weights and their scale, which broadcasts: kernel is about weights * scale.

    A kernel made of them gives the same weights and scales again, bit for bit.
    """
    peaks = np.abs(kernel).reshape(len(kernel), -1).max(1)
    fraction, exponent = np.frexp(np.where(peaks, peaks, STEPS) / STEPS)
    # So few bits that a product with up to 127 is exact.
    fraction = np.ceil(fraction * 2**SCALE_BITS) / 2**SCALE_BITS
    scale = np.ldexp(fraction, exponent).astype(np.float32)
    scale = scale.reshape(-1, *[1] * (kernel.ndim - 1))
    return np.round(kernel / scale).astype(np.int8), scale


@torch.no_grad()
def round_weights(network: nn.Module) -> None:
    """Round the kernels and biases of all convolutions to what the graphs store."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            for parameter in module.parameters():
                if parameter.numel() < EIGHT_BIT_WEIGHTS:
                    parameter.copy_(parameter.half().float())
                else:
                    weights, scale = quantised(parameter.numpy())
                    parameter.copy_(torch.from_numpy(weights * scale))


@torch.no_grad()
def packed_state(state: dict[str, Tensor]) -> dict[str, Tensor | tuple[Tensor, Tensor]]:
    """A network's state with its large kernels as 8-bit weights and their scale, on the CPU."""
    packed: dict[str, Tensor | tuple[Tensor, Tensor]] = {}
    for name, value in state.items():
        # A copy: saving a view would save all that it is a view of.
        own = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        if own.ndim == 4 and own.numel() >= EIGHT_BIT_WEIGHTS:
            weights, scale = quantised(own.float().numpy())
            packed[name] = torch.from_numpy(weights), torch.from_numpy(scale)
        else:
            packed[name] = own
    return packed


def unpacked_state(packed: dict[str, Tensor | tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """The state that `packed_state` was given, with the large kernels rounded."""
    return {
        name: value if isinstance(value, Tensor) else value[0] * value[1]
        for name, value in packed.items()
    }
