# SPDX-License-Identifier: GPL-3.0-or-later
"""Models whose bits are an embedded code: any prefix of any run of blocks decodes."""

import json

import numpy as np
import pytest
from tiny_bundle import PROGRESSIVE, THREE_SCALES, make_bundle
from vqdeepsc.codec import BundleError, Codec, Run, RunError, read_manifest, run_of_frame
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.codec.regions import Regions
from vqdeepsc.codec.runs import MAXIMUM_RUN_BLOCKS, region_runs
from vqdeepsc.images import metrics

LAYER_BITS = [1, 9, 57, 121, 185, 249, 313, 377, 441, 505, 569]
WIDTH, HEIGHT = 250, 170  # 16 x 11 blocks


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny-progressive", PROGRESSIVE)


@pytest.fixture(scope="module")
def codec(bundle):
    return Codec(bundle)


@pytest.fixture(scope="module")
def indices(codec, photograph):
    return codec.encode(photograph[:HEIGHT, :WIDTH])


def received(codec, indices, runs):
    return {run: certain_llrs(codec.run_bits(indices, run)) for run in runs}


def test_layers_are_the_scales_and_their_passes(codec):
    assert codec.layout.layer_bits == LAYER_BITS
    assert codec.bits_per_region == 64 * 569 == 36416
    assert codec.layout.embedded


def test_passes_by_hand(codec):
    """Two blocks side by side: 8x16 positions of stride 2, whose rows have 16."""
    places = Regions(32, 16).positions(np.array([[0, 1]]), 2, passes=True)[0]
    first = [16 * y + x for y in range(0, 8, 2) for x in range(0, 16, 2)]
    assert places[:32].tolist() == first
    assert places[32:64].tolist() == [place + 17 for place in first]  # below and to the right
    assert places[64:96].tolist() == [place + 1 for place in first]
    assert places[96:].tolist() == [place + 16 for place in first]


def test_everything_decodes_as_the_codec_does(codec, indices, photograph):
    whole = codec.decode(codec.one_hot(indices), WIDTH, HEIGHT)
    bits = codec.to_bits(indices)
    np.testing.assert_array_equal(codec.decode_bits(bits, WIDTH, HEIGHT), whole)
    again = codec.from_bits(bits, WIDTH, HEIGHT)
    for scale, values in indices.maps.items():
        np.testing.assert_array_equal(again.maps[scale], values)
    runs = region_runs(16 * 11, 569)
    assert [run.first_block for run in runs] == [0, 64, 128]
    decoded = codec.decode_received(received(codec, indices, runs), WIDTH, HEIGHT)
    np.testing.assert_array_equal(decoded, whole)


def test_each_layer_makes_the_image_better(codec, indices, photograph):
    image = photograph[:HEIGHT, :WIDTH]
    quality = []
    for bits in LAYER_BITS:
        runs = region_runs(16 * 11, bits)
        decoded = codec.decode_received(received(codec, indices, runs), WIDTH, HEIGHT)
        quality.append(metrics.psnr(image, decoded))
    assert (np.diff(quality) > 0).all()


def test_a_prefix_is_what_the_whole_begins_with(codec, indices):
    whole = codec.run_bits(indices, Run(5, 40, 569))
    for bits in (1, 2, 100, 313):
        part = codec.run_bits(indices, Run(5, 40, bits))
        np.testing.assert_array_equal(part, whole[: 40 * bits])


def expected(codec, indices, runs):
    """The image as the definition says: position by position, the prior or what the bits say."""
    layout = Regions(WIDTH, HEIGHT)
    maps = {}
    for scale in codec.scales:
        shape = indices.maps[scale.scale].shape
        maps[scale.scale] = np.tile(scale.prior.astype(np.float32), (*shape, 1))
    for run in runs:
        at = 0
        for scale in codec.layout.scales:
            places = layout.positions(run.numbers, scale.stride, scale.passes)[0]
            rows = maps[scale.scale].reshape(-1, scale.codewords)
            for place in places:
                known = min(max(run.bits - at, 0), scale.bits)
                at += scale.bits
                if place < 0 or not known:
                    continue
                index = indices.maps[scale.scale].flat[place]
                fits = np.arange(scale.codewords) >> (scale.bits - known)
                row = np.where(fits == index >> (scale.bits - known), scale.prior, 0)
                rows[place] = row / row.sum()
    return codec.decode(maps, WIDTH, HEIGHT)


@pytest.mark.parametrize("seed", range(20))
def test_any_prefix_and_any_loss_decode(codec, indices, seed):
    rng = np.random.default_rng(seed)
    first, runs = 0, []
    while first < 16 * 11:
        run = Run(first, int(rng.integers(1, 91)), int(rng.integers(1, 570)))
        first += run.blocks
        if rng.random() < 0.6:
            runs.append(run)
    decoded = codec.decode_received(received(codec, indices, runs), WIDTH, HEIGHT)
    difference = np.abs(decoded.astype(int) - expected(codec, indices, runs))
    assert difference.max() <= 1
    assert np.count_nonzero(difference) < 20


def test_soft_bits_of_a_prefix_weigh(codec, indices):
    run = Run(0, 64, 57)
    certain = codec.decode_received(received(codec, indices, [run]), WIDTH, HEIGHT)
    unsure = {run: np.zeros(run.bits, np.float32)}
    nothing = codec.decode_received({}, WIDTH, HEIGHT)
    difference = np.abs(codec.decode_received(unsure, WIDTH, HEIGHT).astype(int) - nothing)
    assert difference.max() <= 1
    assert np.abs(certain.astype(int) - nothing).max() > 20


def test_what_a_frame_carries(codec, tmp_path):
    layout = codec.layout
    assert run_of_frame(layout, 7, 0, 36416) == Run(7, 64, 569)
    assert run_of_frame(layout, 7, 313, 20032) == Run(7, 64, 313)
    assert run_of_frame(layout, 7, 57, 20032) == Run(7, 351, 57)
    assert run_of_frame(layout, 0, 1, 65535) == Run(0, MAXIMUM_RUN_BLOCKS, 1)
    for first, bits, payload, sentence in (
        (0, 570, 65535, "570 bits for each block, the model has 1 to 569"),
        (0, 569, 568, "568 bits, fewer than the 569 of a block"),
    ):
        with pytest.raises(RunError, match=sentence):
            run_of_frame(layout, first, bits, payload)
    three = Codec(make_bundle(tmp_path / "tiny", THREE_SCALES)).layout
    assert (
        run_of_frame(three, 64, 0, 7616) == run_of_frame(three, 64, 119, 7616) == Run(64, 64, 119)
    )
    for first, bits, payload, sentence in (
        (0, 57, 7616, "57 bits for each block, the model has 119"),
        (0, 0, 7615, "a region has 7616 bits, not 7615"),
        (5, 0, 7616, "block 5 is inside a region"),
    ):
        with pytest.raises(RunError, match=sentence):
            run_of_frame(three, first, bits, payload)


@pytest.mark.parametrize("run", [Run(-1, 1, 1), Run(192, 1, 1), Run(0, 1, 570), Run(0, 1, 0)])
def test_runs_that_the_image_lacks_are_refused(codec, run):
    with pytest.raises(ValueError, match="has 3 regions of 36416 bits"):
        codec.decode_received({run: np.zeros(max(run.bits, 0))}, WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"order": "spiral"}, "the order must be one of raster, passes, not 'spiral'"),
        ({"order": "raster"}, "'scale' of a scale must be an integer from 1 to 4"),
        ({"order": "passes", "scales": 2}, "only a model that sends scale 1"),
    ],
)
def test_orders_that_do_not_fit_are_refused(bundle, tmp_path, change, sentence):
    content = json.loads((bundle / "manifest.json").read_text())
    if "scales" in change:
        change = change | {"scales": content["scales"][change["scales"] :]}
    (tmp_path / "manifest.json").write_text(json.dumps(content | change))
    with pytest.raises(BundleError, match=sentence):
        read_manifest(tmp_path)


def test_a_manifest_says_the_order(bundle):
    assert json.loads((bundle / "manifest.json").read_text())["order"] == "passes"
    assert [scale.passes for scale in read_manifest(bundle).scales] == [True, True] + 3 * [False]
    assert [scale.stride for scale in read_manifest(bundle).scales] == [2, 2, 4, 8, 16]
