# SPDX-License-Identifier: GPL-3.0-or-later
"""The search at the sender: better indices, never worse ones, within its bounds."""

import csv
import itertools
import json

import numpy as np
import pytest
from conftest import assert_one_sentence, run_here
from tiny_bundle import THREE_SCALES, make_bundle
from vqdeepsc.codec import BundleError, Codec
from vqdeepsc.images import search as searching
from vqdeepsc.images.bitstream import read_bitstream
from vqdeepsc.images.files import crop_square, save_image
from vqdeepsc.images.metrics import psnr, ssim
from vqdeepsc.images.search import GOALS, Search, SearchingCodec


@pytest.fixture(scope="module")
def image(photograph):
    return crop_square(photograph, 128)[:64, 32:96]


def scores(codec, image, indices):
    decoded = codec.decode(codec.one_hot(indices), indices.width, indices.height)
    return float(psnr(image, decoded)), float(ssim(image, decoded))


@pytest.mark.parametrize(
    ("goal", "gains"), [("psnr", (0.2, -1.0)), ("ssim", (-9.0, 0.003)), ("both", (0.05, 0.001))]
)
@pytest.mark.parametrize("model", ["vqdeepsc-4s", "vqdeepsc-3s"])
def test_a_search_makes_better_what_it_is_for(image, model, goal, gains):
    codec = SearchingCodec(model, 1, Search(steps=40, goal=goal))
    before = scores(codec, image, Codec(model, 1).encode(image))
    after = scores(codec, image, codec.encode(image))
    for new, old, gain in zip(after, before, gains, strict=True):
        assert new > old + gain, (before, after)


def test_steps_and_seed_decide_the_indices(image):
    def found(**more):
        indices = SearchingCodec(search=Search(steps=12, **more)).encode(image)
        return np.concatenate([values.ravel() for values in indices.maps.values()])

    assert np.array_equal(found(), found())
    assert not np.array_equal(found(), found(seed=1))


def test_no_search_is_the_encoder(codec, image):
    assert np.array_equal(SearchingCodec().encode_bits(image), codec.encode_bits(image))
    assert not Search().wanted and Search().suffix == ""


@pytest.mark.parametrize("goal", GOALS)
def test_what_is_worse_is_not_taken(codec, image, goal, monkeypatch):
    """Also where the search has gone quite wrong."""
    monkeypatch.setattr(searching, "LEARNING_RATE", -3.0)
    found = SearchingCodec(search=Search(steps=5, goal=goal)).encode_bits(image)
    assert np.array_equal(found, codec.encode_bits(image))


def test_the_time_is_a_bound(codec, image, monkeypatch):
    """With a clock of our own, which jumps: no step begins that could end too late."""
    ticks = itertools.accumulate(itertools.cycle([1.0, 2.0]))
    last = [0.0]

    def clock():
        last[0] = next(ticks)
        return last[0]

    monkeypatch.setattr(searching.time, "process_time", clock)
    own = SearchingCodec(search=Search(seconds=1.0))
    image_search = searching._ImageSearch(own, own._gradient, image, None)
    start = last[0]
    shares = list(image_search._schedule(30.0))
    assert 10 <= len(shares) < 20
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] < 1
    assert last[0] - start <= 30
    assert list(image_search._schedule(0.5)) == []


def test_large_images_are_searched_in_pieces(photograph, monkeypatch):
    monkeypatch.setattr(searching, "PIECE_SIZE", 64)
    monkeypatch.setattr(searching, "PIECE_HALO", 48)
    image = photograph[100:150, 200:390]
    codec = SearchingCodec("vqdeepsc-3s", 1, Search(steps=25, goal="psnr"))
    shapes, shares = [], []
    run = codec._gradient.run

    class Watched:
        def run(self, outputs, feeds):
            shapes.append(feeds["target"].shape)
            return run(outputs, feeds)

    codec._gradient, codec._progress = Watched(), shares.append
    before, found = Codec("vqdeepsc-3s", 1).encode(image), codec.encode(image)
    assert shapes == [(1, 3, 64, width) for width in (112, 160, 112) for _ in range(25)]
    assert shares == sorted(shares) and shares[-1] == 1
    assert scores(codec, image, found)[0] > scores(codec, image, before)[0] + 0.05


def test_errors_are_those_of_the_whole_image(photograph, monkeypatch):
    """Though they are added strip by strip."""
    monkeypatch.setattr(searching, "_STRIP_PIXELS", 2000)
    noisy = np.clip(photograph.astype(int) + np.arange(600)[:, None] % 30, 0, 255).astype(np.uint8)
    own = SearchingCodec(search=Search(steps=1))
    squared, similarity = searching._ImageSearch(own, None, photograph, None).errors(
        photograph, noisy
    )
    assert squared == np.square(photograph.astype(float) - noisy).sum()
    windows = photograph.shape[0] - 10
    assert -similarity / windows == pytest.approx(float(ssim(photograph, noisy)))


def test_images_smaller_than_a_window(codec):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    own = SearchingCodec(search=Search(steps=20))
    first, second = (
        one.decode(one.one_hot(one.encode(image)), 7, 5).astype(float) for one in (codec, own)
    )
    assert np.square(second - image).sum() <= np.square(first - image).sum()


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"seconds": 1e9},
        {"goal": "beauty"},
        {"steps": -1},
        {"seed": -1},
        {"seconds": 1.0, "steps": 1},
    ],
)
def test_wrong_searches_are_refused(wrong):
    with pytest.raises(ValueError, match="search"):
        Search(**wrong)


def test_a_model_without_a_gradient_cannot_be_searched(tmp_path, image, capfd):
    bundle = make_bundle(tmp_path / "tiny", THREE_SCALES)
    SearchingCodec(bundle).encode(image)
    with pytest.raises(BundleError, match=r"model tiny has no gradient\.onnx"):
        SearchingCodec(bundle, search=Search(steps=1))
    path = tmp_path / "image.png"
    save_image(path, image)
    output = tmp_path / "image.vqd"
    given = ("encode", path, "-o", output, "--model", bundle, "--search", "1")
    assert_one_sentence(run_here(capfd, *given), "tiny has no gradient.onnx")
    assert not output.exists()


def test_the_command_line_searches(tmp_path, codec, image, capfd):
    path = tmp_path / "image.png"
    save_image(path, image)
    files = []
    for name in ("first.vqd", "second.vqd"):
        given = ("encode", path, "-o", tmp_path / name, "--search-steps", "10")
        assert run_here(capfd, *given, "--search-for", "psnr").returncode == 0
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    found = codec.from_bits(read_bitstream(tmp_path / "first.vqd").bits, 64, 64)
    assert scores(codec, image, found) > scores(codec, image, codec.encode(image))
    for more in (("--search", "-1"), ("--search", "x"), ("--search-for", "beauty")):
        assert run_here(capfd, "encode", path, "-o", "x.vqd", *more).returncode == 2
    both = ("encode", path, "-o", "x.vqd", "--search", "1", "--search-steps", "2")
    assert_one_sentence(run_here(capfd, *both), "not both")


def test_simulated_searches_are_systems_of_their_own(tmp_path, image, capfd):
    path, output = tmp_path / "image.png", tmp_path / "results.csv"
    save_image(path, image)
    given = ("simulate", "--images", path, "--snr", "10", "--output", output, "--native")
    for more in ((), ("--search-steps", "40")):
        completed = run_here(capfd, *given, "--workers", "1", "--json", *more)
        assert completed.returncode == 0, completed.stderr
        json.loads(completed.stdout)
    with output.open() as file:
        plain, searched = csv.DictReader(file)
    if plain["system"] != "vqdeepsc-4s":
        plain, searched = searched, plain
    assert plain["system"] == "vqdeepsc-4s"
    assert searched["system"] == "vqdeepsc-4s+search-40steps-both"
    assert float(searched["psnr_db"]) > float(plain["psnr_db"])
    assert float(searched["ssim"]) > float(plain["ssim"])
