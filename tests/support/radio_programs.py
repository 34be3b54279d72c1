# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of `vqdeepsc transmit` and `vqdeepsc receive` share."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from vqdeepsc.images.files import load_image

SECONDS = 120


def received(folder: Path) -> list[np.ndarray]:
    return [load_image(path) for path in sorted(folder.glob("*.png"))]


def events(log: Path, kind: str) -> list[dict]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if line["event"] == kind]


def assert_same(got: list[np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def start(
    *arguments: object, stdout: int = subprocess.PIPE, cwd: Path | None = None
) -> subprocess.Popen:
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-u", "-c", program, *map(str, arguments)],
        stdout=stdout,
        cwd=cwd,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.1)


def end(process: subprocess.Popen, number: int = signal.SIGTERM) -> str:
    """Ends a process by a signal, which it must take calmly; returns what it printed."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    return output
