# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of which the first layers arrived."""

import pytest
import torch
from conftest import SMALL_CONDITIONAL, SMALL_CONDITIONAL_3, SMALL_PROGRESSIVE

from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.networks.encoded import stride
from vqdeepsc_training.objectives.prefixes import (
    arrived_positions,
    layers_of,
    prefix_codewords,
    prior_codeword,
)


@pytest.mark.parametrize("scales", [[2, 3, 4], [1, 2, 3, 4], [0, 1, 2, 3, 4]])
def test_each_layer_brings_its_positions_and_loses_none(scales):
    sides = [64 // stride(scale) for scale in scales]
    layers = layers_of(scales)
    before = [torch.zeros(side, side, dtype=torch.bool) for side in sides]
    news = []
    for count in range(1, len(layers) + 1):
        now = [
            arrived_positions(layers[:count], place, (side, side))
            for place, side in enumerate(sides)
        ]
        assert all((new | ~old).all() for new, old in zip(now, before, strict=True))
        news.append([int(new.sum() - old.sum()) for new, old in zip(now, before, strict=True)])
        before = now
    assert all(mask.all() for mask in before)
    expected = []
    for place in reversed(range(len(scales))):
        whole = [0] * len(scales)
        whole[place] = sides[place] ** 2
        in_passes = stride(scales[place]) == stride(scales[0])
        expected += [[number // 4 for number in whole]] * 4 if in_passes else [whole]
    assert news == expected


@pytest.mark.parametrize("settings", [SMALL_CONDITIONAL, SMALL_CONDITIONAL_3, SMALL_PROGRESSIVE])
def test_what_is_missing_is_the_prior_and_has_no_gradient(settings):
    torch.manual_seed(3)
    network = build_network(settings)
    for space in network.spaces:
        space.counts.copy_(torch.rand(space.codewords) + 0.1)
    layers = layers_of(network.scales)
    counts = list(range(1, len(layers)))
    encoded = network.encode(torch.rand(len(counts), 3, 32, 32))
    sent = [codewords.detach().requires_grad_() for codewords in encoded.codewords]
    received = prefix_codewords(network.spaces, sent, layers, counts)
    sum(values.sum() for values in received).backward()
    for image, count in enumerate(counts):
        for place, (space, codewords, values) in enumerate(
            zip(network.spaces, sent, received, strict=True)
        ):
            here = codewords.grad[image].bool()
            assert torch.equal(values[image][here], codewords[image][here])
            missing = prior_codeword(space)[:, None, None].expand_as(here)
            assert torch.equal(values[image][~here], missing[~here])
            arrived = arrived_positions(layers[:count], place, tuple(here.shape[1:]))
            assert torch.equal(here[0], arrived)
