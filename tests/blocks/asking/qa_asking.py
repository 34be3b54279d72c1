# SPDX-License-Identifier: GPL-3.0-or-later
"""A receiver asks for what is missing of an image, and a sender sends this and no more."""

import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pmt
from flowgraph import photograph
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import END_OF_IMAGES, image_to_pdu, pdu_to_image
from gnuradio.vqdeepsc.blocks.loopback import stored_messages
from gnuradio.vqdeepsc.blocks.requests import Missing, Request
from lossy_bursts import GAP, lossy_bursts
from tiny_bundle import PROGRESSIVE, THREE_SCALES, make_bundle
from vqdeepsc.codec import Codec
from vqdeepsc.limits import MAXIMUM_ANSWERS

SESSION = 9
SIZE = 400, 300  # eight regions: 475 blocks


def frames(image: int) -> list[tuple[int, int, int]]:
    """Image, first block and redundancy version of all frames of an image of that size."""
    return [(image, 64 * region, 0) for region in range(8)]


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Flowgraph(gr.top_block):
    """A sender, a channel that loses bursts, a receiver that asks, and the way back."""

    def __init__(
        self, model, frame_bits=0, code_rate="1/3", lost=None, noisy=None, receiver=None, **sender
    ):
        gr.top_block.__init__(self)
        self.codec = Codec(model)
        self.source = vqdeepsc.semantic_source(
            model=model,
            session=SESSION,
            frame_bits=frame_bits,
            **{"kept_images": 8, "answer_seconds": 1000.0, **sender},
        )
        bits = frame_bits or self.codec.bits_per_region
        self.channel = lossy_bursts(lost or {}, noisy or {}, snr_db=6.0)
        asking = {"most_requests": 3, "ask_after": 2.0, **(receiver or {})}
        self.decoder = vqdeepsc.semantic_decoder(model, **asking)
        self.images, self.requests, self.log = (blocks.message_debug() for _ in range(3))
        bursts = vqdeepsc.burst_receiver(whiten=False)
        self.connect(
            self.source,
            vqdeepsc.burst_transmitter(bits, code_rate=code_rate),
            self.channel,
            vqdeepsc.zero_fill(continuous=False, gap=GAP, tail=20_000),
            bursts,
        )
        self.msg_connect(bursts, "regions", self.decoder, "frames")
        self.msg_connect(bursts, "log", self.log, "store")
        self.msg_connect(self.decoder, "requests", self.source, "requests")
        self.msg_connect(self.decoder, "requests", self.requests, "store")
        self.msg_connect(self.decoder, "images", self.images, "store")

    def send(self, *images) -> None:
        for image in images:
            self.post("images", image_to_pdu(*image))

    def send_all(self, *images) -> None:
        """Run until that many images have come, and the sender waits for requests no more."""
        self.start()
        self.send(*images)
        self.post("images", END_OF_IMAGES)
        wait_until(lambda: self.images.num_messages() >= len(images))
        self.source.set_answer_seconds(0.0)
        self.wait()

    def post(self, port: str, message: pmt.pmt_base) -> None:
        self.source.to_basic_block()._post(pmt.intern(port), message)

    @property
    def received(self) -> list[tuple[int, np.ndarray]]:
        pdus = map(pdu_to_image, stored_messages(self.images))
        return [(number, image) for image, number in pdus]

    @property
    def asked(self) -> list[tuple]:
        requests = map(Request.from_pmt, stored_messages(self.requests))
        return [(request.image, *request.missing) for request in requests]

    @property
    def heard(self) -> list[dict]:
        return [pmt.to_python(line) for line in stored_messages(self.log)]


class TestAsking(gr_unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model = str(make_bundle(Path(cls.folder.name) / "tiny", THREE_SCALES))

    def assert_images(self, flowgraph, images):
        """What came is what all frames of these images decode to."""
        codec = flowgraph.codec
        self.assertEqual([number for number, _ in flowgraph.received], [n for _, n in images])
        for (_, got), (image, _) in zip(flowgraph.received, images, strict=True):
            height, width = image.shape[:2]
            expected = codec.decode_bits(codec.encode_bits(image), width, height)
            # soft bits may be a little less than certain
            self.assertLessEqual(np.abs(got.astype(int) - expected).max(), 1)

    def test_frames_that_were_lost_come_again_and_no_others(self):
        image = photograph(*SIZE), 3
        flowgraph = Flowgraph(self.model, lost={(3, 64): 1, (3, 256): 1})
        flowgraph.send_all(image)
        self.assertEqual(flowgraph.asked, [(3, Missing(64, 64), Missing(256, 64))])
        self.assertEqual(flowgraph.channel.sent, [*frames(3), (3, 64, 0), (3, 256, 0)])
        self.assertEqual((flowgraph.source.answers, flowgraph.source.unknown_requests), (2, 0))
        self.assert_images(flowgraph, [image])

    def test_answers_that_are_lost_are_asked_for_again(self):
        """The end of the image is lost as well, and the silence says so."""
        image = photograph(*SIZE), 3
        flowgraph = Flowgraph(self.model, lost={(3, 64): 2, (3, 256): 1, (3, 448): 2})
        flowgraph.send_all(image)
        one, other, last = Missing(64, 64), Missing(256, 64), Missing(448, 27)
        self.assertEqual(flowgraph.asked, [(3, one, other, last), (3, one, last)])
        again = [(3, 64, 0), (3, 256, 0), (3, 448, 0), (3, 64, 0), (3, 448, 0)]
        self.assertEqual(flowgraph.channel.sent, [*frames(3), *again])
        self.assert_images(flowgraph, [image])

    def test_a_failed_frame_comes_in_the_next_version_and_both_are_decoded_together(self):
        """At rate 3/4 neither version can be decoded at 6 dB."""
        image = photograph(*SIZE), 3
        flowgraph = Flowgraph(self.model, code_rate="3/4", noisy={(3, 128): 2})
        flowgraph.send_all(image)
        self.assertEqual(flowgraph.asked, [(3, Missing(128, 64, (0,)))])
        self.assertEqual(flowgraph.channel.sent, [*frames(3), (3, 128, 2)])
        keys = ("first_block", "redundancy_version", "copies", "block_errors")
        heard = [tuple(line[key] for key in keys) for line in flowgraph.heard]
        self.assertEqual(heard[2][:3], (128, 0, 1))
        self.assertGreater(heard[2][3], 0)
        self.assertEqual(heard[8:], [(128, 2, 2, 0)])
        self.assert_images(flowgraph, [image])

    def test_images_that_follow_do_not_end_one_that_waits(self):
        images = [(photograph(*SIZE), number) for number in range(3, 7)]
        # of the first image two frames, of the second all but one, of the last the end
        lost = {(3, 0): 1, (3, 384): 1, **{(4, 64 * i): 1 for i in range(1, 8)}, (6, 448): 1}
        flowgraph = Flowgraph(self.model, lost=lost)
        flowgraph.send_all(*images)
        sent = Counter(frame[:2] for frame in flowgraph.channel.sent)
        self.assertEqual({frame for frame, count in sent.items() if count > 1}, set(lost))
        self.assertEqual(set(sent), {frame[:2] for i in range(3, 7) for frame in frames(i)})
        received = dict(flowgraph.received)
        self.assertEqual(set(received), {3, 4, 5, 6})
        expected = flowgraph.codec.decode_bits(flowgraph.codec.encode_bits(images[0][0]), *SIZE)
        for image in received.values():
            self.assertLessEqual(np.abs(image.astype(int) - expected).max(), 1)

    def test_frames_of_a_progressive_model_come_again(self):
        model = str(make_bundle(Path(self.folder.name) / "progressive", PROGRESSIVE))
        image = photograph(*SIZE)
        whole = self.progressive(model, image, {})
        self.assertEqual((len(whole.channel.sent), whole.asked), (5, []))
        lost = [whole.channel.sent[i] for i in (0, 2, 4)]
        lossy = self.progressive(model, image, {frame[:2]: 1 for frame in lost})
        self.assertEqual(lossy.channel.sent, [*whole.channel.sent, *lost])
        self.assertEqual(len(lossy.asked), 1)
        (_, expected), (_, got) = *whole.received, *lossy.received
        self.assertLessEqual(np.abs(got.astype(int) - expected).max(), 1)

    def progressive(self, model, image, lost):
        flowgraph = Flowgraph(model, 4000, lost=lost, frames=5)
        flowgraph.send_all((image, 3))
        return flowgraph

    def test_a_hostile_requester_does_no_harm(self):
        """Garbage, other sessions, long lists and floods: images go on, and each frame comes a few
        times at most."""
        images = [(photograph(*SIZE), number) for number in range(3, 6)]
        everything = Request(SESSION, 3, (Missing(0, 475),)).to_pmt()
        hostile = [
            pmt.PMT_NIL,
            pmt.intern("garbage"),
            pmt.make_dict(),
            pmt.dict_add(everything, pmt.intern("missing"), pmt.init_u32vector(1, [1])),
            pmt.dict_add(
                everything, pmt.intern("missing"), pmt.init_u32vector(300_000, [1] * 300_000)
            ),
            pmt.dict_add(everything, pmt.intern("image"), pmt.from_long(-1)),
        ]
        unknown = [
            Request(SESSION + 1, 3, (Missing(0, 475),)).to_pmt(),
            Request(SESSION, 1, (Missing(0, 475),)).to_pmt(),
        ]
        flowgraph = Flowgraph(self.model, receiver={"most_requests": 0})
        flowgraph.start()
        flowgraph.send(images[0])
        wait_until(lambda: len(flowgraph.channel.sent) == 8)
        flowgraph.send(*images[1:])
        for _ in range(100):
            for message in (*hostile, *unknown, *[everything] * 10):
                flowgraph.post("requests", message)
        wait_until(lambda: flowgraph.source.unknown_requests == 200)
        wait_until(lambda: len(flowgraph.channel.sent) == 3 * 8 + flowgraph.source.answers)
        flowgraph.source.set_answer_seconds(0.0)
        flowgraph.post("images", END_OF_IMAGES)
        flowgraph.wait()
        self.assertEqual(flowgraph.source.refused_requests, 600)
        self.assertGreaterEqual(flowgraph.source.answers, 8)
        self.assertLessEqual(flowgraph.source.answers, 8 * MAXIMUM_ANSWERS)
        self.assertEqual(len(flowgraph.channel.sent), 3 * 8 + flowgraph.source.answers)
        # a receiver that does not ask takes the copies for further images
        numbers = [number for number, _ in flowgraph.received]
        self.assertEqual({3, 4, 5}, set(numbers))

    def test_a_sender_that_keeps_nothing_ends_at_once(self):
        flowgraph = Flowgraph(self.model, lost={(3, 64): 1}, kept_images=0, answer_seconds=1000.0)
        flowgraph.send((photograph(*SIZE), 3))
        flowgraph.post("images", END_OF_IMAGES)
        flowgraph.run()
        self.assertEqual(flowgraph.channel.sent, frames(3))
        self.assertEqual([number for number, _ in flowgraph.received], [3])

    def test_parameters_out_of_range_are_refused(self):
        for wrong in ({"kept_images": -1}, {"kept_images": 5000}, {"answer_seconds": -1.0}):
            with self.assertRaises(ValueError):
                vqdeepsc.semantic_source(model=self.model, **wrong)
        for wrong in ({"most_requests": -1}, {"most_requests": 101}, {"ask_after": 0.0}):
            with self.assertRaises(ValueError):
                vqdeepsc.semantic_decoder(self.model, **wrong)
        decoder = vqdeepsc.semantic_decoder(self.model)
        with self.assertRaises(ValueError):
            decoder.set_ask_after(float("inf"))
        with self.assertRaises(ValueError):
            vqdeepsc.semantic_source(model=self.model).set_kept_images(-1)


if __name__ == "__main__":
    gr_unittest.run(TestAsking)
