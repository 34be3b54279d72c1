# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts through flowgraphs: transmitter, channel, receiver and their parts."""

import os
import tempfile
import threading
import time

import numpy as np
import pmt
from burst_flowgraphs import (
    AMPLITUDE,
    CARRIER_POWER,
    BurstTest,
    headers,
    receive,
    transmit,
)
from gnuradio import blocks, channels, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.loopback import stored_messages

PREAMBLE = 576


class SlowConsumer(gr.basic_block):
    """Takes nothing from its queue but the first region until go_on is set."""

    def __init__(self) -> None:
        gr.basic_block.__init__(self, "slow_consumer", None, None)
        self.began, self.go_on = threading.Event(), threading.Event()
        self.regions: list[int] = []
        self._port = pmt.intern("regions")
        self.message_port_register_in(self._port)
        self.set_msg_handler(self._port, self.take)

    def waiting(self) -> int:
        return self.to_basic_block().nmsgs(self._port)

    def take(self, pdu: pmt.pmt_base) -> None:
        self.began.set()
        self.go_on.wait(120)
        self.regions.append(pmt.to_python(pmt.car(pdu))["first_block"] // 64)

    def take_the_rest(self) -> None:
        while self.waiting():
            self.take(self.to_basic_block().delete_head_nowait(self._port))


class TestBurstBlocks(BurstTest):
    def test_back_to_back_however_the_stream_is_cut(self):
        frames = self.frames(5)
        samples, tags = transmit(frames, headers(5))
        length = samples.size // 5
        expected = []
        for i in range(5):
            expected += [(i * length, "frame"), (i * length, "tx_sob")]
            expected.append(((i + 1) * length - 1, "tx_eob"))
        self.assertEqual(tags, expected)
        self.assertLessEqual(np.abs(samples).max(), 1.0001)
        self.assertAlmostEqual(np.sqrt(np.mean(np.abs(samples) ** 2)), AMPLITUDE, delta=0.01)
        received = samples + self.noise(samples.size, 12)
        for chunk in (None, 17, 1000):
            with self.subTest(chunk=chunk):
                regions, log = receive(received, chunk=chunk)
                self.assert_received(regions, log, frames, headers(5))
                self.assertEqual([line["offset"] for line in log], [i * length for i in range(5)])
                for line in log:
                    self.assertAlmostEqual(line["snr_db"], 12, delta=1)

    def test_gaps_offsets_and_paths_of_a_channel_model(self):
        frames = self.frames(6)
        samples, _ = transmit(frames, headers(6))
        parts = []
        for burst in np.split(samples, 6):
            parts += [np.zeros(self.rng.integers(0, 3000), np.complex64), burst]
        # channel_model holds the last samples back.
        stream = np.concatenate([*parts, np.zeros(1000, np.complex64)])
        for taps in ([1], [1, 0, 0, 0.4j, 0, 0, 0, 0, 0, -0.3]):
            for epsilon, offset in ((1 + 20e-6, 0.048), (1 - 20e-6, -0.096)):
                with self.subTest(taps=taps, epsilon=epsilon):
                    noise = np.sqrt(CARRIER_POWER * np.sum(np.abs(taps) ** 2) / 10)
                    channel = channels.channel_model(noise, offset, epsilon, taps, 3)
                    regions, log = receive(stream, channel)
                    self.assert_received(regions, log, frames, headers(6))
                    for line in log:
                        self.assertAlmostEqual(line["cfo"], offset, delta=1e-4)
                        self.assertAlmostEqual(line["cfo_hz"], offset * 1e6, delta=100)

    def test_a_carrier_at_0_hz_is_taken_away(self):
        frames = self.frames(3)
        samples, _ = transmit(frames, headers(3))
        gap = np.zeros(700, np.complex64)
        # A burst at the very start, one after silence, one at the very end.
        sent = np.insert(samples, samples.size // 3, gap)
        for offset in (0.0, 0.021):
            rotation = np.exp(2j * np.pi * offset * np.arange(sent.size))
            received = (sent * rotation + self.noise(sent.size, 16)).astype(np.complex64)
            for over in (-10, 0, 8, 20, 30):
                leak = AMPLITUDE * 10 ** (over / 20) * np.exp(2j)
                with self.subTest(offset=offset, over=over):
                    regions, log = receive(received + np.complex64(leak))
                    self.assert_received(regions, log, frames, headers(3))
        _, log = receive(
            received + np.complex64(leak),
            receiver=vqdeepsc.burst_receiver(remove_dc=False, whiten=False),
        )
        self.assertEqual(log, [])

    def test_swapped_i_and_q_are_found_and_swapped_back(self):
        frames = self.frames(4)
        samples, _ = transmit(frames, headers(4))
        turn = np.exp(2j * np.pi * 0.03 * np.arange(samples.size))
        sent = samples * turn + self.noise(samples.size, 10) + AMPLITUDE * np.exp(2j)
        half = sent.size // 2
        for name, received in (
            ("swapped", sent.imag + 1j * sent.real),
            ("other sideband", sent.conj()),
            # a receiver that is told to swap on the way
            ("half", np.concatenate([sent[:half], sent[half:].conj()])),
        ):
            with self.subTest(name):
                regions, log = receive(received.astype(np.complex64))
                self.assert_received(regions, log, frames, headers(4))
                mirrored = [line["mirrored"] for line in log]
                self.assertEqual(mirrored, [name != "half", name != "half", True, True])
                for line in log:
                    self.assertAlmostEqual(line["cfo"], 0.03, delta=1e-4)
                    self.assertAlmostEqual(line["snr_db"], 10, delta=1)

    def test_a_slow_consumer_holds_the_samples_back(self):
        count, bits = 20, 100
        frames = self.frames(count, bits)
        samples, _ = transmit(frames, headers(count), fft_size=64, cyclic_prefix=8)
        for backlog in (3, 1000):
            with self.subTest(backlog=backlog):
                top = gr.top_block()
                source = blocks.vector_source_c(samples.tolist())
                receiver = vqdeepsc.burst_receiver(64, 8, backlog=backlog)
                consumer, log = SlowConsumer(), blocks.message_debug()
                self.addCleanup(consumer.go_on.set)
                top.connect(source, receiver)
                top.msg_connect(receiver, "regions", consumer, "regions")
                top.msg_connect(receiver, "log", log, "store")
                top.start()
                most = min(backlog, count - 1)
                deadline = time.monotonic() + 60
                self.assertTrue(consumer.began.wait(60))
                while consumer.waiting() < most and time.monotonic() < deadline:
                    time.sleep(0.01)
                time.sleep(0.2)
                self.assertEqual(consumer.waiting(), most)
                consumer.go_on.set()
                top.wait()
                consumer.take_the_rest()
                self.assertEqual(consumer.regions, list(range(count)))
                self.assertEqual(len(stored_messages(log)), count)

    def test_each_time_that_it_waits_is_told(self):
        """The first time alone was said."""
        count, backlog = 40, 4
        samples, _ = transmit(self.frames(count, 100), headers(count), fft_size=64, cyclic_prefix=8)
        top = gr.top_block()
        receiver = vqdeepsc.burst_receiver(64, 8, backlog=backlog)
        consumer = SlowConsumer()
        self.addCleanup(consumer.go_on.set)
        top.connect(blocks.vector_source_c(samples.tolist()), receiver)
        top.msg_connect(receiver, "regions", consumer, "regions")
        with tempfile.TemporaryFile() as output:
            kept = os.dup(1)
            os.dup2(output.fileno(), 1)
            try:
                top.start()
                for _ in range(2):
                    self.wait_until(lambda: consumer.waiting() == backlog)
                    time.sleep(0.1)  # in which it is said
                    consumer.go_on.set()
                    self.wait_until(lambda: consumer.waiting() < backlog // 2)
                    consumer.go_on.clear()
                consumer.go_on.set()
                top.wait()
            finally:
                os.dup2(kept, 1)
                os.close(kept)
            output.seek(0)
            self.assertGreaterEqual(output.read().count(b"4 regions wait for slow_consumer"), 2)

    def wait_until(self, condition) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)

    def test_a_flowgraph_that_is_run_again_receives_again(self):
        """The samples of the first run end inside a burst."""
        frames = self.frames(3)
        samples, _ = transmit(frames, headers(3))
        length = samples.size // 3
        top = gr.top_block()
        source = blocks.vector_source_c(samples[: 2 * length + 3000].tolist())
        receiver = vqdeepsc.burst_receiver()
        top.connect(source, receiver)
        for _ in range(2):
            log = blocks.message_debug()
            top.msg_connect(receiver, "log", log, "store")
            top.run()
            top.msg_disconnect(receiver, "log", log, "store")
            source.rewind()
            received = [pmt.to_python(line) for line in stored_messages(log)]
            self.assertEqual([line["offset"] for line in received], [0, length])
            self.assertEqual([line["block_errors"] for line in received], [0, 0])

    def test_any_samples_between_bursts_are_survived(self):
        frames = self.frames(7)
        samples, _ = transmit(frames, headers(7))
        bursts = np.split(samples, 7)
        count = 6000
        carrier = np.exp(2j * np.pi * 0.05 * np.arange(count))
        rubbish = [
            np.zeros(count),
            np.full(count, np.nan + 0j),
            np.full(count, np.inf - 1j * np.inf),
            self.noise(count, 0),
            np.sign(self.noise(count, 0).real) * (1 + 1j),
            carrier,
            np.full(count, 1e30 + 0j),
        ]
        parts = []
        for burst, stretch in zip(bursts, rubbish, strict=True):
            parts += [stretch.astype(np.complex64), burst]
        stream = np.concatenate(parts)
        stream = stream + self.noise(stream.size, 15)
        regions, log = receive(stream)
        good = [line for line in log if line["header_ok"]]
        self.assert_received(regions, good, frames, headers(7))

    def test_a_hole_in_a_burst_costs_no_other(self):
        frames = self.frames(3)
        samples, _ = transmit(frames, headers(3))
        length = samples.size // 3
        samples = samples + self.noise(samples.size, 15)
        samples[length + 3000 : length + 3500] = np.nan
        regions, log = receive(samples)
        self.assertEqual([region["first_block"] for region, _ in regions], [0, 64, 128])
        self.assertEqual([line["block_errors"] for line in log][::2], [0, 0])

        # Cut inside the header or the payload of the second burst: what follows is in step again.
        for cut_at, received in ((1200, [0, 128]), (3000, [0, 64, 128])):
            cut = np.delete(samples, np.arange(length + cut_at, 2 * length))
            regions, log = receive(np.concatenate([cut, self.noise(length, 15)]))
            self.assertEqual([region["first_block"] for region, _ in regions], received)
            self.assertEqual(log[-1]["block_errors"], 0)

    def test_levels(self):
        samples, _ = transmit(self.frames(1), headers(1), amplitude=0.5, peak=0.9)
        self.assertLessEqual(np.abs(samples).max(), 0.90001)
        self.assertAlmostEqual(np.sqrt(np.mean(np.abs(samples) ** 2)), 0.5, delta=0.02)

    def test_symbols_for_a_display(self):
        samples, _ = transmit(self.frames(3), headers(3))
        top = gr.top_block()
        receiver, symbols = vqdeepsc.burst_receiver(), blocks.message_debug()
        top.connect(blocks.vector_source_c(samples.tolist()), receiver)
        top.msg_connect(receiver, "symbols", symbols, "store")
        top.run()
        published = stored_messages(symbols)
        self.assertEqual(len(published), 3)
        points = np.array(vqdeepsc.qam_points(4))
        for pdu in published:
            received = np.array(pmt.to_python(pmt.cdr(pdu)))
            self.assertEqual(received.size, 192)
            distance = np.abs(received[:, None] - points).min(axis=1)
            self.assertLess(np.sqrt(np.mean(distance**2)), 0.1)


if __name__ == "__main__":
    gr_unittest.run(TestBurstBlocks)
