# SPDX-License-Identifier: GPL-3.0-or-later
"""Every flowgraph in examples/ compiles and does what it says."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from gnuradio import gr_unittest, vqdeepsc
from vqdeepsc.codec import Codec
from vqdeepsc.images.files import load_image
from vqdeepsc.images.metrics import ssim

HARDWARE = {"usrp_transmit", "usrp_receive", "hackrf_transmit", "hackrf_receive"}
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SECONDS = 200


class TestExamples(gr_unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sent = load_image(vqdeepsc.sample_image())
        codec = Codec()
        height, width = cls.sent.shape[:2]
        cls.noiseless = codec.decode_bits(codec.encode_bits(cls.sent), width, height)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_command(self, *command):
        # the configuration and cache of whoever runs the tests stay out of them
        environment = {**os.environ, "HOME": str(self.folder)}
        done = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=environment,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def compile(self, name):
        # grcc names the system's interpreter, which may lack onnxruntime
        self.run_command(
            sys.executable, shutil.which("grcc"), "-o", self.folder, EXAMPLES / f"{name}.grc"
        )
        return self.folder / f"{name}.py"

    def received(self):
        (image,) = (self.folder / "received").iterdir()
        return load_image(image)

    def test_no_example_is_left_out(self):
        names = {path.stem for path in EXAMPLES.glob("*.grc")}
        run = {
            *("awgn_loopback", "fading_loopback", "in_tree_fec", "nr_ldpc_fec", "live_loopback"),
            *("file_transmit", "file_receive", "zmq_transmit", "zmq_receive"),
        }
        self.assertEqual(names, run | HARDWARE)

    def test_flowgraphs_of_radios_compile(self):
        for name in sorted(HARDWARE):
            with self.subTest(name):
                self.compile(name)

    def overlaps(self, *flowgraphs):
        """What tests/support/canvas.py says of flowgraphs, by their names."""
        program = ROOT / "tests" / "support" / "canvas.py"
        words = ["xvfb-run", "-a", sys.executable, program, self.folder, *flowgraphs]
        output = self.run_command(*words)
        return json.loads(output[output.index("{") :])

    def test_no_wire_crosses_a_block(self):
        said = self.overlaps(*sorted(EXAMPLES.glob("*.grc")))
        self.assertEqual(len(said), len(list(EXAMPLES.glob("*.grc"))))
        self.assertEqual({name: what for name, what in said.items() if what}, {})

    def test_a_wire_that_crosses_a_block_is_seen(self):
        text = (EXAMPLES / "file_transmit.grc").read_text()
        graph = yaml.safe_load(text)
        places = {block["name"]: block["states"] for block in graph["blocks"]}
        # the block between goes behind both, so that their wires run back over it
        places["zero_fill"]["coordinate"] = [x + 600 for x in places["radio"]["coordinate"]]
        places["samples"]["coordinate"] = places["burst_transmitter"]["coordinate"]
        moved = self.folder / "moved.grc"
        moved.write_text(yaml.safe_dump(graph))
        said = self.overlaps(moved)["moved"]
        self.assertIn("the wire zero_fill to radio crosses radio", said)
        self.assertIn("burst_transmitter and samples cover one another", sorted(said))

    def test_file_pair(self):
        samples = self.folder / "bursts.cf32"
        self.run_command(sys.executable, self.compile("file_transmit"), "--samples", samples)
        folder = self.folder / "received"
        receive = self.compile("file_receive")
        self.run_command(sys.executable, receive, "--samples", samples, "--folder", folder)
        np.testing.assert_array_equal(self.received(), self.noiseless)

    def test_zmq_pair(self):
        address = f"ipc://{self.folder}/samples"
        folder = self.folder / "received"
        transmit, receive = self.compile("zmq_transmit"), self.compile("zmq_receive")
        environment = {**os.environ, "HOME": str(self.folder)}
        processes = [
            subprocess.Popen(
                [sys.executable, *map(str, words)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
            )
            for words in (
                (receive, "--address", address, "--folder", folder),
                (transmit, "--address", address),
            )
        ]
        deadline = time.monotonic() + SECONDS
        while not list(folder.glob("*.png")) and time.monotonic() < deadline:
            time.sleep(0.2)
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
            output = process.communicate(timeout=SECONDS)[0]
            self.assertEqual(process.returncode, 0, output)
        image = load_image(min(folder.iterdir()))
        np.testing.assert_array_equal(image, self.noiseless)

    def test_fading_loopback(self):
        script = self.compile("fading_loopback")
        protected = "16qam/6/6/4"
        for kind, snr_db, scheme in (
            ("rayleigh", 8, "16qam"),
            ("rician", 8, protected),
            ("awgn", 5, "16qam"),
        ):
            with self.subTest(kind=kind):
                shutil.rmtree(self.folder / "received", ignore_errors=True)
                self.run_command(
                    sys.executable,
                    script,
                    "--kind",
                    kind,
                    "--snr-db",
                    snr_db,
                    "--scheme",
                    scheme,
                    "--folder",
                    self.folder / "received",
                )
                np.testing.assert_array_equal(self.received(), self.noiseless)

    def test_in_tree_fec(self):
        script = self.compile("in_tree_fec")
        self.run_command(
            # at 10 dB the tree's decoder still loses a block of an image now and then
            sys.executable,
            script,
            "--snr-db",
            12,
            "--folder",
            self.folder / "received",
        )
        np.testing.assert_array_equal(self.received(), self.noiseless)

    def test_nr_ldpc_fec(self):
        script = self.compile("nr_ldpc_fec")
        folder = self.folder / "received"
        self.run_command(sys.executable, script, "--snr-db", 4, "--folder", folder)
        np.testing.assert_array_equal(self.received(), self.noiseless)

    def run_window(self, name):
        """What scripts/run_gui_example.py measures in the window of an example."""
        script = self.compile(name)
        screenshot = self.folder / "window.png"
        output = self.run_command(
            "xvfb-run",
            "-a",
            "-s",
            "-screen 0 1600x1200x24",
            sys.executable,
            ROOT / "scripts" / "run_gui_example.py",
            script,
            "--screenshot",
            screenshot,
        )
        self.assertGreater(len(np.unique(load_image(screenshot))), 100)
        return json.loads(output.splitlines()[-1]), float(ssim(self.sent, self.noiseless))

    def test_awgn_loopback_obeys_its_sliders(self):
        quality, noiseless = self.run_window("awgn_loopback")
        self.assertAlmostEqual(quality["awgn, 8 dB"], noiseless, places=6)
        self.assertLess(quality["awgn, 0 dB"], noiseless - 0.1)
        self.assertAlmostEqual(quality["rayleigh, 10 dB"], noiseless, places=6)

    def test_live_loopback_obeys_its_sliders(self):
        quality, noiseless = self.run_window("live_loopback")
        self.assertAlmostEqual(quality["20 dB"], noiseless, places=6)
        self.assertAlmostEqual(quality["-40 kHz, -20 ppm, echo 0.5"], noiseless, places=6)
        self.assertLess(quality["1 dB"], noiseless - 0.05)


if __name__ == "__main__":
    gr_unittest.run(TestExamples)
