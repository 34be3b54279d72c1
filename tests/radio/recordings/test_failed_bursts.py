# SPDX-License-Identifier: GPL-3.0-or-later
"""`receive --record` keeps bursts that failed, and `replay` receives them again."""

import json
import os
import resource
import shutil
from functools import partial

import numpy as np
import pytest
import sigmf
from conftest import assert_one_sentence, run_command
from gnuradio.vqdeepsc.radio.recordings.failed_bursts import read_failed_burst
from vqdeepsc.images.files import save_image

SILENCE = 2_500_000  # more than is remembered
HEADER = slice(576 + 32 + 512, 576 + 32 + 512 + 4 * 288)


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """Samples of four bursts of one image behind silence, and where they begin."""
    folder = tmp_path_factory.mktemp("sent")
    rng = np.random.default_rng(1)
    save_image(folder / "a.png", rng.integers(0, 256, (256, 256, 3), np.uint8))
    radio = ("--radio", "file", "--device", folder / "a.cf32")
    assert run_command("transmit", folder / "a.png", *radio).returncode == 0
    samples = np.concatenate(
        [np.zeros(SILENCE, np.complex64), np.fromfile(folder / "a.cf32", np.complex64)]
    )
    noise = 1e-3 * rng.standard_normal((2, samples.size))
    samples = (samples + noise[0] + 1j * noise[1]).astype(np.complex64)
    samples.tofile(folder / "b.cf32")
    log = folder / "log.jsonl"
    radio = ("--radio", "file", "--device", folder / "b.cf32", "--log", log)
    assert run_command("receive", *radio, "--output", folder).returncode == 0
    events = [json.loads(line) for line in log.read_text().splitlines()]
    starts = [event["offset"] for event in events if event["event"] == "burst"]
    assert len(starts) == 4
    return samples, starts


@pytest.fixture
def damaged(sent, tmp_path):
    """The same in a file; the second burst has no right payload, the third no header."""
    samples, starts = sent[0].copy(), sent[1]
    rng = np.random.default_rng(2)
    payload = slice(starts[1] + 8000, starts[1] + 20_000)
    samples[payload] = 0.5 * rng.standard_normal(12_000)
    samples[starts[2] :][HEADER] = 0.5 * rng.standard_normal(4 * 288)
    samples.tofile(tmp_path / "b.cf32")
    return samples


def receive(tmp_path, *more, options=(), **parameters):
    return run_command(
        *options,
        "receive",
        *("--radio", "file", "--device", tmp_path / "b.cf32", "--output", tmp_path / "images"),
        *("--record", tmp_path / "failed"),
        *more,
        **parameters,
    )


def test_what_failed_is_kept_and_received_again(tmp_path, sent, damaged):
    assert receive(tmp_path).returncode == 0
    folder = tmp_path / "failed"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"burst-0000{number}.sigmf-{kind}" for number in (1, 2) for kind in ("data", "meta")
    ]
    thoughts = []
    for number, start in ((1, sent[1][1]), (2, sent[1][2])):
        meta = folder / f"burst-0000{number}.sigmf-meta"
        sigmf.sigmffile.fromfile(str(meta)).validate()
        burst = read_failed_burst(meta)
        assert burst.logged["offset"] == start and burst.sample_rate == 1e6
        part = damaged[start - burst.start : start - burst.start + burst.samples.size]
        np.testing.assert_array_equal(burst.samples, part)
        thoughts.append((burst.logged["header_ok"], bool(burst.logged.get("block_errors"))))
    assert thoughts == [(True, True), (False, False)]

    done = run_command("replay", folder)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    was, now = lines[0].removeprefix("burst-00001: was ").split("; is ")
    assert "blocks in error at" in was and was == now
    assert "burst-00002: was not received" in lines[1] and "is not received" in lines[1]
    assert lines[2] == "0 of 2 bursts are received now"

    # a receiver that makes good what was wrong receives them
    for number, start in ((1, sent[1][1]), (2, sent[1][2])):
        burst = read_failed_burst(folder / f"burst-0000{number}.sigmf-meta")
        begin = start - burst.start
        repaired = sent[0][begin : begin + burst.samples.size]
        repaired.tofile(folder / f"burst-0000{number}.sigmf-data")
    report = json.loads(run_command("replay", "--json", folder).stdout)
    assert report["received"] == 2
    assert [burst["now"]["block_errors"] for burst in report["bursts"]] == [0, 0]


@pytest.mark.parametrize("limit", ["recorded-bursts=1", "recorded-bytes=300k"])
def test_number_and_bytes_are_bounded(tmp_path, damaged, limit):
    for _ in range(2):  # what is there already counts
        done = receive(tmp_path, options=("--limit", limit))
        assert done.returncode == 0
        name, _, number = limit.partition("=")
        sentence = f"{number.replace('k', ',000')} {name[9:]} allowed (--limit {name})"
        assert done.stderr.count(sentence) == 1
        assert len(list((tmp_path / "failed").glob("*.sigmf-data"))) == 1


def test_a_full_disk_ends_it_with_a_sentence(tmp_path, damaged):
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (5000, 5000))
    done = receive(tmp_path, preexec_fn=full)
    assert done.returncode == 2
    assert not list((tmp_path / "failed").iterdir())
    assert "Traceback" not in done.stderr and "File too large" in done.stderr


def test_a_folder_that_cannot_be_made_is_told(tmp_path, damaged):
    (tmp_path / "failed").write_text("")
    done = receive(tmp_path)
    assert_one_sentence(done)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[" * 100_000,
        "{}",
        '{"global": [], "annotations": {}}',
        '{"global": {"core:datatype": "cf32_le", "core:sample_rate": 1e6,'
        ' "vqdeepsc:receiver": {"fft_size": 7}},'
        ' "annotations": [{"core:sample_start": 0, "vqdeepsc:burst": {"offset": 0}}]}',
        '{"global": {"core:datatype": "cf32_le", "core:sample_rate": 1e6,'
        ' "vqdeepsc:receiver": {"sample_rate": 7}},'
        ' "annotations": [{"core:sample_start": 0, "vqdeepsc:burst": {"offset": 0}}]}',
    ],
)
def test_recordings_that_are_none_are_told(tmp_path, content):
    np.zeros(1000, np.complex64).tofile(tmp_path / "a.sigmf-data")
    (tmp_path / "a.sigmf-meta").write_text(content)
    done = run_command("replay", tmp_path)
    assert_one_sentence(done)


def test_recordings_of_any_size_and_length_are_told(tmp_path):
    """A recording of hours would be received from a list of Python's numbers."""
    logged = {"offset": 0, "header_ok": False, "error": "x" * 100_000}
    annotation = {"core:sample_start": 0, "vqdeepsc:burst": logged}
    general = {"core:datatype": "cf32_le", "core:sample_rate": 1e6, "vqdeepsc:receiver": {}}
    meta, data = tmp_path / "a.sigmf-meta", tmp_path / "a.sigmf-data"
    meta.write_text(json.dumps({"global": general, "annotations": [annotation]}))
    np.zeros(1000, np.complex64).tofile(data)
    done = run_command("replay", meta)
    assert done.returncode == 0 and len(done.stdout) < 1000 and not done.stderr
    os.truncate(data, 200_000_000)
    done = run_command("replay", meta)
    assert_one_sentence(done)
    assert "more than the 16,777,216 allowed" in done.stderr


def test_the_whole_of_a_burst_is_kept_whatever_its_profile(tmp_path, sent):
    image = tmp_path / "a.png"
    rng = np.random.default_rng(1)
    save_image(image, rng.integers(0, 256, (128, 128, 3), np.uint8))
    for profile in ("static", "vehicular"):
        path = tmp_path / "b.cf32"
        radio = ("--radio", "file", "--device", path, "--profile", profile)
        assert run_command("transmit", image, *radio).returncode == 0
        samples = np.fromfile(path, np.complex64)
        (end,) = np.flatnonzero(samples)[-1:]
        samples[8000:20_000] = 0.5 * rng.standard_normal(12_000)
        samples.tofile(path)
        assert receive(tmp_path).returncode == 0
        (meta,) = (tmp_path / "failed").glob("*.sigmf-meta")
        burst = read_failed_burst(meta)
        assert burst.logged["block_errors"]
        assert burst.samples.size - burst.start > end - burst.logged["offset"]
        shutil.rmtree(tmp_path / "failed")


def test_nothing_to_replay_is_told(tmp_path):
    for path in (tmp_path, tmp_path / "no.sigmf-meta"):
        done = run_command("replay", path)
        assert_one_sentence(done)
