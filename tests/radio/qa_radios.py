# SPDX-License-Identifier: GPL-3.0-or-later
"""The ends of radios: files, ZeroMQ, and gr-soapy with the device of soapy_loopback.cc."""

import dataclasses
import gc
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pmt
import zmq
from flowgraph import make_tag
from gnuradio import blocks, gr, gr_unittest, zeromq
from gnuradio.vqdeepsc.radio.devices import RadioEnd, make_receiver, make_transmitter
from gnuradio.vqdeepsc.radio.driver_messages import DriverMessages
from gnuradio.vqdeepsc.radio.recordings.formats import RecordingError
from gnuradio.vqdeepsc.radio.recordings.opening import open_recording
from gnuradio.vqdeepsc.radio.sample_socket import parse_samples, sample_socket
from gnuradio.vqdeepsc.radio.settings import RadioError, RadioSettings

LENGTHS = (30_000, 5_000, 70_000)
GAP = 700
AMPLITUDE = 0.2
SEARCHED = 600_000  # samples of a radio among which the first burst is
SECONDS = 60


def burst_samples() -> np.ndarray:
    """Noise of root mean square AMPLITUDE that stays inside the full scale of 1."""
    rng = np.random.default_rng(3)
    random = rng.normal(size=(2, sum(LENGTHS))) * AMPLITUDE / np.sqrt(2)
    return np.clip(random[0] + 1j * random[1], -0.9 - 0.9j, 0.9 + 0.9j).astype(np.complex64)


def burst_source() -> gr.basic_block:
    tags = []
    first = 0
    for length in LENGTHS:
        tags.append(make_tag(first, "tx_sob", pmt.PMT_T))
        tags.append(make_tag(first + length - 1, "tx_eob", pmt.PMT_T))
        first += length
    return blocks.vector_source_c(burst_samples().tolist(), False, 1, tags)


def transmit(settings: RadioSettings) -> None:
    end = make_transmitter(settings)
    top = gr.top_block()
    top.connect(burst_source(), end.block)
    top.run()
    end.finish()


class RadioTest(gr_unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.samples = burst_samples()

    def receive(self, settings):
        end = make_receiver(settings)
        top = gr.top_block()
        sink = blocks.vector_sink_c()
        top.connect(end.block, sink)
        top.run()
        return end, np.array(sink.data())

    def receive_while(self, end, sending, least):
        """Samples that come from end while sending() works and until there are least of them."""
        top = gr.top_block()
        sink = blocks.vector_sink_c()
        top.connect(end.block, sink)
        top.start()
        sending()
        deadline = time.monotonic() + SECONDS
        while len(sink.data()) < least and time.monotonic() < deadline:
            time.sleep(0.05)
        top.stop()
        top.wait()
        return np.array(sink.data())


class TestFiles(RadioTest):
    def assert_bursts(self, received, tolerance):
        first = position = 0
        for length in LENGTHS:
            burst = received[position : position + length]
            np.testing.assert_allclose(burst, self.samples[first : first + length], atol=tolerance)
            np.testing.assert_array_equal(received[position + length : position + length + GAP], 0)
            first += length
            position += length + GAP

    def test_each_format_comes_back(self):
        for name, tolerance in (
            ("a.cf32", 0),
            ("b.CFILE", 0),
            ("c.ci16", 1.1 / 32767),
            ("d.sigmf-meta", 0),
            ("e.sigmf-data", 0),
        ):
            with self.subTest(name):
                settings = RadioSettings(
                    "file", str(self.folder / name), frequency=2.4e9, sample_rate=2e6, gap=GAP
                )
                transmit(settings)
                end, received = self.receive(
                    RadioSettings("file", str(self.folder / name), sample_rate=1e6)
                )
                self.assert_bursts(received, tolerance)
                # only SigMF knows its rate
                self.assertEqual(end.sample_rate, 2e6 if "sigmf" in name else 1e6)

    def test_sigmf_of_16_bits(self):
        settings = RadioSettings("file", str(self.folder / "a.ci16"), gap=GAP)
        transmit(settings)
        (self.folder / "a.ci16").rename(self.folder / "a.sigmf-data")
        metadata = {
            "global": {
                "core:datatype": "ci16_le",
                "core:sample_rate": 5e5,
                "core:version": "1.0.0",
            },
            "captures": [{"core:sample_start": 0, "core:frequency": 433.92e6}],
            "annotations": [],
        }
        (self.folder / "a.sigmf-meta").write_text(json.dumps(metadata))
        recording = open_recording(str(self.folder / "a.sigmf-meta"))
        self.assertEqual((recording.sample_rate, recording.frequency), (5e5, 433.92e6))
        _, received = self.receive(RadioSettings("file", str(self.folder / "a.sigmf-meta")))
        self.assert_bursts(received, 1.1 / 32767)

    def test_what_is_written_is_sigmf(self):
        path = self.folder / "a.sigmf-meta"
        transmit(RadioSettings("file", str(path), frequency=2.4e9, sample_rate=2e6, gap=GAP))
        metadata = json.loads(path.read_text())
        self.assertEqual(metadata["global"]["core:datatype"], "cf32_le")
        self.assertEqual(metadata["global"]["core:sample_rate"], 2e6)
        self.assertEqual(metadata["captures"][0]["core:frequency"], 2.4e9)

    def test_errors_are_named(self):
        (self.folder / "empty.cf32").touch()
        (self.folder / "bare.wav").write_bytes(bytes(800))
        (self.folder / "a.txt").write_bytes(bytes(800))
        (self.folder / "bad.sigmf-meta").write_text("{")
        (self.folder / "bad.sigmf-data").write_bytes(bytes(800))
        other = {"global": {"core:datatype": "ru8", "core:version": "1.0.0"}, "captures": []}
        (self.folder / "other.sigmf-meta").write_text(json.dumps({**other, "annotations": []}))
        (self.folder / "other.sigmf-data").write_bytes(bytes(800))
        for name, rate in (("word", "fast"), ("negative", -5), ("endless", 1e999)):
            fields = {"core:datatype": "cf32_le", "core:sample_rate": rate}
            text = json.dumps({**other, "global": {**other["global"], **fields}, "annotations": []})
            (self.folder / f"{name}.sigmf-meta").write_text(text)
            (self.folder / f"{name}.sigmf-data").write_bytes(bytes(800))
        for name, words in (
            ("missing.cf32", "No such file"),
            ("empty.cf32", "no samples"),
            ("x.wav", "No such file"),
            ("bare.wav", "is no WAV file"),
            ("a.txt", "must end in"),
            ("missing.sigmf-meta", "missing.sigmf-meta"),
            ("bad.sigmf-meta", "no SigMF metadata"),
            ("other.sigmf-meta", "ru8, which is real"),
            ("word.sigmf-meta", "'fast' stands for core:sample_rate"),
            ("negative.sigmf-meta", "-5 stands for core:sample_rate"),
            ("endless.sigmf-meta", "no SigMF metadata"),
            (".", "must end in|neither a file nor a pipe"),
        ):
            with self.subTest(name), self.assertRaisesRegex(RecordingError, words):
                open_recording(str(self.folder / name))
        with self.assertRaisesRegex(RecordingError, "No such file"):
            make_transmitter(RadioSettings("file", str(self.folder / "no" / "a.cf32")))
        with self.assertRaisesRegex(RecordingError, "must end in"):
            make_transmitter(RadioSettings("file", str(self.folder / "a.txt")))


class TestSettings(gr_unittest.TestCase):
    def test_what_is_out_of_range_is_named(self):
        for parameters, words in (
            ({"radio": "bladerf"}, "no radio 'bladerf': choose uhd, soapy"),
            ({"radio": "soapy"}, "needs a frequency"),
            ({"radio": "file"}, "needs the name of a file"),
            ({"radio": "zmq", "sample_rate": 0.0}, "sample rate is 0"),
            ({"radio": "zmq", "gap": -1}, "gap is -1"),
            ({"radio": "zmq", "frequency": -1.0}, "frequency is -1"),
        ):
            with self.subTest(parameters), self.assertRaisesRegex(RadioError, words):
                RadioSettings(**parameters)

    def test_devices_that_are_not_there(self):
        for parameters, words in (
            ({"radio": "soapy", "device": "driver=nosuchdriver"}, "soapy, driver=nosuchdriver: "),
            ({"radio": "uhd", "device": "addr=127.0.0.1"}, "uhd, addr=127.0.0.1: "),
            ({"radio": "iio", "device": "ip:127.0.0.1"}, "iio, ip:127.0.0.1: "),
            ({"radio": "zmq", "device": "nowhere"}, "zmq, nowhere: Invalid argument"),
        ):
            for make in (make_receiver, make_transmitter):
                with self.subTest(parameters), self.assertRaises(RadioError) as raised:
                    make(RadioSettings(frequency=1e9, **parameters))
                self.assertIn(words, str(raised.exception))
                self.assertNotIn("\n", str(raised.exception))

    def test_nothing_to_tune(self):
        end = make_receiver(RadioSettings("zmq", "tcp://127.0.0.1:1"))
        for change in (end.set_frequency, end.set_gain):
            with self.assertRaisesRegex(RadioError, "frequency or gain"):
                change(1e9)


class TestZeroMq(RadioTest):
    def test_bursts_cross_to_another_process(self):
        settings = RadioSettings("zmq", f"ipc://{self.folder}/samples", gap=GAP)
        # a process of its own, without the threads of this one
        process = multiprocessing.get_context("spawn").Process(target=transmit, args=(settings,))

        def send():
            process.start()
            process.join(SECONDS)

        expected = np.concatenate(
            [
                np.concatenate([part, np.zeros(GAP)])
                for part in np.split(self.samples, np.cumsum(LENGTHS)[:-1])
            ]
        )
        received = self.receive_while(make_receiver(settings), send, expected.size)
        self.assertEqual(process.exitcode, 0)
        np.testing.assert_array_equal(received[: expected.size], expected)

    def test_other_messages_are_told_once_and_passed_over(self):
        # the end of a sender takes the name of its address away, a little later
        addresses = [f"ipc://{self.folder}/samples", f"ipc://{self.folder}/again"]
        samples = self.samples[:1000]
        sentences = []

        def send():
            address = addresses.pop(0)
            socket = zmq.Context.instance().socket(zmq.PUSH)
            socket.bind(address)
            for parts in ([b"1234567"], [b"a" * 8, b"b" * 8], [b""], [], [b"\xf0\x5f\x01"]):
                socket.send_multipart([*parts] or [b"", b""])
            socket.send(samples.tobytes())
            self.addCleanup(socket.close, 0)

        source = sample_socket(addresses[0], 4, sentences.append)
        received = self.receive_while(RadioEnd(source, 1e6), send, samples.size)
        np.testing.assert_array_equal(received, samples)
        self.assertEqual(len(sentences), 1)
        self.assertRegex(sentences[0], "samples: messages of 7 bytes, not whole samples of 8")
        settings = RadioSettings("zmq", addresses[0])
        received = self.receive_while(make_receiver(settings), send, samples.size)
        np.testing.assert_array_equal(received, samples)

    def test_a_sender_that_passes_tags_is_reported(self):
        address = f"ipc://{self.folder}/samples"
        sentences = []

        def send():
            top = gr.top_block()
            sink = zeromq.push_sink(gr.sizeof_gr_complex, 1, address, pass_tags=True)
            top.connect(burst_source(), sink)
            top.run()
            deadline = time.monotonic() + SECONDS
            while not sentences and time.monotonic() < deadline:
                time.sleep(0.05)
            # the sink holds the address until it is collected
            del sink, top
            gc.collect()
            socket = zmq.Context.instance().socket(zmq.PUSH)
            while time.monotonic() < deadline:
                try:
                    socket.bind(address)
                    break
                except zmq.ZMQError:
                    time.sleep(0.05)
            socket.send(self.samples.tobytes())
            self.addCleanup(socket.close, 0)

        source = sample_socket(address, 4, sentences.append)
        received = self.receive_while(RadioEnd(source, 1e6), send, self.samples.size)
        np.testing.assert_array_equal(received, self.samples)
        self.assertEqual(len(sentences), 1)
        self.assertRegex(sentences[0], "switch Pass Tags off")

    def test_samples_that_begin_as_tags_do(self):
        samples = np.frombuffer(bytes.fromhex("f05f01") + 61 * b"\x3f", np.complex64)
        np.testing.assert_array_equal(parse_samples([samples.tobytes()]), samples)


@gr_unittest.unittest.skipUnless(
    os.environ.get("SOAPY_SDR_PLUGIN_PATH"),
    "SoapySDR's headers (libsoapysdr-dev) were missing when the tests were built",
)
class TestSoapy(RadioTest):
    """gr-soapy's own source and sink, with a device that behaves as a HackRF does."""

    def settings(self, **more):
        arguments = {"noise_dbfs": -50, **more}
        device = ",".join(f"{key}={value}" for key, value in arguments.items())
        return RadioSettings(
            "soapy",
            f"driver=vqdeepsc_loopback,link={self.folder}/link,{device}",
            frequency=2.4e9,
            sample_rate=4e6,
            gain=30.0,
        )

    def send_and_receive(self, settings, command=lambda end: None):
        receiving = make_receiver(settings)
        sending = make_transmitter(settings)
        command(sending)
        top = gr.top_block()
        top.connect(burst_source(), sending.block)
        # behind the bursts come zeros that push them out
        return self.receive_while(receiving, top.run, SEARCHED)

    def locate(self, received):
        """Place of the first burst, by correlation with its beginning."""
        start = np.conj(self.samples[:2000])
        stop = min(received.size, SEARCHED)
        spectrum = np.fft.fft(received[:stop], 2**20) * np.conj(np.fft.fft(np.conj(start), 2**20))
        return int(np.argmax(np.abs(np.fft.ifft(spectrum))[:stop]))

    def test_bursts_arrive_whole_with_noise(self):
        received = self.send_and_receive(self.settings())
        position = self.locate(received)
        first = 0
        for length in LENGTHS:
            # zeros may stand between the bursts, but not in them
            sent = self.samples[first : first + length]
            while (
                np.abs(received[position]) < 1e-3
                or np.vdot(sent[:200], received[position : position + 200]).real
                < 100 * AMPLITUDE**2
            ):
                position += 1
                self.assertLess(position, received.size)
            burst = received[position : position + length]
            noise = np.mean(np.abs(burst - sent) ** 2)
            # -50 dB of noise and two quantisations to 8 bits
            self.assertLess(10 * np.log10(noise), -45)
            self.assertGreater(10 * np.log10(noise), -51)
            first += length
            position += length

    def test_gain_and_frequency_offset(self):
        offset = 1500.0
        received = self.send_and_receive(
            self.settings(offset_hz=offset), lambda end: end.set_gain(24.0)
        )
        turning = np.exp(2j * np.pi * offset / 4e6 * np.arange(2000))
        spectrum = np.fft.fft(received[:SEARCHED], 2**20)
        pattern = np.fft.fft(self.samples[:2000] * turning, 2**20)
        match = np.abs(np.fft.ifft(spectrum * np.conj(pattern)))
        energy = np.sum(np.abs(self.samples[:2000]) ** 2)
        self.assertAlmostEqual(20 * np.log10(match.max() / energy), -6.0, delta=0.2)

    def test_least_power_unless_a_gain_is_given(self):
        received = self.send_and_receive(dataclasses.replace(self.settings(), gain=None))
        # the receiver's usual gain is 30 dB, so the transmitter's is 0
        level = 20 * np.log10(np.abs(received).max() / np.abs(self.samples).max())
        self.assertLess(level, -20)

    def test_settings_out_of_range(self):
        end = make_receiver(self.settings())
        with self.assertRaisesRegex(RadioError, "the gain is 61 dB, but must be 0 to 60 dB"):
            end.set_gain(61.0)
        with self.assertRaisesRegex(RadioError, "the frequency is 1e\\+10 Hz, but must be"):
            end.set_frequency(1e10)

    def test_overflows_are_counted(self):
        with DriverMessages() as messages:
            self.send_and_receive(self.settings(overflow_every=10))
            deadline = time.monotonic() + SECONDS
            counted = messages.take()
            while not counted and time.monotonic() < deadline:
                time.sleep(0.05)
                counted = messages.take()
        self.assertEqual(set(counted), {"overflows"})
        self.assertGreater(counted["overflows"], 0)


if __name__ == "__main__":
    gr_unittest.unittest.main()
