# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for, by a receiver and by anybody, and what a sender makes of it."""

import json

import numpy as np
import pmt
import pytest
from gnuradio.vqdeepsc.blocks.assembler import ImageAssembler
from gnuradio.vqdeepsc.blocks.frames import Burst, Frame, image_to_frames
from gnuradio.vqdeepsc.blocks.kept_frames import KeptFrames
from gnuradio.vqdeepsc.blocks.requests import Asking, Missing, Request, RequestError
from tiny_bundle import PROGRESSIVE, make_bundle
from vqdeepsc.allocation import Budget
from vqdeepsc.codec import Codec
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.kernels import REGION_BLOCKS, FrameHeader
from vqdeepsc.limits import MAXIMUM_ANSWERS, MAXIMUM_REQUEST_RUNS

SESSION = 5


def test_a_request_stays_the_same_as_message_and_as_json():
    request = Request(
        2**32 - 1, 65_535, (Missing(0, 64), Missing(64, 1, (0,)), Missing(2**24 - 5, 5, (0, 2, 3)))
    )
    assert Request.from_pmt(request.to_pmt()) == request
    assert Request.from_json(request.to_json().encode()) == request
    assert json.loads(request.to_json()) == {
        "session": 2**32 - 1,
        "image": 65_535,
        "missing": [[0, 64, []], [64, 1, [0]], [2**24 - 5, 5, [0, 2, 3]]],
    }


def test_the_largest_request_fits_into_a_message():
    first = 2**24 - 2 * MAXIMUM_REQUEST_RUNS
    runs = (Missing(first + 2 * i, 2, (0, 1, 2, 3)) for i in range(MAXIMUM_REQUEST_RUNS))
    request = Request(2**32 - 1, 65_535, tuple(runs))
    assert Request.from_json(request.to_json().encode()) == request
    assert Request.from_pmt(request.to_pmt()) == request


def as_message(session=1, image=1, missing=None):
    dictionary = pmt.make_dict()
    for key, value in (("session", session), ("image", image)):
        dictionary = pmt.dict_add(dictionary, pmt.intern(key), pmt.to_pmt(value))
    values = pmt.init_u32vector(3, [0, 1, 0]) if missing is None else missing
    return pmt.dict_add(dictionary, pmt.intern("missing"), values)


@pytest.mark.parametrize(
    "message",
    [
        pmt.PMT_NIL,
        pmt.intern("request"),
        pmt.make_dict(),
        pmt.cons(pmt.from_long(1), pmt.from_long(2)),
        as_message(session=-1),
        as_message(session=2**32),
        as_message(session=1.0),
        as_message(session="1"),
        as_message(image=65_536),
        as_message(missing=pmt.init_f32vector(3, [0.0, 1.0, 0.0])),
        as_message(missing=pmt.PMT_NIL),
        as_message(missing=pmt.init_u32vector(0, [])),
        as_message(missing=pmt.init_u32vector(2, [0, 1])),
        as_message(missing=pmt.init_u32vector(3, [0, 0, 0])),
        as_message(missing=pmt.init_u32vector(3, [0, 1, 16])),
        as_message(missing=pmt.init_u32vector(3, [2**24, 1, 0])),
        as_message(missing=pmt.init_u32vector(3, [1, 2**24, 0])),
        as_message(missing=pmt.init_u32vector(3, [2**32 - 1, 2**32 - 1, 0])),
        as_message(missing=pmt.init_u32vector(6, [5, 1, 0, 4, 1, 0])),
        as_message(missing=pmt.init_u32vector(6, [5, 2, 0, 6, 1, 0])),
        as_message(missing=pmt.init_u32vector(3_000_000, [1] * 3_000_000)),
    ],
)
def test_other_messages_are_refused(message):
    with pytest.raises(RequestError, match="request"):
        Request.from_pmt(message)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[1]",
        b"{}",
        b"[" * 60_000,
        b'{"session": 1, "image": 1}',
        b'{"session": 1, "image": 1, "missing": []}',
        b'{"session": 1, "image": 1, "missing": {}}',
        b'{"session": 1, "image": 1, "missing": [[0, 1, []]], "more": 1}',
        b'{"session": true, "image": 1, "missing": [[0, 1, []]]}',
        b'{"session": 1, "image": 1e999, "missing": [[0, 1, []]]}',
        b'{"session": 1, "image": 1, "missing": [[0, 1]]}',
        b'{"session": 1, "image": 1, "missing": [[0, 1, 0]]}',
        b'{"session": 1, "image": 1, "missing": [[0, 1, [4]]]}',
        b'{"session": 1, "image": 1, "missing": [[0, 1, [2, 0]]]}',
        b'{"session": 1, "image": 1, "missing": [[0, 1, [2, 2]]]}',
        b'{"session": 1, "image": 1, "missing": [[0, 1, [[]]]]}',
        b'{"session": 1, "image": 1, "missing": [[0, 1, [0, 0, 0, 0, 0]]]}',
        b'{"session": 1, "image": 1, "missing": [[0.5, 1, []]]}',
        b'{"session": 1, "image": 1, "missing": [["0", 1, []]]}',
        b'{"session": 1, "image": 1, "missing": [[0, 1, []]]}' + b" " * 70_000,
        json.dumps({"session": 1, "image": 1, "missing": [[i, 1, []] for i in range(257)]}),
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(RequestError, match="request"):
        Request.from_json(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("parameters", [(-1, 1.0), (101, 1.0), (1, 0.0), (1, float("nan"))])
def test_asking_is_bounded(parameters):
    with pytest.raises(ValueError, match="must be"):
        Asking(*parameters)


def frames_of(image, count, bits=100):
    """Frames of an image of so many regions."""
    rng = np.random.default_rng(image)
    return [
        Frame(
            FrameHeader(
                session=SESSION, image=image, width=128 * count, height=128, first_block=64 * i
            ),
            rng.integers(0, 2, bits, np.uint8),
        )
        for i in range(count)
    ]


def taken(kept):
    return [(version, frame.header.first_block // 64) for version, frame in kept.take()]


def test_a_sender_sends_what_is_missing_and_no_more():
    kept = KeptFrames(SESSION, 2)
    frames = frames_of(7, 5)
    kept.keep(7, frames)
    assert kept.ask(Request(SESSION, 7, (Missing(64, 64), Missing(192, 100, (0,)))))
    # another receiver, which has nothing of the last frame, whose version 2 alone says nothing
    assert kept.ask(Request(SESSION, 7, (Missing(260, 1),)))
    assert kept.asked == 3
    again = list(kept.take())
    assert [version for version, _ in again] == [0, 2, 0]
    for (_, frame), number in zip(again, (1, 3, 4), strict=True):
        assert frame.header == frames[number].header
        np.testing.assert_array_equal(frame.bits, frames[number].bits)
    assert (kept.asked, kept.answers, list(kept.take())) == (0, 3, [])
    # each redundancy version that has not come, in turn, then the first again
    for versions, following in (((2,), 0), ((0, 2), 3), ((0, 2, 3), 1), ((0, 1, 2, 3), 0)):
        kept.ask(Request(SESSION, 7, (Missing(0, 1, versions),)))
        assert taken(kept) == [(following, 0)]


def test_a_sender_forgets_what_was_long_ago():
    kept = KeptFrames(SESSION, 2)
    for image in (1, 2, 3):
        kept.keep(image, frames_of(image, 1))
    asked = [kept.ask(Request(SESSION, image, (Missing(0, 64),))) for image in (1, 2, 3, 4)]
    assert asked == [False, True, True, False]
    assert not kept.ask(Request(SESSION + 1, 3, (Missing(0, 64),)))
    assert (kept.unknown, kept.asked) == (3, 2)
    # what is forgotten is not sent either
    kept.keep(4, frames_of(4, 1))
    assert len(taken(kept)) == 1
    kept.set_images(0)
    kept.keep(5, frames_of(5, 1))
    assert not kept.ask(Request(SESSION, 4, (Missing(0, 64),)))
    for number in (-1, 4097):
        with pytest.raises(ValueError, match="kept_images"):
            KeptFrames(SESSION, number)


def test_a_sender_keeps_bounded_bytes(monkeypatch):
    monkeypatch.setattr("gnuradio.vqdeepsc.blocks.kept_frames.MAXIMUM_KEPT_BYTES", 10_000)
    kept = KeptFrames(SESSION, 100)
    for image in range(20):
        kept.keep(image, frames_of(image, 4, 4000))  # 2,000 bytes and what belongs to them
    known = [kept.ask(Request(SESSION, image, (Missing(0, 1),))) for image in range(20)]
    assert known == [False] * 18 + [True] * 2
    # one that is too large is not kept, and those before it are not either
    kept.keep(20, frames_of(20, 30, 4000))
    assert not any(kept.ask(Request(SESSION, image, (Missing(0, 1),))) for image in range(21))


def test_a_flood_of_requests_sends_each_frame_a_few_times():
    kept = KeptFrames(SESSION, 1)
    kept.keep(7, frames_of(7, 3))
    for _ in range(1000):
        kept.ask(Request(SESSION, 7, (Missing(0, 2**24),)))
        kept.ask(Request(SESSION, 7, (Missing(0, 64),)))
        assert kept.asked <= 3
        list(kept.take())
    assert kept.answers == 3 * MAXIMUM_ANSWERS


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    return Codec(make_bundle(tmp_path_factory.mktemp("models") / "tiny", {4: 2}))


class Listener:
    """An assembler that asks, and what came of it."""

    def __init__(self, codec, copies=1, most_requests=3):
        self.codec = codec
        self.requests = []
        self.images = []
        self.now = 100.0
        self.assembler = ImageAssembler(
            codec,
            copies,
            asking=Asking(most_requests, 1.0),
            on_request=lambda request: self.requests.append((request.image, *request.missing)),
        )

    def hear(self, image, *regions, of=6, errors=0, version=0):
        """Frames of regions of an image of so many."""
        for region in regions:
            header = FrameHeader(
                model=self.codec.model_id,
                session=SESSION,
                image=image,
                width=256,
                height=64 * of,
                first_block=region * REGION_BLOCKS,
            )
            llrs = np.ones(self.codec.bits_per_region, np.float32)
            burst = Burst(10.0, self.now)
            self._note(self.assembler.add(header, llrs, 1, errors, burst, version))

    def wait(self, seconds):
        self.now += seconds
        self._note(self.assembler.flush(1.0, self.now))

    def _note(self, images):
        self.images += [(image.number, image.received) for image in images]


def test_a_receiver_asks_behind_the_last_frame(codec):
    listener = Listener(codec)
    listener.hear(1, 0)
    listener.hear(1, 2, errors=3)
    listener.hear(1, 3, 5)
    missing = Missing(64, 64), Missing(128, 64, (0,)), Missing(256, 64)
    assert listener.requests == [(1, *missing)]
    # again behind the last one of these, which did not come
    listener.hear(1, 1)
    listener.hear(1, 2, errors=1, version=2)
    assert len(listener.requests) == 1
    listener.hear(1, 4, errors=2)
    missing = Missing(128, 64, (0, 2)), Missing(256, 64, (0,))
    assert listener.requests[1:] == [(1, *missing)]
    listener.hear(1, 2, version=3)
    assert not listener.images
    listener.hear(1, 4, version=2)
    assert listener.images == [(1, 6)] and len(listener.requests) == 2
    # late frames make no image of their own
    listener.hear(1, 4, 5)
    assert not listener.assembler.has_begun


def test_a_receiver_asks_a_bounded_number_of_times(codec):
    listener = Listener(codec)
    listener.hear(1, 0, 5)
    for _ in range(2):
        listener.hear(1, 4, errors=1)
    assert not listener.images
    listener.hear(1, 4, errors=1)
    assert len(listener.requests) == 3 and listener.images == [(1, 3)]


def test_a_receiver_asks_after_a_silence(codec):
    listener = Listener(codec, most_requests=2)
    listener.hear(1, 0, 1)
    listener.wait(0.5)
    assert not listener.requests
    listener.wait(0.6)
    assert listener.requests == [(1, Missing(128, 256))]
    listener.wait(0.9)
    assert len(listener.requests) == 1
    listener.wait(0.2)
    assert len(listener.requests) == 2 and not listener.images
    listener.wait(1.1)
    assert listener.images == [(1, 2)] and not listener.assembler.has_begun
    # the end asks no more
    listener.hear(2, 0, 1)
    listener._note(listener.assembler.flush())
    assert listener.images[1:] == [(2, 2)] and len(listener.requests) == 2


def test_later_images_do_not_end_one_that_was_asked_for(codec):
    listener = Listener(codec)
    listener.hear(1, 0, 1, 2, 4, 5)
    assert listener.requests == [(1, Missing(192, 64))]
    listener.hear(2, *range(6))
    listener.hear(1, 3)
    assert listener.images == [(2, 6), (1, 6)]
    # its end is not heard, nor what answers the request
    listener.hear(3, 0, 1, 2)
    listener.hear(4, *range(6))
    assert listener.requests[1:] == [(3, Missing(192, 192))]
    for image in (5, 6, 7):
        listener.hear(image, *range(6))
    assert len(listener.requests) == 2
    listener.hear(8, *range(6))
    assert listener.requests[2:] == [(3, Missing(192, 192))]
    # eight images wait at most
    for image in range(9, 16):
        listener.hear(image, 0)
    assert listener.images[2:] == [(image, 6) for image in range(4, 9)]
    listener.hear(16, 0)
    assert listener.images[7:] == [(3, 3)]


def test_copies_come_before_a_receiver_asks(codec):
    listener = Listener(codec, copies=2)
    listener.hear(1, 0, 1, 2, 3, 5)
    assert not listener.requests
    listener.hear(1, 0, 4, errors=1, version=2)
    listener.hear(1, 5, version=2)
    assert listener.requests == [(1, Missing(256, 64, (2,)))]
    listener.hear(1, 4)
    assert listener.images == [(1, 6)]
    # an image that is whole waits for no copy
    listener.hear(2, *range(6))
    listener.hear(2, *range(6), version=2)
    assert listener.images[1:] == [(2, 6)] and len(listener.requests) == 1


def test_what_is_missing_of_many_frames_is_asked_for_in_parts(codec):
    count = 2 * MAXIMUM_REQUEST_RUNS + 20
    listener = Listener(codec)
    listener.hear(1, *range(0, count, 2), count - 1, of=count)
    ((_, *first),) = listener.requests
    assert first == [Missing(64 + 128 * i, 64) for i in range(MAXIMUM_REQUEST_RUNS)]
    listener.hear(1, *(run.first_block // 64 for run in first), of=count)
    _, (_, *second) = listener.requests
    assert second == [Missing(first[-1].first_block + 128 * (i + 1), 64) for i in range(9)]


def test_frames_of_any_number_of_blocks_are_asked_for(tmp_path, photograph):
    codec = Codec(make_bundle(tmp_path / "progressive", PROGRESSIVE))
    image = photograph[:300, :400]
    frames = list(image_to_frames(codec, image, 7, SESSION, 4000, Budget(bits=24_000)))
    requests, done = [], []
    assembler = ImageAssembler(codec, asking=Asking(1), on_request=requests.append)

    def hear(frame, version=0, errors=0):
        llrs = certain_llrs(frame.bits)
        done.extend(assembler.add(frame.header, llrs, 1, errors, None, version))

    for number in (0, 2, 3, 5):
        hear(frames[number], errors=int(number == 3))
    first = [frame.header.first_block for frame in frames]
    blocks = np.diff([*first, frames[0].header.blocks])
    (request,) = requests
    assert request.missing == (
        Missing(first[1], blocks[1]),
        Missing(first[3], blocks[3], (0,)),
        Missing(first[4], blocks[4]),
    )
    kept = KeptFrames(SESSION, 1)
    kept.keep(7, frames)
    kept.ask(request)
    again = list(kept.take())
    assert [version for version, _ in again] == [0, 2, 0]
    for version, frame in again:
        hear(frame, version)
    (whole,) = done
    assert (whole.regions, whole.received) == (8, 8)
