# SPDX-License-Identifier: GPL-3.0-or-later
"""The run of the demonstration on sample data, made short."""

import json

from conftest import tool
from PIL import Image
from vqdeepsc.codec import Codec

from vqdeepsc_training.tools import demo


def test_demo_ends_with_a_measured_bundle_and_a_sheet(tmp_path, capsys):
    assert tool("demo")(["--steps", "3", "--folder", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert [word for word in ("demo-4s  ", "jpeg  ") if word in printed] == ["demo-4s  ", "jpeg  "]
    # The figures of export are for programs.
    assert "{" not in printed
    assert json.loads((tmp_path / "export.json").read_text())["agreement"]
    assert Codec(tmp_path / "demo-4s").bits_per_region == 20032
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (6 * 128, 2 * 128)
    # What is measured was not trained on.
    assert not (tmp_path / "images" / "training" / demo.HELD_BACK).exists()


def test_missing_sample_images_are_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "PHOTOGRAPHS", ("nothing.png",))
    assert tool("demo")(["--folder", str(tmp_path)]) == 2
    assert "has no image 'nothing.png'" in capsys.readouterr().err
