# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of regions of any images, by anybody."""

import time

import numpy as np
import pytest
from gnuradio.vqdeepsc.blocks.assembler import ImageAssembler
from gnuradio.vqdeepsc.blocks.frames import Burst, FrameError, bits_to_llrs, image_to_frames
from tiny_bundle import PROGRESSIVE, make_bundle
from vqdeepsc.allocation import Budget
from vqdeepsc.codec import Codec, region_count
from vqdeepsc.kernels import REGION_BLOCKS, FrameHeader
from vqdeepsc.limits import MAXIMUM_IMAGES_IN_FLIGHT, MAXIMUM_REGIONS_IN_FLIGHT


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    return Codec(make_bundle(tmp_path_factory.mktemp("models") / "tiny", {4: 2}))


@pytest.fixture
def assembler(codec):
    sentences = []
    assembler = ImageAssembler(codec, on_drop=sentences.append)
    assembler.sentences = sentences
    return assembler


TOO_LITTLE = (
    "image 1 dropped: {} of 33 regions arrived, less than one in 16 (--limit missing-ratio)"
)


def header(codec, session, region=0, width=128, height=128, image=1):
    return FrameHeader(
        model=codec.model_id,
        session=session,
        image=image,
        width=width,
        height=height,
        first_block=region * REGION_BLOCKS,
    )


def test_an_image_of_which_too_little_arrived_is_dropped(codec, assembler):
    llrs = np.ones(codec.bits_per_region, np.float32)
    width, height = 128 * 33, 128
    assert region_count(width, height) == 33
    for arrived, decoded in ((1, 0), (2, 0), (3, 1)):
        for region in range(arrived):
            assert not assembler.add(header(codec, 5, region, width, height), llrs)
        assert len(list(assembler.flush())) == decoded
    assert assembler.sentences == [TOO_LITTLE.format(1), TOO_LITTLE.format(2)]
    # the next image of the sender ends this one
    assembler.add(header(codec, 5, 0, width, height), llrs)
    assert not assembler.add(header(codec, 5, 0, width, height, image=2), llrs)
    assert assembler.sentences[2:] == [TOO_LITTLE.format(1)]


def test_bursts_that_claim_the_largest_image_cost_nothing(codec, assembler, monkeypatch):
    """Each of them made the receiver decode 40 megapixels."""
    monkeypatch.setattr(codec, "decode_received", None)
    llrs = np.ones(codec.bits_per_region, np.float32)
    count = MAXIMUM_IMAGES_IN_FLIGHT + 50
    for session in range(count):
        assert not assembler.add(header(codec, session, 7, 6400, 6200), llrs)
    sentence = (
        "image 1 dropped: more than the 4,096 images allowed (--limit images-in-flight) are in "
        "flight"
    )
    assert assembler.sentences == [sentence] * 50
    assert not list(assembler.flush())
    assert len(assembler.sentences) == count and not assembler.has_begun


def test_a_good_image_arrives_among_thousands(codec, assembler):
    """Its sender goes on, and the others that went on least are dropped."""
    llrs = np.ones(codec.bits_per_region, np.float32)
    done = []
    for region in range(4):
        for hostile in range(2000):
            done += assembler.add(header(codec, 100 + 2000 * region + hostile, 0, 256, 256), llrs)
        done += assembler.add(header(codec, 7, region, 256, 256, image=3), llrs)
    assert [(image.number, image.received) for image in done] == [(3, 4)]
    # soft bits of a few images are held to their number too
    for region in range(MAXIMUM_REGIONS_IN_FLIGHT):
        assembler.add(header(codec, 8, region, 128 * 65, 128 * 65), llrs)
    before = len(assembler.sentences)
    assembler.add(header(codec, 9, 0, 128 * 65, 128 * 65), llrs)
    assert assembler.sentences[before:] == [
        "image 1 dropped: more than the 4,096 regions allowed (--limit regions-in-flight) are in "
        "flight"
    ]


def test_a_receiver_that_lags_behind_does_not_count_its_own_delay(codec, assembler):
    """What waited behind a slow image was taken for late, and the image decoded without it."""
    llrs = np.ones(codec.bits_per_region, np.float32)
    long_ago = time.monotonic() - 100.0

    def add(session, region, seconds):
        burst = Burst(snr_db=10.0, decoded_at=long_ago + seconds)
        done = assembler.add(header(codec, session, region, 256, 128), llrs, burst=burst)
        return done + list(assembler.flush(3.0, burst.decoded_at))

    assert not add(5, 0, 0.0)
    assert not add(6, 0, 1.0)
    (image,) = add(5, 1, 2.0)
    assert image.received == 2
    (late,) = add(7, 0, 4.5)
    assert late.received == 1


@pytest.fixture(scope="module")
def progressive(tmp_path_factory):
    return Codec(make_bundle(tmp_path_factory.mktemp("models") / "progressive", PROGRESSIVE))


def test_frames_of_any_number_of_blocks_make_an_image(progressive, photograph):
    image = photograph[:300, :400]  # 19 x 25 blocks, 7.4 regions
    frames = list(image_to_frames(progressive, image, 7, 1, 4000, Budget(bits=24_000)))
    assert len(frames) == 6
    blocks = np.diff([frame.header.first_block for frame in frames] + [475])
    assert blocks.min() < 0.7 * blocks.max()
    assembler = ImageAssembler(progressive, copies=2)
    done = []
    for frame in np.random.default_rng(1).permutation(12):
        assert not done
        frame_header, bits = frames[frame % 6]
        done = assembler.add(frame_header, bits_to_llrs(bits))
    (whole,) = done
    assert (whole.regions, whole.received) == (8, 8)
    assert not assembler.has_begun
    # without the first frame
    for frame_header, bits in frames[1:]:
        assert not assembler.add(frame_header, bits_to_llrs(bits))
    (part,) = assembler.flush()
    assert (part.regions, part.received) == (8, min(-(-(475 - blocks[0]) // 64), 7))
    difference = np.abs(part.image.astype(int) - whole.image)
    assert difference[:128, :16].mean() > 10
    assert not difference[-20:].any()


def test_frames_that_the_model_does_not_send_are_refused(progressive):
    assembler = ImageAssembler(progressive)
    for bits, first, length, sentence in (
        (570, 0, 36_416, "570 bits for each block, the model has 1 to 569"),
        (313, 0, 312, "312 bits, fewer than the 313 of a block"),
    ):
        frame_header = FrameHeader(
            model=progressive.model_id, width=128, height=128, first_block=first, block_bits=bits
        )
        with pytest.raises(FrameError, match=sentence):
            assembler.add(frame_header, np.zeros(length, np.float32))
