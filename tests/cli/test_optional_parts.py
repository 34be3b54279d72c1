# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing on a system with its own packages alone costs a sentence, not a traceback."""

import sys

import pytest
from conftest import assert_one_sentence, run_here
from PIL import features
from vqdeepsc.images.files import save_image


@pytest.fixture
def image_file(tmp_path, photograph):
    save_image(tmp_path / "sent.png", photograph[:64, :64])
    return str(tmp_path / "sent.png")


def test_recordings_without_sigmf(monkeypatch, capfd, tmp_path, image_file):
    monkeypatch.setitem(sys.modules, "sigmf", None)
    radio = ["--radio", "file", "--device", str(tmp_path / "a.sigmf-meta")]
    done = run_here(capfd, "transmit", image_file, *radio)
    assert_one_sentence(done, "the Python package sigmf")


@pytest.mark.parametrize("codec", ["avif", "webp"])
def test_baselines_that_pillow_lacks(monkeypatch, capfd, tmp_path, image_file, codec):
    has = features.check
    monkeypatch.setattr(features, "check", lambda name: name != codec and has(name))
    output = tmp_path / "results.csv"
    options = ["--snr", "5", "--baseline", codec, "--output", str(output)]
    done = run_here(capfd, "simulate", "--images", image_file, *options)
    assert_one_sentence(done, f"cannot write {codec}")
    assert not output.exists()


def test_jpeg_xl_without_its_package(monkeypatch, capfd, tmp_path, image_file):
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    output = tmp_path / "results.csv"
    options = ["--snr", "5", "--baseline", "jpegxl", "--output", str(output)]
    done = run_here(capfd, "simulate", "--images", image_file, *options)
    assert_one_sentence(done, "needs the Python package pillow-jxl-plugin")
    assert not output.exists()


def test_plots_without_matplotlib(monkeypatch, capfd, tmp_path):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    results = tmp_path / "results.csv"
    results.write_text(
        "image,system,channel,snr_db,source_bits,symbols,block_errors,decoded,ssim,psnr_db,seed\n"
        "a.png,jpeg,awgn,5,20032,15024,0,1,0.9,30,1\n"
    )
    done = run_here(capfd, "plot", results, "-o", tmp_path / "figure.png")
    assert_one_sentence(done, "the Python package matplotlib")
