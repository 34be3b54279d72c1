# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of which the first layers arrived."""

import pytest
import torch
from conftest import SMALL_CONDITIONAL, SMALL_CONDITIONAL_3

from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.objectives.prefixes import (
    arrived_positions,
    layer_count,
    prefix_codewords,
    prior_codeword,
)


@pytest.mark.parametrize("scales", [3, 4])
def test_each_layer_brings_its_positions_and_loses_none(scales):
    sides = [2 ** (5 - scale) for scale in range(scales)]
    before = [torch.zeros(side, side, dtype=torch.bool) for side in sides]
    news = []
    for layers in range(1, layer_count(scales) + 1):
        now = [
            arrived_positions(scale, scales, layers, (side, side))
            for scale, side in enumerate(sides)
        ]
        assert all((new | ~old).all() for new, old in zip(now, before, strict=True))
        news.append([int(new.sum() - old.sum()) for new, old in zip(now, before, strict=True)])
        before = now
    assert all(mask.all() for mask in before)
    coarse = [[0] * scales for _ in range(scales - 1)]
    for layer, row in enumerate(coarse):
        row[scales - 1 - layer] = sides[scales - 1 - layer] ** 2
    assert news == coarse + [[sides[0] ** 2 // 4] + [0] * (scales - 1)] * 4


@pytest.mark.parametrize("settings", [SMALL_CONDITIONAL, SMALL_CONDITIONAL_3])
def test_what_is_missing_is_the_prior_and_has_no_gradient(settings):
    torch.manual_seed(3)
    network = build_network(settings)
    for space in network.spaces:
        space.counts.copy_(torch.rand(space.codewords) + 0.1)
    encoded = network.encode(torch.rand(40, 3, 32, 32))
    sent = [codewords.detach().requires_grad_() for codewords in encoded.codewords]
    received = prefix_codewords(network.spaces, sent, torch.Generator().manual_seed(1))
    sum(values.sum() for values in received).backward()
    seen = set()
    for image in range(40):
        arrived = []
        for space, codewords, values in zip(network.spaces, sent, received, strict=True):
            here = codewords.grad[image].bool()
            assert torch.equal(values[image][here], codewords[image][here])
            missing = prior_codeword(space)[:, None, None].expand_as(here)
            assert torch.equal(values[image][~here], missing[~here])
            arrived.append(int(here[0].sum()))
        seen.add(tuple(arrived))
    # from one layer to all but one
    assert len(seen) == layer_count(len(network.spaces)) - 1
    assert min(seen)[:-1] == (0,) * (len(network.spaces) - 1)
    assert all(arrived[0] < received[0][0, 0].numel() for arrived in seen)
