# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditional network: what each pass and each scale knows."""

import copy

import pytest
import torch
from conftest import SMALL_CONDITIONAL, SMALL_CONDITIONAL_3, SMALL_PROGRESSIVE
from torch.nn import functional

from vqdeepsc_training.base.errors import ConfigurationError
from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.networks.conditional import PASSES, SuccessiveHead, to_grid
from vqdeepsc_training.networks.encoded import Quantised, stride


def test_cells_go_to_the_grid_row_by_row():
    maps = torch.rand(2, 12, 5, 6)
    positions = list(maps.unflatten(1, (3, 4)).unbind(2))
    assert torch.equal(to_grid(positions), functional.pixel_shuffle(maps, 2))


def test_each_pass_knows_the_codewords_of_the_passes_before():
    torch.manual_seed(0)
    head = SuccessiveHead(inputs=5, dimension=3, hidden=6)
    for conv in head.correct:
        torch.nn.init.normal_(conv.weight)
    features = torch.rand(1, 5, 4, 4)

    def run(changed: int) -> torch.Tensor:
        """Features on the grid when the codewords of one pass are others."""
        calls = iter(range(4))

        def quantise(wanted: torch.Tensor) -> Quantised:
            chosen = wanted.round() + (next(calls) == changed)
            none = torch.zeros(())
            return Quantised(wanted, chosen, wanted[:, 0].long(), none, none)

        return head(features, quantise).features

    before = run(-1)
    for changed in range(4):
        moved = (run(changed) != before).any(1)
        for number, position in enumerate(PASSES):
            here = moved[:, position // 2 :: 2, position % 2 :: 2]
            assert bool(here.all()) == (number > changed)
            assert bool(here.any()) == (number > changed)


@pytest.mark.parametrize(
    "settings",
    [SMALL_CONDITIONAL, SMALL_CONDITIONAL_3, SMALL_PROGRESSIVE],
    ids=["4scale", "3scale", "progressive"],
)
def test_decoder_needs_nothing_but_the_codewords(settings):
    torch.manual_seed(0)
    network = build_network(settings).eval()
    image = torch.rand(2, 3, 48, 64)
    decoded, encoded = network(image)
    assert torch.allclose(network.decode(*encoded.codewords), decoded, atol=1e-6)
    for scale, space, indices in zip(network.scales, network.spaces, encoded.indices, strict=True):
        assert indices.shape == (2, 48 // stride(scale), 64 // stride(scale))
        assert int(indices.max()) < space.codewords
    looked_up = [
        space.look_up(found) for space, found in zip(network.spaces, encoded.indices, strict=True)
    ]
    assert torch.allclose(network.decode(*looked_up), decoded, atol=1e-5)


def test_only_the_finest_scale_may_be_left_out():
    settings = copy.deepcopy(SMALL_CONDITIONAL)
    settings["codewords"] = [16, 0, 4, 2]
    with pytest.raises(ValueError, match="only the first"):
        build_network(settings)


def test_the_second_stage_sees_what_the_first_leaves():
    torch.manual_seed(0)
    network = build_network(SMALL_PROGRESSIVE).eval()
    network.spaces[1].embedding.mul_(0.01)
    image = torch.rand(1, 3, 32, 48)
    before = network.encode(image)
    network.out.bias.data.add_(0.1)
    after = network.encode(image)
    # the drawn image alone has changed, and nothing but the second stage knows of it
    changed = [
        not torch.equal(one, other)
        for one, other in zip(before.features, after.features, strict=True)
    ]
    assert changed == [True, False, False, False, False]
    with pytest.raises(ConfigurationError, match="no second stage"):
        build_network(SMALL_PROGRESSIVE | {"codewords": [0, 64, 32, 8]})
