# SPDX-License-Identifier: GPL-3.0-or-later
"""The laws find what made the points, and the page says what follows from them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import tool

from vqdeepsc_training.gpu.record import CallRecord, SessionRecord, TimedRecord
from vqdeepsc_training.reports.forecast import (
    Curve,
    annealed_ends,
    forecast,
    held_out,
    logarithm,
    power_law,
    row,
)
from vqdeepsc_training.trainer.record import Change, EarlierRun, ModelRecord, Point

CROPS = np.array([1e4, 3e4, 6e4, 2e5])


def test_laws_are_found():
    law = logarithm(CROPS, 20 + 0.35 * np.log2(CROPS))
    assert (law.limit, law.loss) == pytest.approx((20, 0.35))
    law = power_law(CROPS, 30 - 200 * CROPS**-0.5)
    assert law.exponent == pytest.approx(0.5)
    assert (law.limit, law.loss) == pytest.approx((30, 200), rel=1e-3)
    assert law.at(10**6) == pytest.approx(29.8, abs=1e-3)


def point(psnr):
    return (Point(step=1, images=1, seconds=1, ssim=psnr / 40, psnr_db=psnr),)


def run(images, psnr, *fresh):
    return EarlierRun(until_step=7, images=images, run="a", fresh=fresh, validation=point(psnr))


RECORD = ModelRecord(
    configuration={},
    computed_in="float32",
    steps=8,
    images=4000,
    hours=0.5,
    parameters=1234,
    history=(
        Change(until_step=7, configuration={}),
        run(500, 20.0, "head"),
        run(1000, 24.0),
        run(1000, 25.0),
        run(2000, 26.0),
    ),
    validation=point(27.0),
    version="1.0.0",
    measured={},
    assignment={},
    flipped_bits={},
)


def test_crops_count_from_where_a_part_started_afresh():
    ends = annealed_ends(RECORD)
    assert [end.crops for end in ends] == [1000, 2000, 4000, 8000]
    assert [end.psnr_db for end in ends] == [24.0, 25.0, 26.0, 27.0]
    limit, doubling = forecast(ends, "psnr_db")
    assert doubling.at(16000) == pytest.approx(28.0)
    assert limit.at(16000) < 28.0
    assert held_out(ends, "psnr_db")[1] == pytest.approx(0.0, abs=1e-9)
    assert held_out(ends[1:], "psnr_db") is None


def test_a_row_begins_where_the_model_is():
    ends = annealed_ends(RECORD)
    found = row("more", 8000, Curve(ends, 1.0, 1))
    assert found.times == 2
    assert found.psnr_db[1] == pytest.approx(28.0)
    assert 27.0 < found.psnr_db[0] < 28.0


def test_page_has_what_the_records_say(tmp_path, capsys):
    results, docs = tmp_path / "results", tmp_path / "docs"
    (results / "gpu").mkdir(parents=True)
    arguments = ["--results", str(results), "--docs", str(docs)]
    assert tool("report-forecast")(arguments) == 2
    assert "no record of a model" in capsys.readouterr().err
    (results / "my_model.json").write_text(json.dumps(RECORD.to_json()))
    (results / "quality.json").write_text("{}")
    fell = replace(RECORD, history=(*RECORD.history, run(2000, 29.0)))
    (results / "other_model.json").write_text(json.dumps(fell.to_json()))
    assert tool("report-forecast")(arguments) == 0
    text = (docs / "forecast.md").read_text()
    assert "## my-model" in text and "other-model" not in text
    assert "1.00 to 1.00 dB" in text
    assert "the rates of the tables are assumptions" in text
    assert (docs / "forecast.png").exists()
    calls = tuple(
        CallRecord(
            device_type=kind,
            device=device,
            torch="2",
            threads=1,
            limit_seconds=60.0,
            images=9,
            ready_seconds=1.0,
            seconds=60.0,
            runs=(TimedRecord(run="my-model", ended="annealed", images_per_second=2468.0),),
        )
        for kind, device in (("cuda", "a GPU"), ("cpu", "x86_64"))
    )
    record = SessionRecord(calls).to_json()
    (results / "gpu" / "first.json").write_text(json.dumps(record))
    assert tool("report-forecast")(arguments) == 0
    text = (docs / "forecast.md").read_text()
    assert "| a GPU | my-model | 2,468 |" in text
    assert "x86_64" not in text
    assert "at 2,468 crops/s" in text
