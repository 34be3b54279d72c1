# SPDX-License-Identifier: GPL-3.0-or-later
"""Codewords as a receiver sees them: mean codewords under soft bits of a bad channel."""

from __future__ import annotations

import torch
from torch import Tensor

from .quantiser import EmbeddingSpace

# Square roots of a quarter of the LLR variance: bit error rates of 0.38 down to 0.014.
WORST_QUALITY = 0.3
BEST_QUALITY = 2.2
MISSING_SHARE = 0.25


def soft_bits(labels: Tensor, bits: int, quality: Tensor, generator: torch.Generator) -> Tensor:
    """LLRs [B, H, W, bits] = ln P(1)/P(0) of labels [B, H, W], MSB first.

    Consistent Gaussian LLRs, mean m = 2 quality^2 towards the true bit and variance 2 m, as BPSK
    with noise gives; their bit error rate is Q(quality). quality: [B].
    """
    shifts = torch.arange(bits - 1, -1, -1)
    signs = ((labels[..., None] >> shifts) & 1) * 2.0 - 1.0
    mean = 2.0 * quality.view(-1, 1, 1, 1) ** 2
    noise = torch.randn(signs.shape, generator=generator)
    return mean * signs + (2.0 * mean).sqrt() * noise


def mean_codewords(llrs: Tensor, space: EmbeddingSpace) -> Tensor:
    """Mean codewords [B, K, H, W] = P E for LLRs [B, H, W, bits].

    P(n) is proportional to the frequency of codeword n times the product of its bits'
    probabilities.
    """
    bits = llrs.shape[-1]
    labels = torch.arange(space.codewords)[:, None]
    ones = ((labels >> torch.arange(bits - 1, -1, -1)) & 1).float()
    prior = (space.counts / space.counts.sum()).clamp_min(1e-9).log()
    posterior = torch.softmax(llrs @ ones.t() + prior, dim=-1)
    return (posterior @ space.embedding.detach()).permute(0, 3, 1, 2)


def received_codewords(
    spaces: list[EmbeddingSpace], labels: list[Tensor], generator: torch.Generator
) -> list[Tensor]:
    """Codewords [B, K, H/2^l, W/2^l] of every scale after a bad channel.

    The channel's quality is drawn for each picture; of some pictures a rectangle is missing
    altogether (LLR 0), as a lost region is.
    """
    batch = labels[0].shape[0]
    spread = BEST_QUALITY - WORST_QUALITY
    quality = WORST_QUALITY + spread * torch.rand(batch, generator=generator)
    coarse = labels[-1].shape[1:]
    present = torch.ones(batch, *coarse, dtype=torch.bool)
    for picture in range(batch):
        if torch.rand((), generator=generator) < MISSING_SHARE:
            height, width = (int(torch.randint(1, side + 1, (), generator=generator))
                             for side in coarse)
            top = int(torch.randint(0, coarse[0] - height + 1, (), generator=generator))
            left = int(torch.randint(0, coarse[1] - width + 1, (), generator=generator))
            present[picture, top : top + height, left : left + width] = False
    codewords = []
    for space, found in zip(spaces, labels, strict=True):
        llrs = soft_bits(found, space.bits, quality, generator)
        factor = found.shape[1] // coarse[0]
        mask = present.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
        codewords.append(mean_codewords(llrs * mask[..., None], space))
    return codewords
