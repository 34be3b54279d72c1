# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of regions of any images, by anybody."""

import time

import numpy as np
import pytest
from gnuradio.vqdeepsc.blocks.assembler import ImageAssembler
from gnuradio.vqdeepsc.blocks.frames import Burst
from tiny_bundle import make_bundle
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
