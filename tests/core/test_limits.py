# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits: in one place, documented, each changed by an option and by the environment."""

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from vqdeepsc.changed_limits import VARIABLE, LimitError, allowed, parse_limits
from vqdeepsc.images.files import save_image
from vqdeepsc.limits import LIMITS, MAXIMUM_MEMBERS

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ("--output", "results.csv")
PROGRAM = "import sys; from vqdeepsc.cli import main; sys.exit(main())"


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        save_image(images / name, np.zeros((16, 16, 3), np.uint8))
    with tarfile.open(tmp_path / "images.tar", "w") as archive:
        archive.add(images)
    return tmp_path


def run(folder, *words, limits=""):
    """(status, standard error) of the command line in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, VARIABLE: limits},
    )
    return done.returncode, done.stderr


def test_the_documents_state_every_limit():
    rows = re.findall(r"^\| `([a-z-]+)` \| ([\d,]+) \|", (ROOT / "SECURITY.md").read_text(), re.M)
    stated = {name: int(number.replace(",", "")) for name, number in rows}
    assert stated == {name: limit.default for name, limit in LIMITS.items()}


@pytest.mark.parametrize(
    ("limit", "words", "expected"),
    [
        (
            "members=2",
            ("simulate", "--images", "images", "--output", "o.csv"),
            "images has more than the 2 files",
        ),
        (
            "members=2",
            ("simulate", "--images", "images.tar", "--output", "o.csv"),
            "tar has more than the 2 files",
        ),
        (
            "pixels=255",
            ("encode", "images/a.png", "-o", "a.vqd"),
            "16x16 pixels, more than the 255",
        ),
        ("image-bytes=9", ("encode", "images/a.png", "-o", "a.vqd"), "bytes, more than the 9"),
        ("manifest-bytes=9", ("encode", "images/a.png", "-o", "a.vqd"), "more than the 9"),
        ("card-bytes=9", ("encode", "images/a.png", "-o", "a.vqd"), "bytes, more than the 9"),
        ("codebook-bytes=9", ("encode", "images/a.png", "-o", "a.vqd"), "bytes, more than the 9"),
        ("network-bytes=9", ("encode", "images/a.png", "-o", "a.vqd"), "bytes, more than the 9"),
        ("network-nodes=9", ("encode", "images/a.png", "-o", "a.vqd"), "nodes, more than the 9"),
        ("network-fields=9", ("encode", "images/a.png", "-o", "a.vqd"), "more than the 9 parts"),
        ("constant-bytes=9", ("encode", "images/a.png", "-o", "a.vqd"), "more than the 9 bytes"),
        ("results-bytes=9", ("plot", "results.csv", "-o", "a.png"), "bytes, more than the 9"),
        (
            "search-seconds=9",
            ("encode", "images/a.png", "-o", "a.vqd", "--search", "10"),
            "not a number of seconds up to 9",
        ),
    ],
)
def test_each_has_an_option_and_a_sentence(folder, limit, words, expected):
    (folder / "results.csv").write_text("0123456789\n")
    status, error = run(folder, "--limit", limit, *words)
    assert (status, error.count("\n")) == (2, 1)
    assert expected in error
    if "search" not in limit:
        assert f"(--limit {limit.partition('=')[0]})" in error
    assert not (folder / "a.vqd").exists()


def test_the_environment_counts_and_the_option_more(folder):
    words = ("encode", "images/a.png", "-o", "a.vqd")
    assert run(folder, *words, limits="pixels=255,members=2")[0] == 2
    assert run(folder, "--limit", "pixels=256", *words, limits="pixels=255")[0] == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pixels", "the limit 'pixels' is not NAME=N"),
        ("pixels=-1", "the limit 'pixels=-1' is not NAME=N"),
        ("pixels=0", "the limit 'pixels=0' must be 1 to"),
        ("pixels=9999999G", "the limit 'pixels=9999999G' must be 1 to"),
        ("pixel=5", "there is no limit pixel, only card-bytes, "),
    ],
)
def test_limits_that_are_none_are_refused_in_a_sentence(folder, text, expected):
    words = ("encode", "images/a.png", "-o", "a.vqd")
    for status, error in (run(folder, "--limit", text, *words), run(folder, *words, limits=text)):
        assert (status, error.count("\n")) == (2, 1)
        assert expected in error


def test_numbers_may_have_factors():
    assert parse_limits("members=2M,pixels=3k") == {"members": 2_000_000, "pixels": 3000}
    assert parse_limits("") == {}
    with pytest.raises(LimitError):
        parse_limits("members=2,5")


def test_a_sentence_names_the_limit():
    assert allowed(MAXIMUM_MEMBERS) == "more than the 1,000,000 allowed (--limit members)"
    assert allowed(5) == "more than the 5 allowed"
