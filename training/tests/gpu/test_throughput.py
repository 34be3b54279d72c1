# SPDX-License-Identifier: GPL-3.0-or-later
"""The batch doubles until memory or throughput ends; the fastest way that works is taken."""

import pytest

from vqdeepsc_training.base.errors import DataError
from vqdeepsc_training.gpu import throughput
from vqdeepsc_training.gpu.throughput import choose_way, find_batch


def saturating(most, memory=10**9):
    """Crops a second that come near `most`; None above `memory`."""
    return lambda batch: None if batch > memory else most * batch / (batch + 50)


@pytest.mark.parametrize(
    ("measure", "first", "seconds", "least_steps", "batch", "tried"),
    [
        # Until it is hardly faster; then the smallest within a tenth of the best.
        (saturating(3000), 96, 10**6, 100, 384, [96, 192, 384, 768]),
        # Until the memory is too small.
        (saturating(3000, 200), 96, 10**6, 100, 192, [96, 192, 384]),
        # Already the first one is too large.
        (saturating(3000, 50), 96, 10**6, 100, 48, [96, 48]),
        # Until too few steps would be left: 2000 of 192 need 384,000 crops.
        (saturating(3000), 96, 300, 2000, 192, [96, 192]),
        # The time is so short that the configuration's own batch is all that fits.
        (saturating(3000), 96, 1, 2000, 6, [96, 48, 24, 12, 6]),
        # A processor: 6 is the first and nothing is gained.
        (lambda batch: 7.0, 6, 10**6, 1500, 6, [6, 12]),
    ],
)
def test_batch(measure, first, seconds, least_steps, batch, tried):
    found, rates = find_batch(measure, 6, first, seconds, least_steps)
    assert found == batch
    assert list(rates) == tried


def test_no_batch_is_tried_when_the_time_for_it_is_over():
    found, rates = find_batch(saturating(3000), 6, 96, 10**6, 100, lambda: False)
    assert (found, list(rates)) == (96, [96])


def test_memory_for_nothing_is_said():
    with pytest.raises(DataError, match="memory is too small"):
        find_batch(lambda batch: None, 6, 96, 100, 100)


def test_a_way_that_fails_or_is_slower_is_not_taken(monkeypatch):
    class Running:
        faster = None

    def broken(trainer):
        raise RuntimeError("no compiler\nand more")

    rates = {"slow": 5.0, "fast": 20.0}
    monkeypatch.setattr(throughput, "crops_per_second", lambda trainer: rates[trainer.faster])
    ways = {"broken": broken, "slow": lambda trainer: "slow", "fast": lambda trainer: "fast"}
    trainer = Running()
    name, tried = choose_way(trainer, 10.0, ways)
    assert (name, trainer.faster) == ("fast", "fast")
    assert tried == {"eager": 10.0, "broken": "RuntimeError: no compiler", "slow": 5.0, "fast": 20}
    name, _ = choose_way(trainer, 30.0, ways)
    assert (name, trainer.faster) == ("eager", None)
