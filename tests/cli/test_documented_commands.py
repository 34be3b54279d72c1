# SPDX-License-Identifier: GPL-3.0-or-later
"""Each command that the documents show is one that the programs take.

What needs neither a radio nor root nor another machine is run as the reader does it."""

import re
import shlex
import subprocess
import sys
import tarfile
from argparse import ArgumentParser
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import run_command, run_here
from documented import PAGES, ROOT, Command, in_blocks, in_sentences
from PIL import Image
from radio_programs import end, events, received, start, wait_for
from vqdeepsc.cli import SUBCOMMANDS, command

BLOCKS = [shown for page in PAGES for shown in in_blocks(page)]
# What a version changed may be gone in the next one.
SENTENCES = [shown for page in PAGES if page.name != "CHANGELOG.md" for shown in in_sentences(page)]
OTHERS = {
    *("apt", "dpkg-buildpackage", "cmake", "pip", "venv", "cd", "which", "$"),
    *("git", "cp", "tail", "grep", "systemctl", "gnuradio-companion"),
    *("podman", "pybombs", "hackrf_transfer"),
    # training/tests/ has these
    *("vqdeepsc_training", "pytest", "gpu-pack/run.py"),
}


def is_of(one: Command, *programs: str) -> bool:
    """Whether it is one of some programs, or lies in the folder of that name."""
    name = one.words[0]
    return name in programs or any(name.startswith(f"{program}/") for program in programs)


def shown(*programs: str, whole: bool = False) -> list:
    """Parameters of a test: what is shown of some programs."""
    found = [one for one in (*BLOCKS, *SENTENCES) if is_of(one, *programs)]
    unique = {str(one): one for one in found if one.whole or not whole}
    return [pytest.param(one, id=name) for name, one in unique.items()]


def options(words: tuple[str, ...]) -> list[str]:
    return [word.partition("=")[0] for word in words if word.startswith("--")]


def test_the_other_programs_are_known():
    ours = ("vqdeepsc", "make", "bench", "scripts", "-c")
    assert {one.words[0] for one in BLOCKS if not is_of(one, *ours)} == OTHERS
    assert len(BLOCKS) > 70 and len(SENTENCES) > 70


@pytest.mark.parametrize("one", shown("vqdeepsc", whole=True))
def test_a_whole_command_is_parsed(one, capfd, monkeypatch):
    def parse(words):
        arguments = parser.parse_args(words)
        arguments.run = lambda arguments: 0
        return arguments

    parser = command.build_parser()
    monkeypatch.setattr(command, "build_parser", lambda: SimpleNamespace(parse_args=parse))
    done = run_here(capfd, *one.words[1:])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("one", shown("vqdeepsc"))
def test_the_options_of_a_command_are_its_own(one):
    names = [word for word in one.words[1:] if not word.startswith("-")]
    name = next((word for word in names if word in SUBCOMMANDS), None)
    known = set(command.build_parser()._option_string_actions)
    if name:
        parser = ArgumentParser()
        import_module(SUBCOMMANDS[name].module).add_arguments(parser)
        known |= set(parser._option_string_actions)
    else:
        assert set(names) <= {"SUBCOMMAND", "COMMAND", "..."}
    assert set(options(one.words)) <= known


@pytest.mark.parametrize("one", shown("make"))
def test_a_target_is_in_the_makefile(one):
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    targets = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split()
    for word in one.words[1:]:
        name, is_variable, _ = word.partition("=")
        assert re.search(rf"^{name} \?=", text, re.M) if is_variable else name in targets


@cache
def help_of(script: str) -> str:
    command = [sys.executable, ROOT / script, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("one", shown("bench", "scripts"))
def test_a_script_is_there_and_knows_the_options(one):
    name = one.words[0]
    if re.search(r"[A-Z]", name):
        return
    assert (ROOT / name).is_file()
    if asked := set(options(one.words)):
        assert asked <= set(re.findall(r"--[a-z-]+", help_of(name)))


@pytest.mark.parametrize("one", shown("-c"))
def test_a_line_of_python_compiles(one):
    compile(one.words[1], str(one), "exec")


def test_the_receiver_in_a_container_is_parsed():
    runs = [one.words for one in BLOCKS if one.words[:2] == ("podman", "run")]
    inside = [words[words.index("vqdeepsc") + 1 :] for words in runs if "vqdeepsc" in words]
    assert sorted(map(len, inside))[0] == 0 and len(inside) == len(runs) - 2
    for words in filter(None, inside):
        assert command.build_parser().parse_args(words).radio == "soapy"


class Reader:
    """Does in a folder what a page shows."""

    def __init__(self, folder, photograph):
        self.folder = folder
        Image.fromarray(photograph).resize((128, 128)).save(folder / "photograph.jpg")
        (folder / "FOLDER").mkdir()
        (folder / "cars").mkdir()
        Image.fromarray(photograph).resize((120, 100)).save(folder / "FOLDER" / "a.png")
        with tarfile.open(folder / "cars" / "test.tar", "w") as tar:
            tar.add(folder / "photograph.jpg", "photograph.jpg")

    def run(self, one: Command, **options) -> str:
        done = run_command(*one.words[1:], cwd=self.folder, timeout=600, **options)
        assert done.returncode == 0, f"{one}\n{done.stderr}"
        return done.stdout

    def run_pair(self, receiver: Command, transmitter: Command) -> None:
        """Two terminals; another program may have the port that is shown."""
        log = self.folder / f"{Path(receiver.page).stem}.jsonl"
        words = ["0" if word == "8080" else word for word in receiver.words[1:]]
        listening = start(*words, "--log", log, cwd=self.folder)
        sent = self.run(transmitter)
        assert "image" in sent and not sent.startswith("0 ")
        wait_for(lambda: log.exists() and events(log, "image"), listening)
        end(listening)


@pytest.fixture
def reader(tmp_path, photograph):
    return Reader(tmp_path, photograph)


def of_page(name: str, *ends: str) -> list[Command]:
    """The commands of a page from the one that has certain words on, as many as words are given."""
    commands = [one for one in in_blocks(ROOT / name) if one.words[0] == "vqdeepsc"]
    found = [next(one for one in commands if end in shlex.join(one.words)) for end in ends]
    assert all(one.whole for one in found)
    return found


def test_the_commands_of_usage(reader):
    commands = [one for one in in_blocks(ROOT / "docs/usage.md") if one.words[0] == "vqdeepsc"]
    run = [one for one in commands if not {"uhd", "soapy"} & set(one.words)]
    assert len(run) == len(commands) - 2 == 7
    for one in run:
        reader.run(one)
    for name in ("demo/received.png", "decoded.png", "results.csv", "figure.png", "figure.svg"):
        assert (reader.folder / name).stat().st_size
    assert "vqdeepsc-4s" in reader.run(run[-1])


@pytest.mark.parametrize(
    "page, product",
    [("docs/installation.md", "results.png"), ("docs/experiments.md", "figure.svg")],
)
def test_the_commands_without_gnu_radio(reader, page, product):
    commands = [one for one in in_blocks(ROOT / page) if one.words[0] == "vqdeepsc"]
    assert len(commands) == 2
    for one in commands:
        reader.run(one)
    assert (reader.folder / product).stat().st_size


def test_the_commands_without_a_radio(reader):
    wanted = ("transmit photograph.jpg --radio file", "bursts.sigmf-meta --output received")
    for one in of_page("docs/radios.md", *wanted):
        reader.run(one)
    assert len(received(reader.folder / "received")) == 1
    reader.run_pair(
        *of_page("docs/radios.md", "receive --radio zmq", "transmit FOLDER --radio zmq")
    )
    transmitter, receiver = of_page("README.md", "transmit photograph.jpg --radio zmq", "receive")
    reader.run_pair(receiver, transmitter)
    assert len(received(reader.folder / "received")) == 3


def test_the_first_steps(reader):
    page = "docs/first-steps.md"
    reader.run_pair(*of_page(page, "--output received --web 8080", "photograph.jpg --radio zmq"))
    for one in of_page(page, "transmit photograph.jpg --radio file", "--log receive.jsonl"):
        reader.run(one)
    assert len(received(reader.folder / "received")) == 2
    assert events(reader.folder / "receive.jsonl", "burst")[0]["header_ok"]
    programs = [one.words[0] for one in in_blocks(ROOT / page)]
    assert programs == ["git", "cd", "make", *["vqdeepsc"] * 4, "make"]


def test_the_sentences_of_troubleshooting_are_those_of_the_programs():
    """Between the parts that change, `...`."""
    sources = [
        *ROOT.glob("python/**/*.py"),
        *ROOT.glob("python/core/bindings/*.cc"),
        ROOT / "scripts" / "install-packages",
    ]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    cells = re.findall(
        r"^\| ([^|]+) \|", (ROOT / "docs/troubleshooting.md").read_text(), re.MULTILINE
    )
    quoted = [span for cell in cells for span in re.findall(r"`([^`]+)`", cell)]
    ours = [span for span in quoted if "libgnuradio" not in span]
    assert len(ours) >= 10
    for span in ours:
        for part in filter(None, (part.strip(" ,") for part in span.split("..."))):
            assert part in text, span


def test_the_commands_that_read_samples(reader):
    piped, growing, wide = of_page(
        "docs/radios.md", "--device - --format ci8", "growing.cs16 --follow", "wide_2400000sps.cu8"
    )
    transmit = ("transmit", "photograph.jpg", "--radio", "file", "--device")
    for name in ("piped.cs8", "growing.cs16", "narrow.cf32"):
        done = run_command(*transmit, name, cwd=reader.folder)
        assert done.returncode == 0, done.stderr
    with (reader.folder / "piped.cs8").open("rb") as samples:
        reader.run(piped, stdin=samples)
    assert len(received(reader.folder / "received")) == 1

    log = reader.folder / "growing.jsonl"
    following = start(*growing.words[1:], "--log", log, cwd=reader.folder)
    wait_for(lambda: log.exists() and events(log, "image"), following)
    end(following)

    # 1 Msample/s in 2.4 Msample/s, 350 kHz below the middle
    narrow = np.fromfile(reader.folder / "narrow.cf32", np.complex64)
    narrow = np.pad(narrow, (5000, 5000 + -(narrow.size + 10_000) % 5))
    spectrum = np.fft.fft(narrow)
    size = narrow.size * 12 // 5
    padded = np.zeros(size, complex)
    carriers = np.fft.fftfreq(narrow.size, 1 / narrow.size).astype(int)
    padded[carriers] = spectrum
    samples = np.fft.ifft(padded) * 12 / 5
    samples *= np.exp(-2j * np.pi * 350e3 / 2.4e6 * np.arange(size))
    values = samples.astype(np.complex64).view(np.float32)
    stored = np.rint(values * 127.5 + 127.5).clip(0, 255).astype(np.uint8)
    stored.tofile(reader.folder / "wide_2400000sps.cu8")
    assert "1 image" in reader.run(wide)


def test_the_bursts_that_failed_are_replayed(reader):
    """With the noise and the options of docs/radios.md's table of measurements."""
    (replay,) = of_page("docs/radios.md", "replay failed")
    sent = run_command(
        *("transmit", "photograph.jpg", "--radio", "file", "--device", "bursts.cf32"),
        cwd=reader.folder,
    )
    assert sent.returncode == 0, sent.stderr
    path = reader.folder / "bursts.cf32"
    samples = np.fromfile(path, np.complex64)
    noise = np.random.default_rng(1).normal(size=(samples.size, 2)) @ [0.16, 0.16j]
    (samples + noise).astype(np.complex64).tofile(path)
    run_command(
        *("receive", "--radio", "file", "--device", path, "--output", "received"),
        *("--log", "receive.jsonl", "--record", "failed"),
        cwd=reader.folder,
    )
    assert list((reader.folder / "failed").iterdir())
    assert reader.run(replay)
