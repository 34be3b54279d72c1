# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing leaves the machine, or stays on it, that the user did not ask for."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import vqdeepsc
from vqdeepsc.images.sample import sample_image

PROGRAM = "import sys; from vqdeepsc.cli import main; sys.exit(main())"


def isolated(command, folder, **environment):
    """A command in an empty HOME and a network namespace without any interface but loopback."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "ORT_", "MPLCONFIGDIR"))
    }
    done = subprocess.run(
        ["unshare", "--net", "--map-root-user", *command],
        cwd=folder,
        env=kept | {"HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done, sorted(path.relative_to(home) for path in home.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path):
    if not shutil.which("unshare") or isolated(["true"], tmp_path)[0].returncode:
        pytest.skip("this machine makes no network namespaces")
    return tmp_path


COMMANDS = {
    "encode": ("encode", sample_image(), "-o", "code.vqd"),
    "decode": ("decode", "code.vqd", "-o", "image.png"),
    "models": ("models",),
    "simulate": (
        *("simulate", "--images", sample_image(), "--snr", "10", "--workers", "2"),
        *("--baseline", "jpeg", "--output", "results.csv"),
    ),
    "plot": ("plot", "results.csv", "-o", "figure.png"),
}
if find_spec("gnuradio") and find_spec("gnuradio.vqdeepsc"):
    FILE = ("--radio", "file", "--device", "bursts.cs8")
    COMMANDS |= {
        "demo": ("demo", "--snr", "10", "--output", "demo"),
        "transmit": ("transmit", sample_image(), *FILE),
        "receive": ("receive", *FILE, "--output", "images"),
        # long enough for what waits before it calls
        "receive for long": (
            *("receive", "--radio", "zmq", "--device", "ipc://air", "--output", "images"),
            *("--seconds", "12"),
        ),
    }


def test_commands_write_nothing_at_home_and_call_nobody(folder):
    tracer = []
    if shutil.which("strace"):
        tracer = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", "calls"]
    for name, arguments in COMMANDS.items():
        done, files = isolated([*tracer, sys.executable, "-c", PROGRAM, *arguments], folder)
        assert done.returncode == 0, done.stderr
        assert files == [], name
        if tracer:
            calls = (folder / "calls").read_text()
            assert not re.search(r"AF_INET|AF_NETLINK", calls), f"{name}: {calls}"


def test_the_user_may_allow_what_is_off_by_default(folder):
    program = "import os, vqdeepsc.codec; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert isolated([sys.executable, "-c", program], folder)[0].stdout == "1\n"
    allowed, _ = isolated([sys.executable, "-c", program], folder, ORT_DISABLE_TELEMETRY="0")
    assert allowed.stdout == "0\n"


def test_one_module_alone_imports_onnxruntime():
    package = Path(vqdeepsc.__file__).parent
    importers = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"^\s*(?:import|from) onnxruntime", path.read_text(), re.MULTILINE)
    ]
    assert importers == ["codec/inference.py"]
