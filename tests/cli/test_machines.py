# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines as they are run: other users, homes that are missing, nothing left over."""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from other_user import AS_NOBODY, NOBODY, PROGRAM, bare_environment, run
from PIL import Image
from vqdeepsc.cli.command import SUBCOMMANDS


@pytest.mark.parametrize("kind", ["absent", "unset", "read-only", "root", "another's", "a file"])
def test_commands_run_whatever_home_is(shared, kind):
    home = {"absent": "/nowhere/at/all", "unset": None, "root": "/"}.get(kind, shared / "home")
    if kind == "another's":
        home.mkdir(mode=0o700)
        (home / ".gnuradio" / "prefs").mkdir(parents=True)
    elif kind == "read-only":
        home.mkdir(mode=0o555)
        home.chmod(0o555)
    elif kind == "a file":
        home.write_text("no folder")
    radio = ("--radio", "file", "--device", "bursts.cs8")
    for words, sentence in (
        (("transmit", "a.png", *radio), "1 images sent"),
        (("receive", *radio, "--output", "images"), "1 images received"),
        (("demo", "--image", "a.png", "--snr", "10"), "received.png"),
    ):
        done = run(words, shared, home, AS_NOBODY)
        assert (done.returncode, done.stderr) == (0, ""), (kind, done.stderr)
        assert sentence in done.stdout
    (image,) = (shared / "images").iterdir()
    assert image.stat().st_uid == NOBODY
    assert stat.S_IMODE(image.stat().st_mode) == 0o600
    assert stat.S_IMODE((shared / "images").stat().st_mode) == 0o700


LOGGING = """
from gnuradio.vqdeepsc.commands.private_state import private_state
with private_state():
    from gnuradio import gr
    gr.logger("radio").warn("a word of GNU Radio")
"""


@pytest.mark.parametrize("usable", [True, False])
def test_what_gnuradio_logs_is_no_output_of_a_command(tmp_path, usable):
    if usable:
        (tmp_path / ".gnuradio").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", LOGGING],
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    assert "a word of GNU Radio" in done.stderr


WRITING = re.compile(
    r"^\d+ +(?:open|openat|creat|mkdir|mkdirat|rename|renameat2?|link|linkat|symlink|symlinkat|"
    r"unlink|unlinkat|mknod|mknodat|chmod|fchmodat|truncate)\((.*)\) += (-?\d+)"
)
"""A call of strace that may write, its arguments and its result."""


def written_paths(calls, folder):
    """Paths that were written, made or removed, those of the kernel left out."""
    for line in calls.splitlines():
        found = WRITING.match(line)
        if not found or found[2].startswith("-"):
            continue
        opened = re.search(r"open", line.split("(")[0])
        if opened and not re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC)", found[1]):
            continue
        if "O_TMPFILE" in found[1]:
            continue  # a file without a name
        # with -y the folder that a name is in comes before it
        for place, name in re.findall(r'(?:<([^>]*)>, )?"([^"]*)"', found[1]):
            path = os.path.normpath(Path(place or folder) / name)
            if not path.startswith(("/dev/", "/proc/")):
                yield path


COMMANDS = [
    # words of the command, what it may write, the addresses that it may use
    ("models", (), ()),
    ("encode a.png -o a.vqd", ("a.vqd",), ()),
    ("encode a.png -o s.vqd --search-steps 3", ("s.vqd",), ()),
    ("decode a.vqd -o b.png", ("b.png",), ()),
    ("simulate --images a.png --snr 10 --baseline jpeg --workers 2 --output r.csv", ("r.csv",), ()),
    ("plot r.csv -o r.png", ("r.png",), ()),
    ("demo --image a.png --snr 10 --output demo", ("demo",), ()),
    ("transmit a.png --radio file --device a.cs16 --log t.jsonl", ("a.cs16", "t.jsonl"), ()),
    ("transmit a.png --radio file --device a.wav", ("a.wav",), ()),
    (
        "transmit a.png --radio file --device a.sigmf-meta",
        ("a.sigmf-meta", "a.sigmf-data"),
        (),
    ),
    ("receive --radio file --device a.cs16 --output rx --log l.jsonl", ("rx", "l.jsonl"), ()),
    ("transmit a.png --radio file --device u.cs16 --protection 6/6/4", ("u.cs16",), ()),
    ("receive --radio file --device u.cs16 --output rx --record failed", ("rx", "failed"), ()),
    ("replay failed", (), ()),
    ("receive --radio zmq --device ipc://air --output rx --seconds 1", ("rx",), ()),
    (
        "receive --radio zmq --device tcp://127.0.0.1:PORT --output rx --seconds 1",
        ("rx",),
        ("127.0.0.1:PORT",),
    ),
    (
        "receive --radio file --device a.cs16 --output rx --publish tcp://127.0.0.1:PORT",
        ("rx",),
        ("127.0.0.1:PORT",),
    ),
    (
        "receive --radio file --device a.cs16 --output rx --ask tcp://127.0.0.1:PORT",
        ("rx",),
        ("127.0.0.1:PORT",),
    ),
]


def traced(words, folder, home):
    """Runs a command in a folder of its own TMPDIR; its calls that concern files and networks."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    calls = folder / "calls"
    # without the filter in the kernel each other call would wake strace too
    options = ("-f", "--seccomp-bpf", "-y", "-qq")
    tracer = ("strace", *options, "-e", "trace=%file,%network", "-o", calls)
    done = subprocess.run(
        [*tracer, sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        env=bare_environment(home) | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert not list(temporary.iterdir())
    return calls.read_text()


ASKED_THE_KERNEL = "netlink"


def network_addresses(calls):
    """Addresses of the internet protocols that were bound, connected or sent to; ASKED_THE_KERNEL
    for its list of addresses and the like."""
    for line in calls.splitlines():
        if "AF_NETLINK" in line:
            yield ASKED_THE_KERNEL
        elif found := re.search(r'sin6?_port=htons\((\d+)\).*?"([^"]+)"', line):
            yield f"{found[2]}:{found[1]}"


def test_the_commands_above_are_all():
    assert {line.split()[0] for line, *_ in COMMANDS} == set(SUBCOMMANDS)


def test_nothing_is_written_or_called_but_what_was_named(tmp_path, photograph):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    home = tmp_path / "home"
    home.mkdir()
    Image.fromarray(photograph).resize((128, 128)).save(tmp_path / "a.png")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    for line, named, addresses in COMMANDS:
        words = line.replace("PORT", port).split()
        calls = traced(words, tmp_path, home)
        allowed = [str(tmp_path / name) for name in (*named, "tmp")]
        # a whole file is written beside the place that it gets
        strange = [
            path
            for path in written_paths(calls, tmp_path)
            if not path.startswith(tuple(allowed))
            and not re.search(r"/\.[0-9a-f]{16}\.part$", path)
        ]
        assert not strange, (line, strange)
        assert not list(home.iterdir()), line
        used = set(network_addresses(calls))
        if addresses:  # ZeroMQ looks for the interface of an address
            used.discard(ASKED_THE_KERNEL)
        assert used == {address.replace("PORT", port) for address in addresses}, (line, used)
