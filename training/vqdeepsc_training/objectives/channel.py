# SPDX-License-Identifier: GPL-3.0-or-later
"""Codewords as a receiver sees them: mean codewords under the soft bits of a recorded link."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..base.errors import ConfigurationError
from ..data.recording import LLR_STEP, Recording
from ..networks.conditional import PASSES
from ..networks.encoded import embedded, stride
from ..networks.quantiser import EmbeddingSpace

MISSING_SHARE = 0.25
MINIMUM_PRIOR = 1e-9  # as the codec's: a codeword that never occurred can still be sent


def check_recording(recording: Recording | None, network: nn.Module, crop: int) -> None:
    """Raise ConfigurationError unless the recording's transmissions carry the bits of one crop."""
    payload = sum(
        space.bits * (crop // stride(scale)) ** 2
        for space, scale in zip(network.spaces, network.scales, strict=True)
    )
    if recording is None:
        raise ConfigurationError(
            "The configuration decodes images after a bad channel, so --recording "
            f"is needed, of transmissions of {payload} bits, as record_link writes "
            "it."
        )
    if recording.payload_bits != payload:
        raise ConfigurationError(
            f"The recording of the link has {recording.payload_bits} bits a "
            f"transmission, but a crop of {crop} pixels takes {payload}."
        )


def index_bits(indices: Tensor, bits: int) -> Tensor:
    """Bits int64 [..., bits] of indices [...], MSB first."""
    return (indices[..., None] >> torch.arange(bits - 1, -1, -1, device=indices.device)) & 1


def sending_order(height: int, width: int, in_passes: bool) -> Tensor:
    """Positions int64 [height * width] of a grid, by row, in the order in which they are sent."""
    grid = torch.arange(height * width).view(height, width)
    if not in_passes:
        return grid.flatten()
    return torch.cat([grid[cell // 2 :: 2, cell % 2 :: 2].flatten() for cell in PASSES])


def soft_bits(
    scales: Sequence[int], spaces: Sequence[EmbeddingSpace], indices: list[Tensor], steps: Tensor
) -> list[Tensor]:
    """LLRs [B, H, W, bits] = ln P(1)/P(0) of the indices [B, H, W] of each scale, fine to coarse.

    scales: their numbers; steps: int8 [B, payload bits] of a recording, in the order in which the
    bits of a region are sent: coarse scale first, raster order or passes, MSB first.
    """
    llrs: list[Tensor] = []
    start = 0
    for scale, space, found in zip(
        reversed(scales), reversed(spaces), reversed(indices), strict=True
    ):
        signs = 2.0 * index_bits(found, space.bits) - 1.0
        batch, height, width, bits = signs.shape
        end = start + signs[0].numel()
        in_passes = embedded(scales) and stride(scale) == stride(scales[0])
        order = sending_order(height, width, in_passes).to(signs.device)
        sent = torch.zeros(batch, height * width, bits, device=signs.device)
        sent[:, order] = LLR_STEP * steps[:, start:end].view(batch, -1, bits)
        llrs.insert(0, sent.view_as(signs) * signs)
        start = end
    return llrs


def mean_codewords(llrs: Tensor, space: EmbeddingSpace) -> Tensor:
    """Mean codewords [B, K, H, W] = P E for LLRs [B, H, W, bits].

    P(n) is proportional to the frequency of codeword n times the product of its bits'
    probabilities.
    """
    indices = torch.arange(space.codewords, device=llrs.device)
    ones = index_bits(indices, llrs.shape[-1]).float()
    prior = (space.counts / space.counts.sum()).clamp_min(MINIMUM_PRIOR).log()
    posterior = torch.softmax(llrs @ ones.t() + prior, dim=-1)
    return (posterior @ space.embedding.detach()).permute(0, 3, 1, 2)


def missing_part(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Mask bool [H, W] that is False in a random rectangle."""
    height, width = (int(torch.randint(1, side + 1, (), generator=generator)) for side in shape)
    top = int(torch.randint(0, shape[0] - height + 1, (), generator=generator))
    left = int(torch.randint(0, shape[1] - width + 1, (), generator=generator))
    present = torch.ones(shape, dtype=torch.bool)
    present[top : top + height, left : left + width] = False
    return present


def received_codewords(
    scales: Sequence[int],
    spaces: Sequence[EmbeddingSpace],
    indices: list[Tensor],
    recording: Recording,
    generator: torch.Generator,
) -> list[Tensor]:
    """Codewords [B, K, H/2^l, W/2^l] of every scale after a bad channel, fine to coarse.

    indices: int64 [B, H/2^l, W/2^l]. Each image crosses a channel as one recorded transmission
    did; of some images a rectangle is missing altogether (LLR 0), as a lost region is.
    """
    batch, *coarse = indices[-1].shape
    device = indices[-1].device
    chosen = torch.randint(len(recording), (batch,), generator=generator)
    steps = torch.from_numpy(recording.steps[chosen.numpy()]).to(device)
    present = torch.ones(batch, *coarse, dtype=torch.bool)
    for image in range(batch):
        if torch.rand((), generator=generator) < MISSING_SHARE:
            present[image] = missing_part(tuple(coarse), generator)
    present = present.to(device)
    codewords = []
    for space, llrs in zip(spaces, soft_bits(scales, spaces, indices, steps), strict=True):
        factor = llrs.shape[1] // coarse[0]
        mask = present.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
        codewords.append(mean_codewords(llrs * mask[..., None], space))
    return codewords
