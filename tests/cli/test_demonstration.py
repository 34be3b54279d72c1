# SPDX-License-Identifier: GPL-3.0-or-later
"""vqdeepsc demo: the flowgraph behind `make demo`."""

import csv
import gc
import json

import numpy as np
import pytest
from conftest import assert_one_sentence, run_command, run_here
from gnuradio import gr
from gnuradio.vqdeepsc.demonstration import fit_image, run_demonstration, send_image
from PIL import Image
from vqdeepsc.codec import DEFAULT_MODEL, Codec
from vqdeepsc.codec.codec import read_bundle
from vqdeepsc.images import baselines
from vqdeepsc.images.files import ImageError, load_image, save_image
from vqdeepsc.images.sample import sample_image
from vqdeepsc.link import ChannelModel
from vqdeepsc.simulation.results import read_results


def test_writes_images_and_results(tmp_path):
    output = tmp_path / "results"
    image = tmp_path / "grey.png"
    grey = Image.open(sample_image()).convert("L").resize((150, 100))
    grey.save(image)
    done = run_command("demo", "--image", image, "--output", output, "--snr", "20,-2", "--json")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in output.iterdir()}
    assert names == {"sent.png", "received.png", "panel.png", "results.csv"}
    sent = load_image(image)
    np.testing.assert_array_equal(load_image(output / "sent.png"), sent)
    codec = Codec()
    expected = codec.decode_bits(codec.encode_bits(sent), 150, 100)
    np.testing.assert_array_equal(load_image(output / "received.png"), expected)
    rows = list(csv.DictReader((output / "results.csv").open()))
    assert [(row["system"], row["snr_db"]) for row in rows] == [
        ("vqdeepsc-4s:16qam/balanced", "20"),
        ("jpeg", "20"),
        ("vqdeepsc-4s:16qam/balanced", "-2"),
        ("jpeg", "-2"),
    ]
    assert {row["source_bits"] for row in rows} == {str(2 * 20032)}
    assert {row["symbols"] for row in rows} == {str(2 * 15024)}
    assert [int(row["block_errors"]) for row in rows] == [0, 0, 10, 6]
    assert [row["decoded"] for row in rows] == ["1", "1", "1", "0"]
    assert float(rows[0]["ssim"]) > float(rows[2]["ssim"])
    assert len(json.loads(done.stdout)["results"]) == 4


def test_scores_are_those_of_simulate(tmp_path, photograph, capfd, monkeypatch):
    """A damaged JPEG counts as mid-grey where that is nearer, and protection is for ours alone."""
    verdicts = []

    def counts_as_decoded(*scores):
        verdicts.append(original(*scores))
        return verdicts[-1]

    original = baselines.counts_as_decoded
    monkeypatch.setattr(baselines, "counts_as_decoded", counts_as_decoded)
    # The seed of the noise comes from the image's name, and with this one the JPEG is damaged.
    image, simulated, output = (tmp_path / name for name in ("picture.png", "r.csv", "demo"))
    save_image(image, photograph[:128, :128])
    protected = "16qam/6/6/4"
    arguments = ["--images", image, "--baseline", "jpeg", "--output", simulated]
    arguments += ["--workers", "1", "--snr", "3.05", "--scheme", "16qam", protected]
    assert run_here(capfd, "simulate", *arguments).returncode == 0
    rows = {str(row.system): row for row in read_results(simulated)}
    ours = f"vqdeepsc-4s:{protected}"
    for system in ("jpeg", ours):
        arguments = ["--image", image, "--output", output, "--snr", "3.05"]
        arguments += ["--scheme", protected, "--seed", rows[system].seed]
        assert run_here(capfd, "demo", *arguments).returncode == 0
        shown = {str(row.system): row for row in read_results(output / "results.csv")}
        assert list(shown) == [ours, "jpeg"]
        for field in ("symbols", "block_errors", "decoded", "ssim", "psnr_db"):
            assert getattr(shown[system], field) == getattr(rows[system], field), field
        if system == "jpeg":
            # it was decoded, and worse than grey
            assert verdicts == [False]
            assert not shown["jpeg"].decoded


def test_blocks_outlive_a_collection(codec, monkeypatch):
    """Blocks that only the flowgraph knew would be gone when the scheduler calls them."""
    run = gr.top_block.run

    def collect_and_run(top):
        gc.collect()
        run(top)

    monkeypatch.setattr(gr.top_block, "run", collect_and_run)
    link = (codec.bits_per_region, ChannelModel("awgn"), 20.0, 1)
    decoded, errors = send_image(sample_image(), codec.name, *link)
    sent = load_image(sample_image())
    expected = codec.decode_bits(codec.encode_bits(sent), sent.shape[1], sent.shape[0])
    np.testing.assert_array_equal(decoded, expected)
    assert errors == 0


def test_the_model_is_opened_once(tmp_path, photograph, monkeypatch):
    """Each SNR opened it twice more."""
    opened = []

    def note(*arguments):
        opened.append(arguments)
        return read_bundle(*arguments)

    monkeypatch.setattr("vqdeepsc.codec.codec.read_bundle", note)
    save_image(tmp_path / "small.png", photograph[:32, :32])
    results = run_demonstration(
        tmp_path / "small.png", tmp_path / "out", DEFAULT_MODEL, ChannelModel("awgn"), (5, 10), 1
    )
    assert len(results) == 4
    assert len(opened) == 1


@pytest.mark.parametrize("size", [(1, 1), (3, 300)])
def test_small_and_narrow_images_pass(tmp_path, size):
    image = tmp_path / "small.png"
    Image.new("RGB", size, (200, 30, 30)).save(image)
    options = ("--output", tmp_path / "out", "--snr", "10", "--json")
    done = run_command("demo", "--image", image, *options)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout, parse_constant=pytest.fail)["results"]
    assert [row["ssim"] for row in rows] == [None, None]
    plot = ("plot", tmp_path / "out" / "results.csv", "-o", tmp_path / "figure.png")
    assert run_command(*plot).returncode == 0
    assert load_image(tmp_path / "out" / "received.png").shape == (size[1], size[0], 3)


def test_large_images_are_reduced():
    assert fit_image(np.zeros((700, 1400, 3), np.uint8)).shape == (256, 512, 3)
    image = np.zeros((512, 300, 3), np.uint8)
    assert fit_image(image) is image


def test_errors_are_one_sentence(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8nothing")
    assert_one_sentence(run_command("demo", "--image", broken), "broken.jpg")
    assert_one_sentence(run_command("demo", "--channel", "vacuum"), "vacuum")
    assert_one_sentence(run_command("demo", "--model", "nosuchmodel"), "nosuchmodel")
    assert_one_sentence(run_command("demo", "--scheme", "16qam/6"), "3 of the model's 4 scales")


def test_an_image_that_is_gone_is_told(tmp_path):
    """Its folder may vanish between two SNRs; that was taken for a bug."""
    with pytest.raises(ImageError, match=r"gone\.png cannot be read any more"):
        send_image(tmp_path / "gone.png", "vqdeepsc-4s", 20032, ChannelModel("awgn"), 10.0, 1)
