# SPDX-License-Identifier: GPL-3.0-or-later
"""Bits where they are needed: budgets, and how frames of one length are cut."""

import itertools

import numpy as np
import pytest
from tiny_bundle import PROGRESSIVE, THREE_SCALES, make_bundle
from vqdeepsc.allocation import Budget, encode_frames, frames_of_bits
from vqdeepsc.allocation.distortion import block_errors, layer_errors
from vqdeepsc.allocation.frames import FramePlan
from vqdeepsc.codec import Codec, Regions, Run, run_of_frame
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.errors import ParameterError
from vqdeepsc.images import metrics

LAYER_BITS = [1, 9, 57, 121, 185, 249, 313, 377, 441, 505, 569]


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    return Codec(make_bundle(tmp_path_factory.mktemp("models") / "tiny", PROGRESSIVE))


@pytest.fixture(scope="module")
def half_flat(photograph):
    """An image of which the left half is one colour."""
    image = photograph[:256, :256].copy()
    image[:, :128] = image[0, 0]
    return image


def received(codec, allocation, width, height):
    """What a receiver makes of the frames: it knows the header of each and how long it is."""
    runs = [
        run_of_frame(codec.layout, run.first_block, run.block_bits, allocation.frame_bits)
        for run in allocation.runs
    ]
    assert runs == allocation.runs
    llrs = {
        run: certain_llrs(bits[: run.bits]) for run, bits in zip(runs, allocation.bits, strict=True)
    }
    return codec.decode_received(llrs, width, height)


def test_errors_of_blocks_by_hand():
    image = np.zeros((20, 33, 3), np.uint8)
    decoded = image.copy()
    decoded[3, 4] = (1, 2, 3)
    decoded[19, 32] = 5
    decoded[17, 0, 1] = 255
    layout = Regions(33, 20)
    errors = block_errors(image, decoded, layout)
    assert errors[layout.of_blocks(np.array([0]), np.array([0]))] == 14
    assert errors[layout.of_blocks(np.array([1]), np.array([2]))] == 75
    assert errors[layout.of_blocks(np.array([1]), np.array([0]))] == 255**2
    assert errors.sum() == 14 + 75 + 255**2


def test_errors_of_layers_are_those_of_the_decoded_image(codec, photograph):
    image = photograph[:100, :200]
    indices = codec.encode(image)
    errors = layer_errors(codec, image, indices)
    assert errors.shape == (11, 7 * 13)
    decoded = codec.decode(codec.one_hot(indices), 200, 100)
    assert errors[-1].sum() == np.square(image.astype(int) - decoded).sum()
    assert (np.diff(errors.sum(axis=1)) < 0).all()


def least_error(errors, layer_bits, frame_bits, frames):
    """By trial of every way to cut the blocks, where only the last frame may not be full."""
    blocks = errors.shape[1]
    best = np.inf
    for cuts in itertools.combinations_with_replacement(range(blocks + 1), frames - 1):
        total = 0.0
        for first, end in itertools.pairwise((0, *cuts, blocks)):
            if end > first:
                bits = frame_bits // (end - first)
                if end < blocks and frame_bits // bits != end - first:
                    total = np.inf
                total += sum(np.interp(bits, layer_bits, errors[:, n]) for n in range(first, end))
        best = min(best, total)
    return best


def test_cuts_are_the_best_that_there_are():
    rng = np.random.default_rng(3)
    layer_bits = [1, 3, 9]
    for _ in range(20):
        errors = np.sort(rng.exponential(1, (3, 9)) ** 3, axis=0)[::-1]
        plan = FramePlan(errors, layer_bits, 9)
        for frames in (1, 2, 3, 5):
            runs = plan.runs(frames)
            assert len(runs) <= frames
            covered = [
                n for run in runs for n in range(run.first_block, run.first_block + run.blocks)
            ]
            assert covered[:9] == list(range(9))
            total = sum(
                np.interp(run.block_bits, layer_bits, errors[:, n])
                for run in runs
                for n in run.numbers[0]
                if n < 9
            )
            assert total == pytest.approx(least_error(errors, layer_bits, 9, frames))


def test_images_with_too_many_blocks_and_frames_share_evenly(monkeypatch):
    monkeypatch.setattr("vqdeepsc.allocation.frames._LARGEST_TABLE", 63)
    errors = np.random.default_rng(1).random((11, 32)).cumsum(axis=0)[::-1]
    plan = FramePlan(errors, LAYER_BITS, 1000)
    assert plan.runs(2) == [Run(0, 16, 62), Run(16, 16, 62)]
    assert plan.runs(3) == [Run(0, 11, 90), Run(11, 11, 90), Run(22, 10, 100)]


def test_bits_go_where_layers_are_worth_more(codec, half_flat):
    allocation = encode_frames(codec, half_flat, Budget(bits=40_000), about=4000)
    assert allocation.bits.shape == (10, 4000)
    errors = layer_errors(codec, half_flat, codec.encode(half_flat))
    worth = errors[2] - errors[-1]  # of the passes
    bits = np.empty(256)
    for run in allocation.runs:
        bits[run.first_block : run.first_block + run.blocks] = run.block_bits
    numbers = Regions(256, 256).under(slice(0, 256), slice(0, 256))
    flat, rest = numbers[:, :8], numbers[:, 8:]
    more, less = (flat, rest) if worth[flat].sum() > worth[rest].sum() else (rest, flat)
    assert bits[more].mean() > 2 * bits[less].mean()
    evenly = encode_frames(codec, half_flat, frame_bits=10_000)
    assert evenly.bits.size == 40_000
    better, worse = (
        metrics.psnr(half_flat, received(codec, one, 256, 256)) for one in (allocation, evenly)
    )
    assert better > worse + 0.3


@pytest.mark.parametrize("size", [(128, 128), (250, 170), (16, 16), (5, 3)])
def test_any_budget_is_kept_and_decodes(codec, photograph, size):
    width, height = size
    image = photograph[:height, :width]
    blocks = -(-width // 16) * -(-height // 16)
    for bits in (blocks, 2 * blocks + 1, 100 * blocks, 569 * blocks - 1, 10**9):
        allocation = encode_frames(codec, image, Budget(bits=bits))
        assert allocation.bits.size <= bits
        assert allocation.bits.size > min(bits, 569 * blocks) - len(allocation.runs)
        assert received(codec, allocation, width, height).shape == image.shape
    whole = codec.decode(codec.one_hot(codec.encode(image)), width, height)
    allocation = encode_frames(codec, image)
    assert allocation.frame_bits == 36416
    np.testing.assert_array_equal(received(codec, allocation, width, height), whole)


def test_bits_for_each_pixel(codec, photograph):
    allocation = encode_frames(
        codec, photograph[:128, :128], Budget(bits_per_pixel=20_032 / 128**2)
    )
    (run,) = allocation.runs
    assert (run.blocks, run.block_bits, allocation.frame_bits) == (64, 313, 20_032)


@pytest.mark.parametrize("frame_bits", [0, 3000])
def test_a_quality_takes_as_few_bits_as_give_it(codec, photograph, frame_bits):
    image = photograph[:170, :250]
    whole = encode_frames(codec, image)
    best = metrics.psnr(image, received(codec, whole, 250, 170))
    asked = best - 0.3
    allocation = encode_frames(codec, image, Budget(psnr_db=asked), frame_bits=frame_bits)
    assert metrics.psnr(image, received(codec, allocation, 250, 170)) >= asked
    fewer = int(allocation.bits.size / 1.03) - frame_bits
    less = encode_frames(codec, image, Budget(bits=fewer), frame_bits=frame_bits)
    assert metrics.psnr(image, received(codec, less, 250, 170)) < asked
    # what the model does not reach gets all that it has
    most = encode_frames(codec, image, Budget(psnr_db=99))
    assert metrics.psnr(image, received(codec, most, 250, 170)) == pytest.approx(best, abs=0.01)


def test_frames_of_one_length(codec, photograph):
    image = photograph[:170, :250]  # 176 blocks
    allocation = encode_frames(codec, image, Budget(bits_per_pixel=1), frame_bits=8000)
    assert allocation.frame_bits == 8000 and len(allocation.runs) == 42_500 // 8000
    assert encode_frames(codec, image, Budget(bits=100), frame_bits=8000).bits.shape == (1, 8000)


def test_frames_of_large_images():
    assert frames_of_bits(20_032, 128, 128) == (1, 20_032)
    assert frames_of_bits(20_033, 128, 128) == (2, 10_016)
    assert frames_of_bits(200_000, 4000, 3000) == (46, 4347)  # 47,000 blocks
    with pytest.raises(ParameterError, match="46,999 bits are too few for an image of 4000x3000"):
        frames_of_bits(46_999, 4000, 3000)


def test_wrong_budgets_are_one_sentence(codec, photograph, tmp_path):
    image = photograph[:128, :128]
    for budget, more, sentence in (
        (Budget(bits=63), {}, "63 bits are too few for an image of 128x128, .* at least 64"),
        (Budget(), {"frame_bits": 63}, "frame_bits is 63, but model tiny takes 64 to 65,535"),
        (Budget(bits=64), {"frame_bits": 70_000}, "frame_bits is 70000"),
    ):
        with pytest.raises(ParameterError, match=sentence):
            encode_frames(codec, image, budget, **more)
    three = Codec(make_bundle(tmp_path / "three", THREE_SCALES))
    with pytest.raises(ParameterError, match="only a progressive model takes a budget"):
        encode_frames(three, image, Budget(bits=7616))
    with pytest.raises(ParameterError, match="frame_bits is 7615, but a region of three has 7616"):
        encode_frames(three, image, frame_bits=7615)
    assert encode_frames(three, image, frame_bits=8000).bits.shape == (1, 8000)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"bits": -1}, "must be above 0"),
        ({"bits_per_pixel": float("nan")}, "must be above 0"),
        ({"bits_per_pixel": float("inf")}, "must be above 0"),
        ({"psnr_db": 101}, "at most 100 dB"),
        ({"psnr_db": 30, "bits": 5}, "not two of them"),
    ],
)
def test_budgets_out_of_range_are_refused(values, sentence):
    with pytest.raises(ParameterError, match=sentence):
        Budget(**values)
