# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the models: figures, choice of images, curves."""

import json

import numpy as np
import pytest
from conftest import smooth_image, tool
from PIL import Image
from vqdeepsc.codec import Codec, read_manifest

from vqdeepsc_training.base.repository import ROOT
from vqdeepsc_training.reports import models as report_models
from vqdeepsc_training.reports.evaluation import evaluate_baseline
from vqdeepsc_training.trainer.record import read_model_records

BUNDLE = ROOT / "models" / "vqdeepsc-4s"


@pytest.fixture
def few_photographs(monkeypatch):
    random = np.random.default_rng(0)
    images = np.stack([smooth_image(random, 128, 128) for _ in range(2)])
    monkeypatch.setattr(report_models, "photographs", lambda: images)
    monkeypatch.setattr(report_models, "NAMES", {"jpeg": "JPEG", "webp": "WebP"})
    return images


def test_photographs_are_whole_tiles():
    tiles = report_models.photographs()
    assert tiles.shape[1:] == (128, 128, 3)
    assert len(tiles) > 4 * len(report_models.PHOTOGRAPHS)
    assert len(np.unique(tiles.reshape(len(tiles), -1), axis=0)) == len(tiles)


def test_images_are_chosen_by_the_rule():
    scores = np.array([0.3, 0.9, 0.1, 0.5, 0.7])
    assert report_models.chosen(scores) == {
        "best": 1,
        "upper quartile": 4,
        "median": 3,
        "lower quartile": 0,
        "worst": 2,
    }


def test_page_has_the_measured_figures(tmp_path, image_tar, few_photographs):
    record = json.loads((ROOT / "training" / "results" / "vqdeepsc_4s.json").read_text())
    record["flipped_bits"] = {"s1": {"random": 0.004, "assigned": 0.002, "difference_error": 0.001}}
    (tmp_path / "vqdeepsc_4s.json").write_text(json.dumps(record))
    arguments = [
        "--bundles",
        str(BUNDLE),
        "--results",
        str(tmp_path),
        "--docs",
        str(tmp_path / "docs"),
    ]
    assert tool("report-models")([*arguments, "--data", f"own={image_tar}", "--limit", "1"]) == 0
    kept = json.loads((tmp_path / "quality.json").read_text())
    expected, _ = evaluate_baseline("webp", few_photographs, 20032)
    assert kept["codecs"]["20032"]["scikit-image"]["webp"] == expected.to_json()
    page = (tmp_path / "docs" / "models.md").read_text()
    assert f"| | | WebP | {expected.ssim:.3f} | {expected.psnr_db:.2f} dB |" in page
    ours = kept["models"]["vqdeepsc-4s"]["own"]
    assert f"| own | 1 | **vqdeepsc-4s** | {ours['ssim']:.3f} |" in page
    assert "| 1 | 4.000 | 2.000 | 1.000 |" in page
    assert "trained on cars196/train, bsds500/train; nothing below is among them." in page
    with Image.open(tmp_path / "docs" / "models_vqdeepsc-4s.png") as sheet:
        assert sheet.width > 4 * 128
        assert sheet.height > 5 * 128
    assert (tmp_path / "docs" / "models_training.png").stat().st_size > 1000
    # Plotted again from the record alone.
    (tmp_path / "docs" / "models.md").unlink()
    assert tool("report-models")(arguments) == 0
    assert (tmp_path / "docs" / "models.md").read_text() == page


def test_what_is_recorded_is_not_measured_again(tmp_path, few_photographs, monkeypatch):
    codec = Codec(BUNDLE, threads=1)
    record = tmp_path / "quality.json"
    first = report_models.measure([codec], {}, None, record)

    def refuse(*arguments):
        raise AssertionError("measured again")

    monkeypatch.setattr(report_models, "evaluate", refuse)
    monkeypatch.setattr(report_models, "evaluate_baseline", refuse)
    assert report_models.measure([codec], {}, None, record) == first
    # Another model of the same name is.
    kept = json.loads(record.read_text())
    kept["bundles"]["vqdeepsc-4s"]["codebooks.npz"] = "0" * 64
    record.write_text(json.dumps(kept))
    with pytest.raises(AssertionError, match="measured again"):
        report_models.measure([codec], {}, None, record)


def test_missing_figures_are_said(tmp_path, capsys):
    assert tool("report-models")(["--bundles", str(BUNDLE), "--results", str(tmp_path)]) == 2
    assert "give --data" in capsys.readouterr().err


def test_records_of_this_repository_are_those_of_its_bundles():
    records = read_model_records(report_models.RESULTS)
    kept = report_models.read_quality(report_models.RESULTS / "quality.json")
    for folder in sorted((ROOT / "models").iterdir()):
        manifest = read_manifest(folder)
        assert records[manifest.name].version == manifest.version
        files = {name: sha for name, sha in manifest.files.items() if not name.endswith(".md")}
        assert kept.bundles[manifest.name] == files
        assert set(kept.models[manifest.name]) == {"cars196/test", "bsds500/test", "scikit-image"}
