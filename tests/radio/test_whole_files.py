# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are whole or absent where the disk is full, a folder is gone or a process is killed."""

import json
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sigmf
import skimage.data
from conftest import assert_one_sentence, run_command
from gnuradio.vqdeepsc.blocks.image_folder import ImageFolder
from vqdeepsc.images.files import load_image, save_image
from vqdeepsc.whole_files import whole_file, write_whole

OLD = b"what was there before"
PROGRAM = "import sys; from vqdeepsc.cli import main; sys.exit(main())"


def full_disk(size: int) -> partial:
    """For preexec_fn: no file of this process may grow beyond size bytes."""
    return partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))


@pytest.fixture
def image(tmp_path) -> Path:
    path = tmp_path / "coffee.png"
    pixels = load_image(Path(skimage.data.__file__).parent / "coffee.png")
    save_image(path, pixels[:128, :128])
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("command", ["encode", "decode", "plot", "simulate"])
def test_a_full_disk_leaves_the_old_file(tmp_path, image, command, monkeypatch):
    code, rows = tmp_path / "a.vqd", tmp_path / "rows.csv"
    simulation = ["simulate", "--images", image, "--snr", "10", "--workers", "1", "--output"]
    if command == "decode":
        assert run_command("encode", image, "-o", code).returncode == 0
    if command == "plot":
        assert run_command(*simulation, rows).returncode == 0
        # Matplotlib warns where it cannot keep its list of fonts
        monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))
        assert run_command("plot", rows, "-o", tmp_path / "first.svg").returncode == 0
    output = tmp_path / "out"
    output.mkdir()
    target = output / {"encode": "a.vqd", "decode": "a.png", "plot": "a.svg"}.get(command, "a.csv")
    target.write_bytes(OLD)
    arguments = {
        "encode": ["encode", image, "-o", target],
        "decode": ["decode", code, "-o", target],
        "plot": ["plot", rows, "-o", target],
        "simulate": [*simulation, target, "--overwrite"],
    }[command]
    completed = run_command(*arguments, preexec_fn=full_disk(64))
    assert_one_sentence(completed, str(target), "File too large")
    assert target.read_bytes() == OLD
    assert names(output) == [target.name]


def test_an_exception_leaves_nothing_new(tmp_path):
    with pytest.raises(KeyError), whole_file(tmp_path / "a") as file:
        file.write(b"half")
        raise KeyError
    assert names(tmp_path) == []


def test_a_process_that_is_killed_leaves_nothing_new(tmp_path):
    (tmp_path / "a").write_bytes(OLD)
    program = (
        "import os, signal\n"
        "from vqdeepsc.whole_files import whole_file\n"
        f"with whole_file({str(tmp_path / 'a')!r}) as file:\n"
        "    file.write(bytes(100_000)); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == OLD


@pytest.mark.parametrize("nameless", [True, False])
def test_a_system_without_nameless_files_will_do(tmp_path, monkeypatch, nameless):
    if not nameless:
        monkeypatch.setattr("vqdeepsc.whole_files._OPEN_FILES", tmp_path / "none")
    write_whole(tmp_path / "a", b"new")
    write_whole(tmp_path / "a", b"newer")
    with whole_file(tmp_path / "b", "w", replace=False) as file:
        assert len(names(tmp_path)) == (1 if nameless else 2)
        file.write("text")
    assert names(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"newer" and (tmp_path / "b").read_text() == "text"


def test_permissions_links_and_devices_stay(tmp_path):
    target, link = tmp_path / "a", tmp_path / "link"
    target.write_bytes(OLD)
    target.chmod(0o640)
    link.symlink_to(target)
    write_whole(link, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    write_whole("/dev/null", b"new")
    assert Path("/dev/null").is_char_device()


def test_a_received_image_never_replaces_one(tmp_path):
    with pytest.raises(FileExistsError), whole_file(tmp_path / "a", replace=False) as file:
        file.write(b"new")
        (tmp_path / "a").write_bytes(OLD)  # another program was faster
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == OLD
    folder = ImageFolder(tmp_path / "rx")
    pixels = np.zeros((2, 2, 3), np.uint8)
    assert [folder.write(pixels, 7).name for _ in range(3)] == [
        "image-00007.png",
        "image-00007-2.png",
        "image-00007-3.png",
    ]


def test_received_images_that_cannot_be_written_are_told(tmp_path, image):
    samples = tmp_path / "a.cf32"
    radio = ["--radio", "file", "--device"]
    assert run_command("transmit", image, *radio, samples).returncode == 0
    output = tmp_path / "rx"
    completed = run_command(
        "receive", *radio, samples, "--output", output, preexec_fn=full_disk(2000)
    )
    assert completed.returncode == 2
    assert completed.stderr.splitlines()[-1] == (
        f"vqdeepsc: 1 of 1 images could not be written to {output}: File too large"
    )
    assert names(output) == []


def test_an_output_folder_that_vanished_is_told(tmp_path, image):
    output, address = tmp_path / "rx", f"ipc://{tmp_path}/air"
    radio = ["--radio", "zmq", "--device", address]
    receiver = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "receive", *radio, "--images", "1", "--output", output],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not output.is_dir():
            assert receiver.poll() is None
            time.sleep(0.05)
        shutil.rmtree(output)
        assert run_command("transmit", image, *radio).returncode == 0
        _, errors = receiver.communicate(timeout=100)
    finally:
        receiver.kill()
    assert receiver.returncode == 2
    assert f"could not be written to {output}: No such file or directory" in errors
    assert not output.exists()


@pytest.mark.parametrize("name, item", [("a.cf32", 8), ("a.ci16", 4), ("a.sigmf-data", 8)])
def test_a_full_disk_ends_a_transmission(tmp_path, image, name, item):
    samples = tmp_path / name
    completed = run_command(
        *["transmit", image, "--radio", "file", "--device", samples],
        preexec_fn=full_disk(100_003),
    )
    assert completed.returncode == 2, completed.stderr
    assert completed.stderr.splitlines()[-1] == f"vqdeepsc: {samples}: File too large"
    assert samples.stat().st_size == 100_003 - 100_003 % item


def test_a_killed_transmission_leaves_metadata(tmp_path, image):
    samples = tmp_path / "a.sigmf-data"
    folder = tmp_path / "two"
    words = ["transmit", folder, "--interval", "60", "--radio", "file", "--device", samples]
    folder.mkdir()
    for copy in "ab":
        shutil.copy(image, folder / f"{copy}.png")
    sender = subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, words)])
    try:
        while not samples.exists() or not samples.stat().st_size:
            assert sender.poll() is None
            time.sleep(0.05)
        sender.send_signal(signal.SIGHUP)
        sender.wait(timeout=100)
    finally:
        sender.kill()
    metadata = json.loads(samples.with_suffix(".sigmf-meta").read_text())
    assert metadata["global"]["core:datatype"] == "cf32_le"
    assert sigmf.fromfile(samples).sample_count == samples.stat().st_size // 8
