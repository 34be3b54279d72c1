# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model card concludes from the figures."""

import numpy as np

from vqdeepsc_training.reports.model_card import (
    entropy_note,
    next_doubling,
    runs_of_this_network,
    sources,
)
from vqdeepsc_training.trainer.checkpoint import whole_curve


def test_the_card_says_what_the_next_doubling_would_bring():
    def points(slope: float, *images: int) -> list[dict]:
        return [
            {"pictures": n, "ssim": 0.5 + slope * np.log2(n), "psnr_db": 20 + np.log2(n)}
            for n in images
        ]

    single = points(0.01, 100, 500, 700, 900, 1000)
    (text, _) = next_doubling([], whole_curve([], single))
    assert text.startswith("1,000 crops were seen.")
    assert "since 500 crops rise by +0.0100 in SSIM and +1.00 dB" in text
    assert next_doubling([], single[:1]) == next_doubling([], []) == []

    def run(name: str, *images: int, fresh: tuple[str, ...] = ()) -> dict:
        return {
            "pictures": images[-1],
            "run": name,
            "fresh": list(fresh),
            "until_step": 4,
            "validation": points(0.02, *images),
        }

    history = [
        run("other", 50, 100, fresh=("spaces",)),
        {"until_step": 2, "configuration": {}},
        run("first", 200, 400),
    ]
    runs = runs_of_this_network(history)
    assert [entry["run"] for entry in runs] == ["first"]
    assert runs_of_this_network(history[:1]) == []
    second = [{"pictures": 1200, "ssim": 0.5 + 0.02 * np.log2(400) + 0.03, "psnr_db": 31.0}]
    curve = whole_curve(runs, second)
    assert [point["pictures"] for point in curve] == [200, 400, 1600]
    (text, _) = next_doubling(runs, curve)
    assert text.startswith("1,600 crops were seen.")
    assert "at 400, SSIM has risen by +0.0300" in text
    assert "+0.0150 and" in text


def test_the_card_cites_each_known_data_set_once():
    lines = sources(["cars196/train", "own/pictures", "cars196/test"])
    assert len(lines) == 1
    assert "Krause" in lines[0]


def test_card_says_why_indices_are_uneven():
    measured = {
        "cars": {"entropy_share": {"s1": 0.99, "s3": 0.7}, "label_counts": {"s3": [30, 10]}},
        "birds": {"entropy_share": {"s1": 0.99, "s3": 0.9}, "label_counts": {"s3": [10, 30]}},
    }
    bits = {"s1": 4000, "s3": 200}
    (note,) = entropy_note(measured, bits)
    assert "s3 use 70% of their bits on cars, so 60 of a picture's 4,200 bits" in note
    assert "together its indices use 100%" in note
    measured["cars"]["entropy_share"]["s3"] = 0.85
    assert entropy_note(measured, bits) == []
