# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench/images/protection.py rates protections by."""

import itertools
import json
import math

import numpy as np
import pytest
from broadcast_bound import gap_db, needed_power
from protection_search import (
    SHORTFALL_WEIGHT,
    Aim,
    Frames,
    Measurements,
    Quality,
    Search,
    information,
    neighbours,
)
from vqdeepsc.errors import ParameterError
from vqdeepsc.kernels import embedded_part_bits
from vqdeepsc.link import ChannelModel, Scheme

PARTS = (100, 300, 600)
SNRS = (0.0, 1.0, 2.0)
PREFIXES = [0.0, 0.5, 0.8, 1.0]
QUALITY = Quality(
    PREFIXES,
    {
        (start, end): ([0.0, 1.0], [PREFIXES[start], PREFIXES[end]])
        for start, end in itertools.combinations(range(4), 2)
    },
)


class KnownErrors(Frames):
    """A code that needs 6, 5 and 4 coded bits for each bit at 0, 1 and 2 dB, and gives none where
    it gets less; such frames are not sent."""

    calls = 0

    def information(self, factors):
        type(self).calls += 1
        blocks = Scheme(symbols=self.plain.symbols, protection=factors).transport_blocks(PARTS)
        return np.array(
            [
                [float(bits >= (6 - snr) * payload) for payload, bits in blocks]
                for snr in self.snr_db
            ]
        )


def search(symbols, asked, full=None, measured=None):
    frames = KnownErrors(PARTS, Scheme(symbols=symbols), ChannelModel("awgn"), SNRS, 1, 0)
    return Search(frames, QUALITY, Aim(SNRS, asked), measured or Measurements(None), full)


def test_the_best_protection_is_found():
    # with 5 coded bits for each bit all could arrive at 1 dB; better is the coarse part at 0 dB
    found = search(1250, {}, full=2.0)
    best = found.climb((5.0, 5.0))
    assert found.promised(best) == pytest.approx([0.8, 0.8, 1.0])
    assert best[0] == best[1]
    assert 6 <= best[0] <= 6.5
    assert found.value(found.best()[0]) == found.value(best)
    # asked for all at 1 dB, it gives that
    found = search(1250, {1.0: 1.0})
    assert found.promised(found.climb((5.3, 5.3))) == pytest.approx([0.0, 1.0, 1.0])


def test_what_does_not_fit_is_worth_nothing():
    found = search(1250, {})
    assert found.value((20.0, 20.0)) == -math.inf
    with pytest.raises(ParameterError):
        found.promised((20.0, 20.0))
    assert (20.0, 20.0) not in found.best()


def test_shortfalls_weigh_more_than_the_mean():
    aim = Aim(SNRS, {0.0: 0.5, 2.0: 0.9})
    assert aim.value([0.5, 0.6, 1.0]) == pytest.approx(0.7)
    assert aim.value([0.4, 0.6, 0.8]) == pytest.approx(0.6 - 0.2 * SHORTFALL_WEIGHT)


def test_measurements_are_kept(tmp_path):
    path = tmp_path / "measured.json"
    measured = Measurements(path)
    first = search(1250, {}, measured=measured).promised((6.0, 6.0))
    measured.save()
    calls = KnownErrors.calls
    again = search(1250, {}, measured=Measurements(path))
    np.testing.assert_array_equal(again.promised((6.0, 6.0)), first)
    assert KnownErrors.calls == calls
    again.promised((6.0, 6.1))
    assert KnownErrors.calls == calls + 1
    assert len(json.loads(path.read_text())) == 1
    saved = json.dumps(QUALITY.save())
    assert json.dumps(Quality.load(json.loads(saved)).save()) == saved


def test_simulated_frames_tell_what_arrives():
    parts = tuple(embedded_part_bits(2504))
    frames = Frames(parts, Scheme(symbols=1878), ChannelModel("awgn"), (-4.0, 1.0, 9.0), 2, 0)
    assert frames.groups((8.0, 8.0, 4.0)) == [(0, 2), (2, 3), (3, 7)]
    assert frames.groups(()) == [(0, 7)]
    found = frames.information((8.0, 8.0, 4.0))
    assert found.shape == (3, 3)
    assert (np.diff(found, axis=0) >= 0).all()
    assert found[1, :2] == pytest.approx([1.0, 1.0])
    assert 0 < found[1, 2] < 0.9
    assert found[2] == pytest.approx([1.0, 1.0, 1.0])


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
    found = set(neighbours((10.0, 10.0, 3.0), 6))
    assert {(10.6, 10.6, 3.0), (9.4, 9.4, 3.0), (10.0, 10.0, 3.2), (10.0, 10.0, 2.8)} <= found
    # a part moves to the next group, a group falls in two, parts get a factor or lose it
    assert {(10.0, 3.0, 3.0), (10.0, 10.0, 10.0), (10.0, 10.0), (10.0, 10.0, 3.0, 3.0)} <= found
    assert any(
        one != other and third == other for one, other, third in [(*f, 0)[:3] for f in found]
    )
    assert all(len(factors) <= 3 for factors in neighbours((10.0, 10.0, 3.0), 3))
    assert all(factors >= (1.0,) for factors in neighbours((1.0,), 1))


def test_bound_of_one_transmission():
    # one receiver: capacity, 1 bit for each symbol at 0 dB
    assert needed_power([100], [0.0], 100) == pytest.approx(1.0)
    assert gap_db([100], [3.0], 100) == pytest.approx(3.0)
    # two: a share 1/3 of the power for 1 bit at 10 log10(3) dB, the rest for log2(3/2) at 0 dB
    coarse = 100 * math.log2(3 / 2)
    assert needed_power([coarse, coarse + 100], [0.0, 10 * math.log10(3)], 100) == pytest.approx(1)
    # who hears better gets no less
    assert gap_db([coarse, coarse], [0.0, 5.0], 100) == pytest.approx(gap_db([coarse], [0.0], 100))
