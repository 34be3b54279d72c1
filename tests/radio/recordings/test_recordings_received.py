# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings through `vqdeepsc receive`: pipes, growing files, other rates and frequencies."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import run_command
from PIL import Image
from recorded import stored
from scipy import signal

PROGRAM = "import sys; from vqdeepsc.cli import main; sys.exit(main())"


def start(*arguments, **streams):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, arguments)], **streams)


def test_commands_take_pipes(tmp_path, transmission, photograph):
    image, fifo = tmp_path / "a.png", tmp_path / "air.cs16"
    Image.fromarray(photograph).resize((128, 128)).save(image)
    radio = ("--radio", "file", "--device")
    # standard output to standard input, the samples alone
    sender = start("transmit", image, *radio, "-", "--format", "ci8",
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    receiver = start("receive", *radio, "-", "--format", "ci8", "--output", tmp_path / "out",
                     stdin=sender.stdout, stdout=subprocess.PIPE, text=True)  # fmt: skip
    sender.stdout.close()
    output, _ = receiver.communicate(timeout=120)
    assert b"1 images sent" in sender.stderr.read()
    assert (sender.wait(), receiver.returncode) == (0, 0)
    assert output.endswith("1 images received\n")
    # a named pipe
    os.mkfifo(fifo)
    receiver = start("receive", *radio, fifo, "--output", tmp_path / "two", stdout=subprocess.PIPE,
                     text=True)  # fmt: skip
    sent = run_command("transmit", image, *radio, fifo)
    assert (sent.returncode, sent.stderr) == (0, "")
    output, _ = receiver.communicate(timeout=120)
    assert receiver.returncode == 0 and output.endswith("1 images received\n")


def test_a_file_that_grows_is_followed_until_enough_came(tmp_path, photograph):
    image, path = tmp_path / "a.png", tmp_path / "air.cs8"
    Image.fromarray(photograph).resize((128, 128)).save(image)
    path.touch()
    receiver = start("receive", "--radio", "file", "--device", path, "--follow", "--images", 1,
                     "--output", tmp_path / "out", stdout=subprocess.PIPE, text=True)  # fmt: skip
    sender = start("transmit", image, "--radio", "file", "--device", "-", "--format", "ci8",
                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
    with path.open("ab", buffering=0) as file:
        while content := sender.stdout.read(30_000):
            file.write(content)
    sender.stdout.close()
    output, _ = receiver.communicate(timeout=120)
    assert (sender.wait(), receiver.returncode) == (0, 0)
    assert output.endswith("1 images received\n")


def receive(*arguments):
    return run_command("receive", "--radio", "file", "--device", *arguments)


@pytest.fixture(scope="module")
def moved(transmission, tmp_path_factory):
    """The transmission of 1 Msample/s at 2.4 Msamples/s and 350 kHz beside the middle."""
    path = tmp_path_factory.mktemp("moved") / "moved_2400000sps.cf32"
    faster = signal.resample_poly(transmission, 12, 5)
    turn = np.exp(2j * np.pi * 350e3 / 2.4e6 * np.arange(faster.size))
    (faster * turn).astype(np.complex64).tofile(path)
    return path


def test_a_signal_beside_the_middle_at_another_rate_is_received(tmp_path, moved):
    done = receive(moved, "--sample-rate", "1M", "--offset", "350k", "--output", tmp_path)
    assert done.stdout.endswith("1 images received\n"), done.stderr
    assert done.stderr == "vqdeepsc: 2,400,000 samples/s are resampled to 1,000,000\n"
    other = tmp_path / "moved.cf32"
    np.fromfile(moved, np.complex64).conj().tofile(other)
    options = ("--recording-rate", "2.4M", "--sample-rate", "1M", "--offset", "-350k")
    done = receive(other, *options, "--output", tmp_path)
    assert done.stdout.endswith("1 images received\n"), done.stderr
    assert "vqdeepsc: I and Q come swapped; they are swapped back" in done.stderr.splitlines()


def test_a_receiver_that_found_nothing_says_what_to_try(tmp_path, moved, transmission):
    done = receive(moved, "--output", tmp_path)
    assert (done.returncode, done.stdout) == (0, "0 images received\n")
    assert "no burst was found in 1" in done.stderr and "(0.0" in done.stderr
    # what it says is what works
    found = dict(re.findall(r"(--offset|--sample-rate) (\S+[kM])", done.stderr))
    assert found == {"--offset": "350k", "--sample-rate": "1M"}

    (tmp_path / "a.cs8").write_bytes(stored(transmission, "ci8"))
    done = receive(tmp_path / "a.cs8", "--format", "cf32", "--output", tmp_path)
    assert "% impossible values; try another --format" in done.stderr

    leak = (transmission * 1e-3 + 0.5).astype(np.complex64)
    leak[::2] = -leak[::2]
    leak.tofile(tmp_path / "b.cf32")
    done = receive(tmp_path / "b.cf32", "--output", tmp_path)
    assert "level -6.0 dBFS" in done.stderr

    done = receive(tmp_path / "a.cs8", "--model", "vqdeepsc-3s", "--output", tmp_path)
    assert re.search(r"1 bursts came, but none could be used: .* model", done.stderr)


def test_a_receiver_whose_images_are_refused_says_why(tmp_path, transmission, photograph):
    """It said that no region was whole, where all that came were."""
    refused = "vqdeepsc: 1 bursts came, but none could be used: "
    transmission.tofile(tmp_path / "a.cf32")
    done = receive(tmp_path / "a.cf32", "--max-pixels", 100, "--output", tmp_path)
    assert done.returncode == 0 and done.stdout.endswith("0 images received\n")
    assert refused + "the image has 128x128 pixels, more than the 100 allowed\n" in done.stderr

    image, path = tmp_path / "large.png", tmp_path / "large.cf32"
    Image.fromarray(photograph).resize((640, 640)).save(image)
    sent = run_command("transmit", image, "--radio", "file", "--device", path, "--first-image", 7)
    assert sent.returncode == 0, sent.stderr
    samples = np.fromfile(path, np.complex64)
    samples[: samples.size // 25].tofile(path)  # one region of as many
    done = receive(path, "--output", tmp_path)
    assert done.returncode == 0 and done.stdout.endswith("0 images received\n")
    assert refused + "image 7 dropped: 1 of 25 regions arrived" in done.stderr


@pytest.mark.parametrize("offset", ["600k", "-500k"])
def test_offsets_beyond_the_samples_are_named(tmp_path, transmission, offset):
    transmission.tofile(tmp_path / "a.cf32")
    done = receive(tmp_path / "a.cf32", "--offset", offset, "--output", tmp_path)
    assert done.returncode == 2 and "samples of 1e+06/s reach 500000" in done.stderr
