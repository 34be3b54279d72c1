# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench/images/protection.py rates protections by."""

import math

import numpy as np
import pytest
from block_errors import DELIVERED, BlockErrors, Measured, information, on_strong_bits
from protection_search import Quality, Search, groupings, neighbours, rounded_up
from vqdeepsc.link import ChannelModel, TransportBlock

PARTS = [100, 300, 600]
SNRS = (0.0, 1.0, 2.0)


class KnownErrors(BlockErrors):
    """A code that needs 6, 5.5 ... 2 coded bits for each bit at 0, 0.5 ... 4 dB, and gives none
    where it gets less."""

    def __init__(self):
        super().__init__(ChannelModel("awgn"), 1, 0)

    def _measure(self, block, snr_db, last_of):
        arrives = block.coded_bits >= (6 - snr_db) * block.payload_bits
        return Measured(0.0 if arrives else 1.0, float(arrives))


def search(coded_bits, full):
    prefixes = [0.0, 0.5, 0.8, 1.0]
    partial = {
        group: ([0.0, 1.0], [prefixes[group[0]], prefixes[group[1]]])
        for grouping in groupings(3)
        for group in grouping
    }
    return Search(PARTS, coded_bits, Quality(prefixes, partial), KnownErrors(), SNRS, full)


def test_groupings_join_neighbours():
    assert sorted(groupings(3)) == [
        [(0, 1), (1, 2), (2, 3)],
        [(0, 1), (1, 3)],
        [(0, 2), (2, 3)],
        [(0, 3)],
    ]
    assert len(list(groupings(7))) == 64


def test_the_best_protection_is_found():
    # with 4 coded bits for each bit all arrives at 2 dB: a third of the SNRs
    best = search(4100, 2.0).candidates()[0]
    assert best.promised == pytest.approx(1 / 3)
    assert best.factors == ()
    # with 5, all at 1 dB; better still are the coarse parts at 0 dB, 2472 bits, and the rest at 2
    best = search(5000, 2.0).candidates()[0]
    assert best.promised == pytest.approx((0.8 + 0.8 + 1.0) / 3)
    coarse, fine = best.factors[:2]
    assert coarse == fine
    assert 6 <= coarse < 6.3
    # nothing arrives
    assert search(3900, 2.0).candidates() == []


def test_protections_that_fail_at_full_quality_are_refused():
    rated = search(4500, 2.0)
    assert rated.delivers([TransportBlock(100, 400), TransportBlock(900, 3600)])
    assert not rated.delivers([TransportBlock(100, 600), TransportBlock(900, 3500)])


def test_least_coded_bits_deliver():
    errors = BlockErrors(ChannelModel("awgn"), 40, 0)
    least = errors.least_coded_bits(500, 2.0, 10_000)
    # 0.31 bit for each coded bit could arrive at most
    assert 500 / 0.314 < least < 1.5 * 500 / 0.314
    assert errors.measured(TransportBlock(500, least), 2.0).failed <= DELIVERED
    below = errors.measured(TransportBlock(500, int(least * 0.9) // 24 * 24), 2.0)
    assert below.failed > DELIVERED
    assert 0.3 < below.information < 1


def test_blocks_on_strong_bits_need_fewer():
    own = BlockErrors(ChannelModel("awgn"), 30, 0).least_coded_bits(1500, 1.0, 20_000)
    levels = BlockErrors(ChannelModel("awgn"), 30, 0, strong_bits=True)
    strong = levels.least_coded_bits(1500, 1.0, 20_000)
    # 0.42 and 0.27 bit for each coded bit
    assert 1.4 < own / strong < 1.75
    # the last block of a frame has what the others leave: half of it, if nothing
    last = levels.measured(TransportBlock(1500, 6000), 1.0, 6000)
    weaker = levels.measured(TransportBlock(1500, 6000), 1.0, 8000)
    assert last.information > weaker.information
    chosen = on_strong_bits(TransportBlock(10_000, 20_000), 5001)
    assert chosen.sum() == 5001
    assert chosen[:2500].all()
    assert chosen[10_000:12_500].all()


def test_information_of_llrs():
    bits = np.array([0, 1, 1, 0], np.uint8)
    assert information(np.array([-40, 40, 40, -40], np.float32), bits) == pytest.approx(1)
    assert information(np.zeros(4, np.float32), bits) == pytest.approx(0)
    # half of the bits for certain, nothing of the others
    half = information(np.array([-40, 40, 0, 0], np.float32), bits)
    assert half == pytest.approx(0.5)
    wrong = information(np.array([1, -1, -1, 1], np.float32), bits)
    assert wrong == pytest.approx(1 - math.log2(1 + math.e))


def test_neighbours_change_one_group():
    assert rounded_up(3.01) == 3.1
    assert rounded_up(3.0) == 3.0
    assert list(neighbours((10.0, 10.0, 3.0))) == [
        (10.6, 10.6, 3.0),
        (9.4, 9.4, 3.0),
        (10.0, 10.0, 3.2),
        (10.0, 10.0, 2.8),
    ]
    assert list(neighbours((1.0,))) == [(1.1,)]
