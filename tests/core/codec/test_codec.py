# SPDX-License-Identifier: GPL-3.0-or-later
"""The codec with the model that is shipped."""

import resource
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from vqdeepsc.codec import Codec, Regions, Run
from vqdeepsc.codec.inference import NetworkError
from vqdeepsc.codec.regions import region_blocks
from vqdeepsc.images import metrics
from vqdeepsc.images.files import crop_square

CERTAIN = 60.0


def test_what_is_never_used_is_not_opened():
    """Senders opened the decoder, and receivers the encoder."""
    both, sender, receiver = Codec(), Codec(networks=("encoder",)), Codec(networks=("decoder",))
    image = np.arange(128 * 128 * 3, dtype=np.uint8).reshape(128, 128, 3)
    bits = sender.encode_bits(image)
    np.testing.assert_array_equal(bits, both.encode_bits(image))
    np.testing.assert_array_equal(
        receiver.decode_bits(bits, 128, 128), both.decode_bits(bits, 128, 128)
    )
    assert [list(codec.bundle.networks) for codec in (both, sender, receiver)] == [
        ["encoder", "decoder"],
        ["encoder"],
        ["decoder"],
    ]


def soft(bits):
    return np.where(bits == 1, CERTAIN, -CERTAIN)


def test_nothing_of_gnu_radio_is_loaded():
    program = (
        "import sys; from vqdeepsc.codec import Codec; Codec(); "
        "sys.exit(any(name in sys.modules for name in ('gnuradio.gr', 'pmt')))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_properties_follow_the_bundle(codec):
    assert codec.bits_per_region == 20032
    assert codec.name == "vqdeepsc-4s"
    assert f"{codec.model_id:04x}" == codec.bundle.manifest.files["codebooks.npz"][:4]
    assert [scale.scale for scale in codec.scales] == [1, 2, 3, 4]


@pytest.mark.parametrize("size", [(1, 1), (15, 17), (128, 128), (130, 257), (16, 300)])
def test_any_size_goes_through_bits_unchanged(codec, photograph, size):
    height, width = size
    image = photograph[:height, :width]
    indices = codec.encode(image)
    assert (indices.width, indices.height) == (width, height)
    bits = codec.to_bits(indices)
    again = codec.from_bits(bits, width, height)
    for scale in codec.scales:
        padded = (-(-height // 16) * 16 // scale.stride, -(-width // 16) * 16 // scale.stride)
        assert indices.maps[scale.scale].shape == padded
        assert indices.maps[scale.scale].min() >= 0
        assert indices.maps[scale.scale].max() < scale.codewords
        np.testing.assert_array_equal(again.maps[scale.scale], indices.maps[scale.scale])
    decoded = codec.decode(codec.one_hot(indices), width, height)
    assert decoded.shape == (height, width, 3) and decoded.dtype == np.uint8
    np.testing.assert_array_equal(codec.decode_bits(bits, width, height), decoded)


def test_a_photograph_is_recognised(codec, photograph):
    image = crop_square(photograph)
    decoded = codec.decode_bits(codec.encode_bits(image), 128, 128)
    assert metrics.ssim(image, decoded) > 0.75
    assert metrics.psnr(image, decoded) > 22


def test_array_and_pillow_image_are_the_same(codec, photograph):
    image = photograph[:100, :90]
    np.testing.assert_array_equal(
        codec.encode_bits(image), codec.encode_bits(Image.fromarray(image))
    )


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3)),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_images_are_refused(codec, image):
    with pytest.raises(ValueError, match="expected uint8"):
        codec.encode(image)


def test_certain_soft_bits_decode_to_what_hard_bits_do(codec, photograph):
    image = photograph[:140, :150]
    bits = codec.encode_bits(image)
    np.testing.assert_array_equal(
        codec.decode_llrs(soft(bits), 150, 140), codec.decode_bits(bits, 150, 140)
    )


def test_many_images_are_decoded_as_one_by_one(codec, photograph):
    images = [photograph[y : y + 128, x : x + 128] for y, x in ((0, 0), (128, 64), (200, 300))]
    bits = np.stack([codec.encode_bits(image) for image in images])
    llrs = soft(bits) + np.random.default_rng(5).normal(0, 40, bits.shape)
    together = codec.decode_many(llrs, 128, 128)
    hard = codec.decode_many(bits, 128, 128, soft=False)
    for i in range(3):
        np.testing.assert_array_equal(together[i], codec.decode_llrs(llrs[i], 128, 128))
        np.testing.assert_array_equal(hard[i], codec.decode_bits(bits[i], 128, 128))


def test_batches_do_not_change_with_their_size(codec, photograph, monkeypatch):
    bits = np.repeat(codec.encode_bits(photograph[:128, :128])[None], 5, axis=0)
    at_once = codec.decode_many(bits, 128, 128, soft=False)
    monkeypatch.setattr("vqdeepsc.codec.codec.BATCH_PIXELS", 2 * 128 * 128)
    np.testing.assert_array_equal(codec.decode_many(bits, 128, 128, soft=False), at_once)


def test_a_lost_region_is_reconstructed_from_the_prior_and_costs_no_other(codec, photograph):
    image = np.concatenate([photograph[:128], photograph[128:256]], axis=1)  # 10 regions
    width = image.shape[1]
    bits = codec.encode_bits(image)
    whole = codec.decode_bits(bits, width, 128)
    received = np.ones(len(bits), bool)
    received[-1] = False
    hard = codec.decode_bits(bits, width, 128, received)
    from_soft = codec.decode_llrs(soft(bits), width, 128, received)
    np.testing.assert_array_equal(hard, from_soft)
    damage = np.abs(hard.astype(int) - whole).max(axis=(0, 2))
    assert damage[-100:].max() > 20
    assert not damage[: 6 * 128].any()
    without = soft(bits)
    without[-1] = 0
    np.testing.assert_array_equal(codec.decode_llrs(without, width, 128), hard)


def by_region(llrs, regions=None):
    """Soft bits of regions, as what has arrived."""
    regions = range(len(llrs)) if regions is None else regions
    return {Run(64 * region, 64, llrs[region].size // 64): llrs[region] for region in regions}


def from_all_posteriors(codec, llrs, width, height):
    """The image, decoded as the definition says: posteriors of all regions, put together."""
    posteriors = codec.layout.posteriors(llrs)
    layout = Regions(width, height)
    regions = region_blocks(np.arange(layout.count))
    maps = {
        scale.scale: layout.assemble(posteriors[scale.scale], regions, scale.stride)
        for scale in codec.scales
    }
    return codec.decode(maps, width, height)


@pytest.mark.parametrize("model", ["vqdeepsc-4s", "vqdeepsc-3s"])
def test_posteriors_by_tile_decode_to_the_same_image(model, monkeypatch):
    monkeypatch.setattr("vqdeepsc.codec.tiling.TILE_SIZE", 384)
    codec = Codec(model)
    width, height = 810, 430
    llrs = np.random.default_rng(6).normal(0, 6, (22, codec.bits_per_region)).astype(np.float32)
    expected = from_all_posteriors(codec, llrs, width, height)
    np.testing.assert_array_equal(codec.decode_llrs(llrs, width, height), expected)
    received = codec.decode_received(by_region(llrs), width, height)
    np.testing.assert_array_equal(received, expected)
    hard = codec.decode_bits((llrs > 0).astype(np.uint8), width, height)
    certain = from_all_posteriors(codec, soft((llrs > 0).astype(int)), width, height)
    np.testing.assert_array_equal(hard, certain)


def test_progress_of_images_of_several_tiles(bundle, monkeypatch):
    monkeypatch.setattr("vqdeepsc.codec.tiling.TILE_SIZE", 64)
    shares = []
    codec = Codec(bundle, progress=shares.append)
    small, large = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 190, 3), np.uint8)
    codec.decode_bits(codec.encode_bits(small), 64, 64)
    assert shares == []
    bits = codec.encode_bits(large)
    assert shares == [1 / 3, 2 / 3, 1]
    codec.decode_bits(bits, 190, 64)
    assert shares == [1 / 3, 2 / 3, 1] * 2


@pytest.mark.parametrize("model", ["vqdeepsc-4s", "vqdeepsc-3s"])
@pytest.mark.parametrize("arrived", [[], [0], [17], [21], [8, 20]])
def test_where_nothing_arrived_the_prior_is_decoded(model, arrived, monkeypatch):
    monkeypatch.setattr("vqdeepsc.codec.tiling.TILE_SIZE", 384)
    codec = Codec(model)
    width, height = 810, 430
    llrs = np.zeros((22, codec.bits_per_region), np.float32)
    rng = np.random.default_rng(7)
    llrs[arrived] = rng.normal(0, 6, (len(arrived), codec.bits_per_region))
    expected = from_all_posteriors(codec, llrs, width, height).astype(int)
    decoded = codec.decode_received(by_region(llrs, arrived), width, height)
    difference = np.abs(decoded - expected)
    # the last bits of sums differ with the size of what the networks get
    assert difference.max() <= 1
    assert np.count_nonzero(difference) < 20


def test_regions_that_are_none_are_refused(codec):
    region = np.zeros(codec.bits_per_region, np.float32)
    for number, values in ((-1, region), (3, region), (0, region[1:])):
        with pytest.raises(ValueError, match="has 3 regions of 20032 bits"):
            codec.decode_received({Run(64 * number, 64, 313): values}, 200, 200)


def test_an_image_takes_the_memory_of_a_tile_and_not_of_all_its_regions(codec, monkeypatch):
    monkeypatch.setattr("vqdeepsc.codec.tiling.TILE_SIZE", 256)
    # one row of 48 regions of which all have arrived, and 2,500 of which one has
    region = np.random.default_rng(8).normal(0, 6, codec.bits_per_region).astype(np.float32)
    tracemalloc.start()
    try:
        codec.decode_received(by_region([region] * 48), 48 * 128, 128)
        row = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        image = codec.decode_received(by_region([region]), 6320, 6320)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # posteriors of 48 regions take 13 MB, and twice that while they are made
    assert row < 13e6
    # and those of 2,500 regions 678 MB
    assert most < image.nbytes + 40e6


def test_nothing_received_still_decodes(codec):
    decoded = codec.decode_llrs(np.zeros((3, codec.bits_per_region)), 200, 200, np.zeros(3, bool))
    assert decoded.shape == (200, 200, 3)


def test_wrong_numbers_of_regions_are_refused(codec):
    bits = np.zeros((4, codec.bits_per_region), np.uint8)
    for call in (codec.decode_bits, codec.decode_llrs, codec.from_bits):
        with pytest.raises(ValueError, match="takes 3 regions"):
            call(bits, 200, 200)
    with pytest.raises(ValueError, match="one flag for each"):
        codec.decode_llrs(bits[:1], 100, 100, [True, False])


def test_threads_do_not_change_an_image(codec, photograph):
    single = Codec(threads=1)
    image = photograph[:256, :256]
    bits = codec.encode_bits(image)
    np.testing.assert_array_equal(single.encode_bits(image), bits)
    np.testing.assert_array_equal(
        single.decode_bits(bits, 256, 256), codec.decode_bits(bits, 256, 256)
    )


def test_large_images_are_cut_without_seams(codec, photograph, monkeypatch):
    image = np.tile(photograph[:100], (1, 2, 1))
    whole = codec.encode(image)
    decoded = codec.decode(codec.one_hot(whole), 1200, 100)
    monkeypatch.setattr("vqdeepsc.codec.tiling.TILE_SIZE", 384)
    cut = codec.encode(image)
    for scale, indices in whole.maps.items():
        np.testing.assert_array_equal(cut.maps[scale], indices)
    np.testing.assert_array_equal(codec.decode(codec.one_hot(whole), 1200, 100), decoded)
    monkeypatch.setattr("vqdeepsc.codec.tiling.HALO", 16)
    assert not np.array_equal(codec.decode(codec.one_hot(whole), 1200, 100), decoded)


def test_memory_stays_flat(codec, photograph):
    image = photograph[:48, :48]

    def frames(count):
        for _ in range(count):
            codec.decode_llrs(soft(codec.encode_bits(image)), 48, 48)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, the highest so far

    frames(30)
    before = frames(1)
    assert frames(200) - before < 8 * 1024


def test_a_network_that_is_stopped_ends_in_the_middle_of_its_work(photograph):
    """Work on a large image would go on for minutes after a signal."""
    codec = Codec()
    large = np.tile(photograph, (6, 4, 1))
    started, raised = threading.Event(), []

    def encode():
        started.set()
        try:
            while True:
                codec.encode(large)
        except NetworkError as error:
            raised.append(str(error))

    work = threading.Thread(target=encode)
    work.start()
    started.wait()
    codec.bundle.stop()
    work.join()
    assert raised == ["the network was stopped"]
    with pytest.raises(NetworkError, match="was stopped"):
        codec.decode_bits(np.zeros((1, codec.bits_per_region), np.uint8), 128, 128)
