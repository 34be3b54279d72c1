# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines as they are run: other users, homes that are missing, services, nothing left over."""

import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
NOBODY = 65534
KEPT = ("PATH", "PYTHONPATH", "VQDEEPSC_MODELS", "LD_LIBRARY_PATH")
# a service with UMask=0077 that is sent no signals and has no input
AS_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("sh", "-c", 'umask 077; exec "$@"', "sh"),
)


def bare_environment(home):
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return environment | ({} if home is None else {"HOME": str(home)})


def run(words, folder, home, prefix=(), **options):
    return subprocess.run(
        [*prefix, sys.executable, "-c", PROGRAM, *map(str, words)],
        cwd=folder,
        env=bare_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


@pytest.fixture
def shared(photograph):
    """A folder for everybody with an image, where another user can run commands."""
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root becomes another user")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    image = folder / "a.png"
    Image.fromarray(photograph).resize((128, 128)).save(image)
    image.chmod(0o644)
    if run(["models"], folder, None, AS_NOBODY).returncode:
        shutil.rmtree(folder)
        pytest.skip("the build is not readable for everybody")
    yield folder
    shutil.rmtree(folder)


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


def unit():
    """Names and values of the systemd unit of the documents."""
    text = (ROOT / "examples" / "services" / "vqdeepsc-receive.service").read_text()
    return dict(re.findall(r"^(\w+)=(.*)$", text.replace("\\\n", " "), re.MULTILINE))


def test_the_unit_of_the_documents(shared):
    fields = unit()
    assert (fields["UMask"], fields["DynamicUser"]) == ("0077", "yes")
    program, *words = shlex.split(fields["ExecStart"])
    assert program.endswith("/prefix/bin/vqdeepsc")
    state = shared / "state"
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    line = " ".join(words).replace(f"/var/lib/{fields['StateDirectory']}", str(state))
    # a file that grows in place of the radio; what concerns the radio alone goes
    line = line.replace("--radio soapy --device driver=rtlsdr", "--radio file --device air.cf32")
    line = re.sub(r"--gain \S+ ", "", line)
    sent = run(("transmit", "a.png", "--radio", "file", "--device", "air.cf32"), shared, None)
    assert sent.returncode == 0
    service = subprocess.Popen(
        [*AS_NOBODY, sys.executable, "-c", PROGRAM, *line.split(), "--follow"],
        cwd=shared,
        env=bare_environment("/"),  # as DynamicUser has it
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 100
    while not list(state.glob("images/*.png")) and time.monotonic() < deadline:
        assert service.poll() is None, service.stderr.read()
        time.sleep(0.05)
    service.send_signal(signal.SIGTERM)
    output, errors = service.communicate(timeout=60)
    assert (service.returncode, errors) == (0, "")
    assert output.endswith("1 images received\n")
    assert '"event": "end"' in (state / "receive.jsonl").read_text()


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


def test_nothing_is_written_but_what_was_named(tmp_path, photograph):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    image, home = tmp_path / "a.png", tmp_path / "home"
    Image.fromarray(photograph).resize((128, 128)).save(image)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    home.mkdir()
    radio = ("--radio", "file", "--device")
    zmq = ("--radio", "zmq", "--device", "ipc://air")
    for words, named in (
        (("models",), ()),
        (("encode", "a.png", "-o", "a.vqd"), ("a.vqd",)),
        (("decode", "a.vqd", "-o", "b.png"), ("b.png",)),
        (
            ("simulate", "--images", "a.png", "--snr", "10", "--workers", "1", "--output", "r.csv"),
            ("r.csv",),
        ),
        (("plot", "r.csv", "-o", "r.png"), ("r.png",)),
        (("demo", "--image", "a.png", "--snr", "10", "--output", "demo"), ("demo",)),
        (("transmit", "a.png", *radio, "a.cs16"), ("a.cs16",)),
        (("transmit", "a.png", *radio, "a.sigmf-meta"), ("a.sigmf-meta", "a.sigmf-data")),
        (("receive", *radio, "a.cs16", "--output", "rx", "--log", "l.jsonl"), ("rx", "l.jsonl")),
        (("receive", *zmq, "--output", "rx", "--seconds", "1"), ("rx",)),
    ):
        calls = tmp_path / "calls"
        tracer = ("strace", "-f", "-y", "-qq", "-e", "trace=%file,%network", "-o", calls)
        environment = bare_environment(home) | {"TMPDIR": str(temporary)}
        done = subprocess.run(
            [*tracer, sys.executable, "-c", PROGRAM, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        text = calls.read_text()
        allowed = [str(tmp_path / name) for name in named] + [str(temporary)]
        # a whole file is written beside the place that it gets
        strange = [
            path
            for path in written_paths(text, tmp_path)
            if not path.startswith(tuple(allowed))
            and not re.search(r"/\.[0-9a-f]{16}\.part$", path)
        ]
        assert not strange, (words, strange)
        assert not list(home.iterdir()) and not list(temporary.iterdir()), words
        assert not re.search(r"AF_INET|AF_NETLINK", text), words
