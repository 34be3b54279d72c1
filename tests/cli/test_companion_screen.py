# SPDX-License-Identifier: GPL-3.0-or-later
"""Companion as the container of docs/services.md shows it to a VNC viewer."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "examples" / "services" / "companion"
SECONDS = 400
# What Companion fills an enabled block with.
BLOCK_COLOUR = (0xF1, 0xEC, 0xFF)


class Viewer:
    """As much of RFB 3.8 (RFC 6143) as one look at the screen takes."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        assert self._read(12) == b"RFB 003.008\n"
        self._socket.sendall(b"RFB 003.008\n")
        kinds = self._read(self._read(1)[0])
        assert 1 in kinds, "no security type without a password"
        self._socket.sendall(b"\1")
        assert self._read(4) == bytes(4)
        self._socket.sendall(b"\1")
        self.width, self.height = struct.unpack(">HH", self._read(4))
        self._read(16)
        (length,) = struct.unpack(">I", self._read(4))
        self._read(length)
        # blue, green, red and a byte without meaning; raw
        pixels = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
        self._socket.sendall(b"\0\0\0\0" + pixels + struct.pack(">BxHi", 2, 1, 0))

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            assert piece, "the connection ended"
            data += piece
        return data

    def look(self) -> np.ndarray:
        """The screen, uint8 [height, width, 3]."""
        screen = np.zeros((self.height, self.width, 3), np.uint8)
        seen = 0
        self._socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height))
        while seen < self.width * self.height:
            kind, count = struct.unpack(">BxH", self._read(4))
            assert kind == 0
            for _ in range(count):
                x, y, width, height, encoding = struct.unpack(">HHHHi", self._read(12))
                assert encoding == 0
                raw = np.frombuffer(self._read(4 * width * height), np.uint8)
                screen[y : y + height, x : x + width] = raw.reshape(height, width, 4)[:, :, 2::-1]
                seen += width * height
        return screen


@pytest.fixture
def companion(tmp_path):
    """The process and the port at which its screen is."""
    if not (ROOT / "prefix" / "bin" / "python3").exists():
        pytest.skip("the module is not installed in prefix/")
    for program in ("gnuradio-companion", "Xtigervnc"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    screen = str(100 + port % 10_000)
    environment |= {"HOME": str(tmp_path), "VNC_PORT": str(port), "VNC_DISPLAY": screen}
    process = subprocess.Popen(
        [PROGRAM], env=environment, cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE
    )
    yield process, port
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)


def test_a_viewer_sees_the_flowgraph(companion):
    process, port = companion
    deadline = time.monotonic() + SECONDS
    viewer, filled = None, 0
    while filled < 10_000:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, f"{filled} pixels of blocks"
        time.sleep(1)
        try:
            viewer = viewer or Viewer(port)
        except ConnectionRefusedError:
            continue
        filled = int((viewer.look() == BLOCK_COLOUR).all(axis=2).sum())


def test_what_is_missing_is_one_sentence(tmp_path):
    for folder in ("a/examples/services", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    program = shutil.copy(PROGRAM, tmp_path / "a" / "examples" / "services")
    for name in ("sh", "dirname"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    environment = {"PATH": str(tmp_path / "bin")}

    def sentence() -> str:
        done = subprocess.run([program], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        return done.stderr

    assert "install the package gnuradio" in sentence()
    (tmp_path / "bin" / "gnuradio-companion").symlink_to(shutil.which("sh"))
    assert "run make install" in sentence()
    python = tmp_path / "a" / "prefix" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.symlink_to(shutil.which("sh"))
    assert "tigervnc" in sentence()
