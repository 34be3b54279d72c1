# SPDX-License-Identifier: GPL-3.0-or-later
"""Training with images of which the first layers arrived, and with a second stage."""

import pytest
import torch
from conftest import SMALL_PROGRESSIVE
from short_runs import assert_same, resumed_and_whole, run

from vqdeepsc_training.base.errors import ConfigurationError
from vqdeepsc_training.base.precision import Arithmetic
from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.objectives.losses import reconstruction_loss
from vqdeepsc_training.objectives.prefixes import prefix_codewords
from vqdeepsc_training.trainer.configuration import Configuration
from vqdeepsc_training.trainer.parts import Step
from vqdeepsc_training.trainer.prefixes import PrefixDecoding

PREFIXES = {"prefixes": {"images": 3, "weight": 0.5}}


def test_loss_of_the_first_layers_reaches_encoder_and_decoder(configuration):
    settings = Configuration.read(configuration | PREFIXES | {"precision": "float32"})
    torch.manual_seed(0)
    network = build_network(settings.network)
    image = torch.rand(4, 3, 32, 32)
    decoded, encoded = network(image)
    arithmetic = Arithmetic(torch.device("cpu"), "float32")
    part = PrefixDecoding(settings, network, arithmetic)

    def step(quantised: bool = True) -> Step:
        generator = torch.Generator().manual_seed(5)
        return Step(9, 0.5, image, decoded, encoded, quantised, generator)

    loss, terms = part.loss(step())
    counts = part.drawn_counts(step().generator)
    codewords = prefix_codewords(
        network.spaces, [sent[:3] for sent in encoded.codewords], part.layers, counts
    )
    expected, _ = reconstruction_loss(network.decode(*codewords), image[:3], settings.loss)
    assert float(terms["prefixes"]) == pytest.approx(float(expected), rel=1e-5)
    assert float(loss) == pytest.approx(0.5 * 3 / 4 * float(expected), rel=1e-5)
    loss.backward()
    for weight in (network.head_4.weight, network.stem.weight, network.out.weight):
        assert weight.grad.abs().max() > 0
    assert part.loss(step(quantised=False)) is None


def test_a_resumed_run_draws_the_same_layers(tmp_path, image_tar, configuration):
    parts, whole = resumed_and_whole(tmp_path, image_tar, configuration | PREFIXES, 3)
    assert_same(parts["network"], whole["network"])


def test_numbers_of_layers_are_drawn_by_their_shares(configuration):
    def part(shares: list[float] | None) -> PrefixDecoding:
        prefixes = {"images": 4, "shares": shares}
        settings = Configuration.read(configuration | {"prefixes": prefixes})
        network = build_network(settings.network)
        return PrefixDecoding(settings, network, Arithmetic(torch.device("cpu"), "float32"))

    generator = torch.Generator().manual_seed(1)
    drawn = [count for _ in range(100) for count in part(None).drawn_counts(generator)]
    assert set(drawn) == set(range(1, 7))
    drawn = [
        count for _ in range(100) for count in part([0, 1, 3, 0, 0, 0]).drawn_counts(generator)
    ]
    assert set(drawn) == {2, 3} and 250 < drawn.count(3) < 350
    for wrong in ([1.0, 1.0], [0.0] * 6):
        with pytest.raises(ConfigurationError, match="must be 6 numbers and not all 0"):
            part(wrong)


def test_a_second_stage_starts_beside_codebooks_that_go_on(tmp_path, image_tar, configuration):
    configuration |= {"network": SMALL_PROGRESSIVE | {"second_codewords": 8}, "noise": None}
    first = run(tmp_path, image_tar, configuration, "first")
    weights = tmp_path / "first" / "checkpoint.pt"
    configuration["network"] = SMALL_PROGRESSIVE
    configuration["steps"] = 1
    second = run(tmp_path, image_tar, configuration, "second", "--weights", str(weights))
    assert second["started"]
    (entry,) = second["history"]
    assert entry["fresh"] == [f"spaces.0.{name}" for name in ("counts", "embedding", "sums")]
    shift = second["network"]["spaces.1.embedding"] - first["average"]["spaces.1.embedding"]
    assert shift.abs().max() < 1.0
