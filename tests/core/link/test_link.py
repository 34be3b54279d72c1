# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated link."""

import numpy as np
import pytest
from vqdeepsc.link import ChannelModel, Link, pad_to_frames

PAYLOAD_BITS = 7616


@pytest.fixture(scope="module")
def link():
    return Link(PAYLOAD_BITS)


@pytest.fixture(scope="module")
def bits():
    return np.random.default_rng(1).integers(0, 2, (5, PAYLOAD_BITS), dtype=np.uint8)


def test_symbols_on_the_air_are_those_of_the_paper(link):
    assert link.symbols_per_frame == 5712
    assert Link(20032).symbols_per_frame == 15024


def test_symbols_have_unit_power(link, bits):
    symbols = link.modulate(bits)
    assert symbols.shape == (5, 5712) and symbols.dtype == np.complex64
    assert np.mean(np.abs(symbols) ** 2) == pytest.approx(1, abs=0.02)
    assert len(np.unique(symbols)) == 16


@pytest.mark.parametrize("channel", ["awgn", "rayleigh", "rician", "rician:10"])
def test_good_channels_give_every_bit(link, bits, channel):
    model = ChannelModel.parse(channel)
    received = link.receive(link.modulate(bits), model.open(12.0, seed=3), 12.0)
    np.testing.assert_array_equal(received.bits, bits)
    np.testing.assert_array_equal(received.llrs > 0, bits == 1)
    assert not received.block_errors.any()


def test_bad_channels_are_noticed_and_leave_doubt(link, bits):
    received = link.receive(link.modulate(bits), ChannelModel("awgn").open(-1.0, seed=3), -1.0)
    assert (received.block_errors == received.blocks).all()
    wrong = np.mean(received.bits != bits)
    assert 0.05 < wrong < 0.4
    # soft bits know which of the hard ones to trust
    sure = np.abs(received.llrs) > np.median(np.abs(received.llrs))
    assert np.mean((received.bits != bits)[sure]) < 0.7 * wrong


def test_noise_depends_on_the_place_in_the_stream_not_on_its_cuts(link, bits):
    symbols = link.modulate(bits)
    model = ChannelModel("rayleigh")
    whole = link.receive(symbols, model.open(3.0, seed=7), 3.0)
    channel = model.open(3.0, seed=7)
    parts = [link.receive(part, channel, 3.0) for part in (symbols[:2], symbols[2:])]
    np.testing.assert_array_equal(np.concatenate([part.llrs for part in parts]), whole.llrs)
    other = link.receive(symbols, model.open(3.0, seed=8), 3.0)
    assert not np.array_equal(other.llrs, whole.llrs)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("awgn", "AWGN"),
        ("rayleigh", "Rayleigh"),
        ("rician", "Rician r=1"),
        ("rician:10", "Rician r=10"),
        ("rician:0.5", "Rician r=0.5"),
    ],
)
def test_channel_names(text, title):
    model = ChannelModel.parse(text)
    assert str(model) == text
    assert model.title == title


@pytest.mark.parametrize(
    "text", ["", "AWGN", "nakagami", "awgn:1", "rician:", "rician:-1", "rician:1e999", "rician:--"]
)
def test_unknown_channels_are_refused(text):
    with pytest.raises(ValueError, match=r"no channel|Rician factor"):
        ChannelModel.parse(text)


def test_padding_with_zeros():
    padded = pad_to_frames(np.ones(5, np.uint8), 4, 2)
    np.testing.assert_array_equal(padded, [[1, 1, 1, 1], [1, 0, 0, 0]])
    with pytest.raises(ValueError, match="9 bits do not fit"):
        pad_to_frames(np.ones(9, np.uint8), 4, 2)
