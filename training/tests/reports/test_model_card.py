# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model card concludes from the records."""

import numpy as np
import pytest

from vqdeepsc_training.reports.model_card import (
    next_doubling,
    runs_of_this_network,
    sources,
    uneven_indices,
)
from vqdeepsc_training.trainer.record import (
    Change,
    EarlierRun,
    Evaluation,
    Point,
    whole_curve,
)


def test_the_card_says_what_the_next_doubling_would_bring():
    def point(images: int, ssim: float, psnr_db: float) -> Point:
        return Point(step=1, images=images, seconds=1, ssim=ssim, psnr_db=psnr_db)

    def points(slope: float, *images: int) -> list[Point]:
        return [point(n, 0.5 + slope * np.log2(n), 20 + np.log2(n)) for n in images]

    single = points(0.01, 100, 500, 700, 900, 1000)
    found = next_doubling([], whole_curve([], single))
    assert (found.images, found.since, found.ssim_since) == (1000, 500, None)
    assert (found.ssim, found.psnr_db) == pytest.approx((0.01, 1.0))
    assert next_doubling([], single[:1]) is next_doubling([], []) is None

    def run(name: str, *images: int, fresh: tuple[str, ...] = ()) -> EarlierRun:
        return EarlierRun(4, images[-1], name, fresh, tuple(points(0.02, *images)))

    history = [
        run("other", 50, 100, fresh=("spaces",)),
        Change(2, {}),
        run("first", 200, 400),
    ]
    runs = runs_of_this_network(history)
    assert [entry.run for entry in runs] == ["first"]
    assert runs_of_this_network(history[:1]) == []
    second = [point(1200, 0.5 + 0.02 * np.log2(400) + 0.03, 31.0)]
    curve = whole_curve(runs, second)
    assert [found.images for found in curve] == [200, 400, 1600]
    found = next_doubling(runs, curve)
    assert (found.images, found.since) == (1600, 400)
    assert (found.ssim_since, found.ssim) == pytest.approx((0.03, 0.015))


def test_the_card_cites_each_known_data_set_once():
    lines = sources(["cars196/train", "own/images", "cars196/test"])
    assert len(lines) == 1
    assert "Krause" in lines[0]


def test_card_says_which_indices_are_uneven():
    def of(share: float, *counts: int) -> Evaluation:
        quality = {"ssim": 0.9, "psnr_db": 30.0, "ciede2000": 2.0, "images": 1}
        return Evaluation(
            **quality, entropy_share={"s1": 0.99, "s3": share}, index_counts={"s3": counts}
        )

    measured = {"cars": of(0.7, 30, 10), "birds": of(0.9, 10, 30)}
    bits = {"s1": 4000, "s3": 200}
    (found,) = uneven_indices(measured, bits)
    assert (found.scale, found.data) == ("s3", "cars")
    assert (found.share, found.lost, found.together) == pytest.approx((0.7, 60, 1.0))
    measured["cars"] = of(0.85, 30, 10)
    assert uneven_indices(measured, bits) == []
