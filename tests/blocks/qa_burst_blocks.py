# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts through flowgraphs: transmitter, channel, receiver and their parts."""

import threading
import time

import numpy as np
import pmt
from flowgraph import make_tag
from gnuradio import blocks, channels, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import header_from_pmt, header_to_pmt
from gnuradio.vqdeepsc.blocks.loopback import stored_messages
from vqdeepsc.kernels import FrameHeader, LdpcEncoder

PAYLOAD = 2000
AMPLITUDE = 0.3
CARRIER_POWER = AMPLITUDE**2 * 16 / 13  # Es: 13 of 16 carriers share the power
PREAMBLE = 576


def headers(count: int, model: int = 0x1234) -> list[FrameHeader]:
    return [
        FrameHeader(model=model, image=7, width=1280, height=960, first_block=64 * region)
        for region in range(count)
    ]


def transmit(
    frames: np.ndarray, frame_headers: list[FrameHeader], **parameters
) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Samples of the bursts of frames, uint8 [frames, bits], and the tags among them."""
    top = gr.top_block()
    bits = frames.shape[1]
    tags = [make_tag(i * bits, "frame", header_to_pmt(h)) for i, h in enumerate(frame_headers)]
    source = blocks.vector_source_b(frames.reshape(-1).tolist(), False, 1, tags)
    sink = blocks.vector_sink_c()
    transmitter = vqdeepsc.burst_transmitter(bits, **parameters)
    top.connect(source, transmitter, sink)
    top.run()
    found = sorted((tag.offset, pmt.symbol_to_string(tag.key)) for tag in sink.tags())
    return np.array(sink.data(), np.complex64), found


def receive(
    samples: np.ndarray, *between, chunk: int | None = None, receiver=None
) -> tuple[list[tuple[dict, np.ndarray]], list[dict]]:
    """(dictionary, LLRs) of each region and the log of samples after the blocks between."""
    top = gr.top_block()
    source = blocks.vector_source_c(samples.tolist())
    receiver = receiver or vqdeepsc.burst_receiver()
    regions, log = blocks.message_debug(), blocks.message_debug()
    top.connect(source, *between, receiver)
    top.msg_connect(receiver, "regions", regions, "store")
    top.msg_connect(receiver, "log", log, "store")
    top.run(*([chunk] if chunk else []))
    return [
        (pmt.to_python(pmt.car(pdu)), np.array(pmt.to_python(pmt.cdr(pdu))))
        for pdu in stored_messages(regions)
    ], [pmt.to_python(line) for line in stored_messages(log)]


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


class TestBurstBlocks(gr_unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(11)

    def frames(self, count: int, bits: int = PAYLOAD) -> np.ndarray:
        return self.rng.integers(0, 2, (count, bits), np.uint8)

    def noise(self, count: int, snr_db: float) -> np.ndarray:
        """White noise with Es/N0 snr_db against carriers at the default amplitude."""
        density = CARRIER_POWER * 10 ** (-snr_db / 10)
        parts = self.rng.normal(0, np.sqrt(density / 2), (2, count))
        return (parts[0] + 1j * parts[1]).astype(np.complex64)

    def assert_received(self, regions, log, frames, frame_headers):
        expected = [
            {
                **pmt.to_python(header_to_pmt(header)),
                "copies": 1,
                "block_errors": 0,
                "snr_db": line["snr_db"],
            }
            for header, line in zip(frame_headers, log, strict=True)
        ]
        decoded = [region.pop("decoded") for region, _ in regions]
        self.assertEqual(decoded, sorted(decoded))
        # the clock is that of Python
        self.assertLessEqual(decoded[-1], time.monotonic())
        self.assertEqual([region for region, _ in regions], expected)
        for (_, llrs), bits in zip(regions, frames, strict=True):
            np.testing.assert_array_equal(llrs > 0, bits)
        self.assertEqual([line["header_ok"] for line in log], [True] * len(frames))
        self.assertEqual([line["block_errors"] for line in log], [0] * len(frames))

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
            received + np.complex64(leak), receiver=vqdeepsc.burst_receiver(remove_dc=False)
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

    def test_headers_of_others_give_one_line_and_the_next_burst_is_received(self):
        frames = self.frames(3)
        mixed = headers(3)
        mixed[1] = FrameHeader(model=0x4321, image=7, width=1280, height=960, first_block=64)
        samples, _ = transmit(frames, mixed)
        samples = samples + self.noise(samples.size, 15)
        regions, log = receive(samples, receiver=vqdeepsc.burst_receiver(model=0x1234))
        self.assertEqual([region["first_block"] for region, _ in regions], [0, 128])
        self.assertEqual(sorted(line["header_ok"] for line in log), [False, True, True])
        refused = next(line for line in log if not line["header_ok"])
        self.assertIn("4321", refused["error"])
        self.assertEqual(refused["first_block"], 64)

        regions, log = receive(samples, receiver=vqdeepsc.burst_receiver(payload_bits=100))
        self.assertEqual(regions, [])
        self.assertEqual(len(log), 3)
        self.assertIn("2000", log[0]["error"])

    def test_formats_follow_the_header(self):
        for bits_per_symbol, code_rate, fft_size, prefix in (
            (2, "1/3", 64, 16),
            (6, "3/4", 1024, 64),
            (4, "1/2", 128, 8),
        ):
            with self.subTest(bits_per_symbol=bits_per_symbol):
                frames = self.frames(2)
                samples, _ = transmit(
                    frames,
                    headers(2),
                    bits_per_symbol=bits_per_symbol,
                    code_rate=code_rate,
                    fft_size=fft_size,
                    cyclic_prefix=prefix,
                )
                samples = samples + self.noise(samples.size, 30)
                receiver = vqdeepsc.burst_receiver(fft_size, prefix)
                regions, log = receive(samples, receiver=receiver)
                self.assert_received(regions, log, frames, headers(2))
                self.assertEqual(log[0]["bits_per_symbol"], bits_per_symbol)
                self.assertEqual(log[0]["code_rate"], code_rate)

    def test_protected_bursts(self):
        transport_blocks = [(400, 2400), (1600, 3600)]
        frames = self.frames(3)
        samples, _ = transmit(frames, headers(3), transport_blocks=transport_blocks)
        plain, _ = transmit(frames, headers(3), transport_blocks=[(2000, 6000)])
        np.testing.assert_array_equal(plain, transmit(frames, headers(3))[0])
        self.assertEqual(plain.size, samples.size)
        self.assertGreater(np.abs(plain - samples).max(), 0.1)

        knowing = {"transport_blocks": transport_blocks}
        for sent in (samples, plain):
            noisy = sent + self.noise(sent.size, 12)
            regions, log = receive(noisy, receiver=vqdeepsc.burst_receiver(**knowing))
            self.assert_received(regions, log, frames, headers(3))
        both = np.concatenate([samples, plain])
        both = both + self.noise(both.size, 12)
        regions, log = receive(both, receiver=vqdeepsc.burst_receiver(**knowing))
        self.assertEqual([line["blocks"] for line in log], [2, 2, 2, 1, 1, 1])
        self.assertEqual([line["block_errors"] for line in log], [0] * 6)

        # who was given nothing, or something else, says so and takes the other bursts
        for given in ([], [(400, 2404), (1600, 3596)]):
            receiver = vqdeepsc.burst_receiver(transport_blocks=given)
            regions, log = receive(both, receiver=receiver)
            self.assert_received(regions, log[3:], frames, headers(3))
            for line in log[:3]:
                self.assertFalse(line["header_ok"])
                self.assertIn("transport blocks that are not those given", line["error"])

        # where the second transport block is lost, the first is not
        faint = samples + self.noise(samples.size, 2.5)
        regions, log = receive(faint, receiver=vqdeepsc.burst_receiver(**knowing))
        self.assertEqual([(line["block_errors"], line["blocks"]) for line in log], [(1, 2)] * 3)
        for (_, llrs), bits in zip(regions, frames, strict=True):
            np.testing.assert_array_equal(llrs[:400] > 0, bits[:400])

    def test_copies_of_protected_bursts_are_combined(self):
        transport_blocks = [(400, 2400), (1600, 3600)]
        frames = np.tile(self.frames(1), (2, 1))
        header = headers(1) * 2
        samples, _ = transmit(frames, header, transport_blocks=transport_blocks)
        samples = samples + self.noise(samples.size, 3.5)
        receiver = vqdeepsc.burst_receiver(transport_blocks=transport_blocks)
        regions, log = receive(samples, receiver=receiver)
        self.assertEqual([line["copies"] for line in log], [1, 2])
        self.assertEqual([line["block_errors"] for line in log], [1, 0])
        np.testing.assert_array_equal(regions[1][1] > 0, frames[0])

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

    def test_frames_without_a_header_are_not_sent(self):
        frames = self.frames(3)
        top = gr.top_block()
        tags = [
            make_tag(0, "frame", header_to_pmt(headers(1)[0])),
            make_tag(PAYLOAD, "frame", pmt.from_long(3)),
            make_tag(
                2 * PAYLOAD,
                "frame",
                pmt.dict_add(
                    header_to_pmt(headers(1)[0]), pmt.intern("first_block"), pmt.from_long(4800)
                ),
            ),
        ]
        transmitter = vqdeepsc.burst_transmitter(PAYLOAD)
        sink = blocks.vector_sink_c()
        source = blocks.vector_source_b(frames.reshape(-1).tolist(), False, 1, tags)
        top.connect(source, transmitter, sink)
        top.run()
        self.assertEqual(len(sink.data()), transmitter.burst_samples())

    def test_numbers_that_no_int_holds_are_refused(self):
        """2^32 + 1000 was taken for 1000."""
        coding = {"bits_per_symbol": 4, "payload_bits": PAYLOAD, "uep_profile": 0}
        for entry in (*coding, "redundancy_version", ""):
            top = gr.top_block()
            frame = pmt.dict_add(
                header_to_pmt(headers(1)[0]), pmt.intern("code_rate"), pmt.intern("1/3")
            )
            for key, value in {**coding, "redundancy_version": 0}.items():
                number = value + (2**32 if key == entry else 0)
                frame = pmt.dict_add(frame, pmt.intern(key), pmt.from_long(number))
            source = blocks.vector_source_f(
                [1.0] * (3 * PAYLOAD), False, 1, [make_tag(0, "frame", frame)]
            )
            decoder, regions = vqdeepsc.burst_decoder(), blocks.message_debug()
            top.connect(source, decoder)
            top.msg_connect(decoder, "regions", regions, "store")
            top.run()
            self.assertEqual(regions.num_messages(), 0 if entry else 1, entry)

    def test_levels(self):
        samples, _ = transmit(self.frames(1), headers(1), amplitude=0.5, peak=0.9)
        self.assertLessEqual(np.abs(samples).max(), 0.90001)
        self.assertAlmostEqual(np.sqrt(np.mean(np.abs(samples) ** 2)), 0.5, delta=0.02)

    def test_modulator_and_demodulator_join_other_blocks(self):
        """The LLRs of the demodulator go into ldpc_decoder, coded bits into the modulator."""
        bits = self.frames(1)[0]
        modulator = vqdeepsc.burst_modulator(PAYLOAD, 2)
        self.assertEqual(modulator.coded_bits(), 3 * PAYLOAD)
        coded = LdpcEncoder(PAYLOAD, 3 * PAYLOAD, 2).encode(bits)
        top = gr.top_block()
        tags = [make_tag(0, "frame", header_to_pmt(headers(1)[0]))]
        source = blocks.vector_source_b(coded.tolist(), False, 1, tags)
        demodulator = vqdeepsc.burst_demodulator()
        decoder = vqdeepsc.ldpc_decoder(PAYLOAD, 3 * PAYLOAD, 2, soft_output=False)
        sink = blocks.vector_sink_b()
        top.connect(source, modulator, vqdeepsc.burst_detector(), demodulator, decoder, sink)
        top.run()
        np.testing.assert_array_equal(sink.data(), bits)
        [tag] = sink.tags()
        frame = pmt.to_python(tag.value)
        self.assertEqual(header_from_pmt(tag.value), headers(1)[0])
        self.assertEqual((frame["coded_bits"], frame["crc_ok"]), (3 * PAYLOAD, True))

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

    def test_wrong_parameters_are_named(self):
        for arguments, part in (
            ({"payload_bits": 0}, "payload_bits is 0"),
            ({"payload_bits": 65536}, "65536"),
            ({"payload_bits": 10, "bits_per_symbol": 3}, "bits_per_symbol is 3"),
            ({"payload_bits": 10, "code_rate": "5/6"}, "5/6"),
            ({"payload_bits": 10, "fft_size": 100}, "fft_size is 100"),
            ({"payload_bits": 10, "cyclic_prefix": 4}, "cyclic_prefix is 4"),
            ({"payload_bits": 10, "amplitude": 0.0}, "amplitude"),
            ({"payload_bits": 10, "peak": float("nan")}, "peak"),
            ({"payload_bits": 1000, "transport_blocks": [(400, 1200), (600, 1600)]}, "2800 coded"),
        ):
            with self.subTest(part), self.assertRaisesRegex(ValueError, part):
                vqdeepsc.burst_transmitter(**arguments)
        for arguments, part in (
            ({"fft_size": 32}, "fft_size is 32"),
            ({"model": 65536}, "model is 65536"),
            ({"payload_bits": -1}, "payload_bits is -1"),
            ({"iterations": 0}, "iterations is 0"),
            ({"sample_rate": 0}, "sample_rate is 0"),
            ({"transport_blocks": [(400, 1200), (0, 1600)]}, "payload_bits is 0"),
            ({"backlog": 0}, "backlog is 0"),
        ):
            with self.subTest(part), self.assertRaisesRegex(ValueError, part):
                vqdeepsc.burst_receiver(**arguments)
        with self.assertRaisesRegex(ValueError, "threshold is 0.0"):
            vqdeepsc.burst_detector(0.0)


if __name__ == "__main__":
    gr_unittest.run(TestBurstBlocks)
