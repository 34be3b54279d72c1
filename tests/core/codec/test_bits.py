# SPDX-License-Identifier: GPL-3.0-or-later
"""Indices, bits and soft bits."""

import numpy as np
import pytest
from vqdeepsc.codec.bits import BitLayout, index_bits
from vqdeepsc.codec.scales import Scale

FOUR_SCALES = {1: 4, 2: 3, 3: 2, 4: 1}
THREE_SCALES = {2: 6, 3: 5, 4: 3}


def make_layout(bits, priors=None):
    return BitLayout(
        [
            Scale(
                scale,
                2**scale,
                2**count,
                1,
                count,
                priors[scale] if priors else np.full(2**count, 2.0**-count),
            )
            for scale, count in bits.items()
        ]
    )


def random_indices(layout, regions, rng):
    return {
        scale.scale: rng.integers(0, scale.codewords, (regions, scale.positions))
        for scale in layout.scales
    }


def test_sizes_are_those_of_the_paper():
    assert make_layout(FOUR_SCALES).bits_per_region == 4 * 5008
    assert make_layout(THREE_SCALES).bits_per_region == 4 * 1904


def test_order_of_bits_by_hand():
    layout = make_layout(FOUR_SCALES)
    indices = {scale.scale: np.zeros((1, scale.positions), int) for scale in layout.scales}
    indices[4][0, 1] = 1
    indices[3][0, 0] = 0b10
    indices[2][0, 32] = 0b011
    indices[1][0, 4095] = 0b1001
    expected = {
        1,  # second position of scale 4, whose indices have one bit
        64,  # scale 3 begins after 8x8 bits; its first index is 10
        64 + 512 + 32 * 3 + 1,  # scale 2 after 16x16x2; second row; index 011
        64 + 512 + 32 * 3 + 2,
        20032 - 4,  # the last index 1001
        20032 - 1,
    }
    bits = layout.pack(indices)
    assert bits.dtype == np.uint8 and bits.shape == (1, 20032)
    assert set(np.flatnonzero(bits[0])) == expected


@pytest.mark.parametrize("bits", [FOUR_SCALES, THREE_SCALES])
def test_unpack_reverses_pack(bits):
    layout = make_layout(bits)
    indices = random_indices(layout, 3, np.random.default_rng(1))
    unpacked = layout.unpack(layout.pack(indices))
    for scale, values in indices.items():
        np.testing.assert_array_equal(unpacked[scale], values)


@pytest.mark.parametrize("shape", [(20032,), (2, 20031), (1, 2, 20032)])
def test_wrong_shapes_are_refused(shape):
    layout = make_layout(FOUR_SCALES)
    with pytest.raises(ValueError, match="20032"):
        layout.unpack(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="20032"):
        layout.posteriors(np.zeros(shape))


def test_values_that_are_no_bits_are_refused():
    bits = np.zeros((1, 20032), np.uint8)
    bits[0, 5] = 2
    with pytest.raises(ValueError, match="0 or 1"):
        make_layout(FOUR_SCALES).unpack(bits)


def test_posteriors_against_the_product_of_probabilities():
    rng = np.random.default_rng(2)
    priors = {scale: rng.dirichlet(np.ones(2**count)) for scale, count in FOUR_SCALES.items()}
    layout = make_layout(FOUR_SCALES, priors)
    llrs = rng.normal(0, 3, (2, layout.bits_per_region))
    posteriors = layout.posteriors(llrs)
    one = 1 / (1 + np.exp(-llrs))
    for scale in layout.scales:
        part = one[:, layout.slices[scale.scale]].reshape(2, scale.positions, scale.bits)
        expected = np.empty((2, scale.positions, scale.codewords))
        for index in range(scale.codewords):
            product = np.full(part.shape[:2], priors[scale.scale][index])
            for position in range(scale.bits):
                bit = index >> (scale.bits - 1 - position) & 1
                probability = part[..., position]
                product *= probability if bit else 1 - probability
            expected[..., index] = product
        expected /= expected.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(posteriors[scale.scale], expected, atol=2e-6)


def test_no_knowledge_gives_the_prior():
    priors = {1: np.arange(16) / 120, 2: np.full(8, 1 / 8), 3: np.full(4, 1 / 4), 4: np.eye(2)[0]}
    layout = make_layout(FOUR_SCALES, priors)
    for llrs in (np.zeros((1, 20032)), np.full((1, 20032), np.nan)):
        posteriors = layout.posteriors(llrs)
        for scale, prior in priors.items():
            np.testing.assert_allclose(posteriors[scale][0, 5], prior, atol=1e-6)


@pytest.mark.parametrize("certainty", [50.0, 1e30, np.inf])
def test_certain_bits_give_one_hot_posteriors(certainty):
    layout = make_layout(
        FOUR_SCALES,
        {1: np.eye(16)[3], 2: np.eye(8)[0], 3: None, 4: None}
        | {3: np.full(4, 1 / 4), 4: np.array([0.999, 0.001])},
    )
    indices = random_indices(layout, 2, np.random.default_rng(3))
    bits = layout.pack(indices)
    soft = layout.posteriors(np.where(bits == 1, certainty, -certainty))
    hard = layout.one_hot(indices)
    for scale in FOUR_SCALES:
        np.testing.assert_allclose(soft[scale], hard[scale], atol=1e-6)


def test_index_bits_by_hand():
    np.testing.assert_array_equal(index_bits(2), [[0, 0], [0, 1], [1, 0], [1, 1]])
