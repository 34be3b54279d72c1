# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditional network: what each pass and each scale knows."""

import copy

import pytest
import torch
from conftest import SMALL_CONDITIONAL, SMALL_CONDITIONAL_3
from torch.nn import functional

from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.networks.conditional import PASSES, SuccessiveHead, to_grid
from vqdeepsc_training.networks.encoded import Quantised


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
    "settings", [SMALL_CONDITIONAL, SMALL_CONDITIONAL_3], ids=["4scale", "3scale"]
)
def test_decoder_needs_nothing_but_the_codewords(settings):
    torch.manual_seed(0)
    network = build_network(settings).eval()
    image = torch.rand(2, 3, 48, 64)
    decoded, encoded = network(image)
    assert torch.allclose(network.decode(*encoded.codewords), decoded, atol=1e-6)
    for level, space, indices in zip(network.sent, network.spaces, encoded.indices, strict=True):
        assert indices.shape == (2, 48 >> (level + 1), 64 >> (level + 1))
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
