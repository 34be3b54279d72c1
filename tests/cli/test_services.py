# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit and the container of the documents, run as another user behind their mounts."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from other_user import NOBODY, PROGRAM, bare_environment, run

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "examples" / "services"
SANDBOX = ROOT / "tests" / "support" / "sandbox.sh"


def unit():
    """Names and values of the systemd unit of the documents."""
    text = (SERVICES / "vqdeepsc-receive.service").read_text()
    return dict(re.findall(r"^(\w+)=(.*)$", text.replace("\\\n", " "), re.MULTILINE))


def container():
    """Instructions and arguments of the container of the documents."""
    text = (SERVICES / "Containerfile").read_text()
    return dict(re.findall(r"^([A-Z]+) (.*)$", text, re.MULTILINE))


def without_the_radio(words):
    """The words of a receiver with a file that grows in place of an RTL-SDR."""
    line = shlex.join(words)
    line = line.replace("--radio soapy --device driver=rtlsdr", "--radio file --device air.cf32")
    assert "air.cf32" in line
    return [*shlex.split(re.sub(r"--gain \S+ ", "", line)), "--follow"]


class Sandbox:
    """A state folder, and commands that see the file system as the unit has it."""

    def __init__(self, folder):
        self.state = folder / "state"
        self.state.mkdir()
        os.chown(self.state, NOBODY, NOBODY)
        build = Path(os.environ["VQDEEPSC_BUILD"])
        python = Path(sys.executable)
        self.folders = {
            "checkout": str(ROOT),
            "build": str(build),
            "environment": str(python.parents[1]),
            "state": str(self.state),
        }
        self.python = f"/opt/environment/bin/{python.name}"
        self.environment = bare_environment("/") | {  # as DynamicUser has it
            "PYTHONPATH": "/opt/build/python",
            "LD_LIBRARY_PATH": "/opt/build/lib",
            "VQDEEPSC_MODELS": "/opt/checkout/models",
        }

    def start(self, *command):
        return subprocess.Popen(
            ["unshare", "--mount", str(SANDBOX), self.python, "-c", *map(str, command)],
            env=self.environment | self.folders,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command):
        """Standard output and error, and the status, of a program that ends."""
        process = self.start(*command)
        return *process.communicate(timeout=100), process.returncode


@pytest.fixture
def sandbox(shared):
    mount = "mount --make-rprivate / && mount -t tmpfs tmpfs /opt"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", mount], capture_output=True)
    if done.returncode:
        pytest.skip("this machine gives a process no mounts of its own")
    return Sandbox(shared)


def test_the_unit_is_one_for_systemd(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    text = (SERVICES / "vqdeepsc-receive.service").read_text()
    path = tmp_path / "vqdeepsc-receive.service"
    # the program of the unit need not be there
    path.write_text(text.replace("/opt/gr-vqdeepsc/prefix/bin/vqdeepsc", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_sandbox_is_one(sandbox, shared):
    """What the settings of the unit hide and protect."""
    fields = unit()
    hardening = {
        "ProtectHome": "yes",
        "ProtectSystem": "strict",
        "PrivateTmp": "yes",
        "NoNewPrivileges": "yes",
        "DynamicUser": "yes",
        "UMask": "0077",
    }
    assert {name: fields[name] for name in hardening} == hardening
    (shared / "secret").write_text("of somebody else")
    program = """
import os, sys
for path in ("/root", "/home"):
    try:
        os.listdir(path)
    except PermissionError:
        continue
    print(path, "is open")
for path in ("/a", "/opt/checkout/a", "/usr/a", "/var/lib/a", "/root/a"):
    try:
        open(path, "w")
    except OSError:
        continue
    print(path, "is written")
print(os.path.exists(sys.argv[1]), os.getuid(), oct(os.umask(0)), os.getcwd())
"""
    output, errors, status = sandbox.run(program, shared / "secret")
    assert (status, errors) == (0, "")
    assert output == f"False {NOBODY} 0o77 /var/lib/vqdeepsc\n"


def test_the_unit_receives(sandbox, shared):
    program, *words = shlex.split(unit()["ExecStart"])
    assert program.endswith("/prefix/bin/vqdeepsc")
    air = sandbox.state / "air.cf32"
    sent = run(("transmit", "a.png", "--radio", "file", "--device", air), shared, None)
    assert sent.returncode == 0, sent.stderr
    service = sandbox.start(PROGRAM, *without_the_radio(words))
    images = sandbox.state / "images"
    deadline = time.monotonic() + 200
    while not list(images.glob("*.png")) and time.monotonic() < deadline:
        assert service.poll() is None, service.stderr.read()
        time.sleep(0.05)
    service.send_signal(signal.SIGTERM)
    output, errors = service.communicate(timeout=60)
    assert (service.returncode, errors) == (0, "")
    assert output.endswith("1 images received\n")
    (image,) = images.iterdir()
    log = sandbox.state / "receive.jsonl"
    for path in (image, log):
        status = path.stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (NOBODY, 0o600)
    assert stat.S_IMODE(images.stat().st_mode) == 0o700
    assert json.loads(log.read_text().splitlines()[-1])["event"] == "end"
    assert {path.name for path in sandbox.state.iterdir()} == {air.name, images.name, log.name}


def test_the_container_receives(sandbox, shared):
    """Its command as its user, with a root that is read-only and a /tmp of its own."""
    instructions = container()
    assert instructions["USER"] == f"{NOBODY}:{NOBODY}"
    assert json.loads(instructions["ENTRYPOINT"])[0].endswith("/prefix/bin/vqdeepsc")
    words = json.loads(instructions["CMD"])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    words[words.index("tcp://host.containers.internal:5550")] = address
    volume = instructions["VOLUME"]
    words[words.index(volume)] = f"/var/lib/vqdeepsc{volume}"
    service = sandbox.start(PROGRAM, *words, "--images", "1")
    sent = run(("transmit", "a.png", "--radio", "zmq", "--device", address), shared, None)
    assert sent.returncode == 0, sent.stderr
    output, errors = service.communicate(timeout=200)
    assert (service.returncode, errors) == (0, "")
    assert output.endswith("1 images received\n")
    assert len(list((sandbox.state / "images").iterdir())) == 1
