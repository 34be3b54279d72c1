# SPDX-License-Identifier: GPL-3.0-or-later
"""The PatchGAN discriminator and both sides of eq. 7."""

import math

import pytest
import torch
from torch import nn

from vqdeepsc_training.networks.discriminator import PatchDiscriminator
from vqdeepsc_training.objectives.adversarial import discriminator_loss, generator_loss


def test_layers_are_the_papers():
    """Convolution and activation, three times with normalisation between, and one as output."""
    discriminator = PatchDiscriminator()
    assert [type(layer) for layer in discriminator.layers] == [
        nn.Conv2d,
        nn.LeakyReLU,
        *[nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU] * 3,
        nn.Conv2d,
    ]
    convolutions = [layer for layer in discriminator.layers if isinstance(layer, nn.Conv2d)]
    assert [layer.kernel_size for layer in convolutions] == [(4, 4)] * 5
    assert [layer.stride for layer in convolutions] == [(2, 2)] * 3 + [(1, 1)] * 2
    kernels = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512 * 1)
    others = 64 + 2 * (128 + 256 + 512) + 1
    assert sum(p.numel() for p in discriminator.parameters()) == kernels + others
    with torch.device("meta"):
        assert PatchDiscriminator()(torch.empty(2, 3, 128, 128)).shape == (2, 1, 14, 14)
        assert PatchDiscriminator()(torch.empty(1, 3, 24, 32)).shape == (1, 1, 1, 2)


def test_one_logit_judges_70_by_70_pixels():
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(8).eval()
    image = torch.rand(1, 3, 128, 128, requires_grad=True)
    (seen,) = torch.autograd.grad(discriminator(image)[0, 0, 7, 7], image)
    rows, columns = torch.nonzero(seen.abs().sum((0, 1)), as_tuple=True)
    assert rows.max() - rows.min() + 1 == 70
    assert columns.max() - columns.min() + 1 == 70


def test_losses_are_those_of_equation_7():
    real, decoded = torch.tensor([0.9, 0.6]), torch.tensor([0.2, 0.7])
    by_hand = (
        -sum(math.log(p) for p in (0.9, 0.6)) / 2 - sum(math.log(1 - p) for p in (0.2, 0.7)) / 2
    )
    assert discriminator_loss(real.logit(), decoded.logit()).item() == pytest.approx(by_hand)
    by_generator = -(math.log(0.2) + math.log(0.7)) / 2
    assert generator_loss(decoded.logit()).item() == pytest.approx(by_generator)


def test_generator_still_learns_from_a_sure_discriminator():
    logits = torch.tensor([-12.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(generator_loss(logits), logits)
    assert gradient.item() == pytest.approx(-1.0, abs=1e-4)
