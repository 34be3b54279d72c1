# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples that SigMF describes, in each of its types, with its archives and collections."""

import json
import os
import tarfile
import threading
import time

import numpy as np
import pytest
import sigmf
from gnuradio.vqdeepsc.radio.recordings.formats import FORMATS, RecordingError
from gnuradio.vqdeepsc.radio.recordings.opening import open_recording
from recorded import BOTH, FREQUENCY, RATE, Case, assert_read, read_all, stored


def describe(path, datatype, captures=({"core:sample_start": 0},), encoding="utf-8", **fields):
    fields = {f"core:{name}": value for name, value in fields.items()}
    fields = {"core:datatype": datatype, "core:version": "1.2.0", **fields}
    text = json.dumps({"global": fields, "captures": captures, "annotations": []})
    path.write_text(text, encoding=encoding)


@pytest.mark.parametrize("datatype", FORMATS)
def test_every_complex_type_of_sigmf(tmp_path, transmission, datatype):
    (tmp_path / "a.sigmf-data").write_bytes(stored(transmission, datatype))
    captures = [{"core:sample_start": 0, "core:frequency": FREQUENCY}]
    describe(tmp_path / "a.sigmf-meta", datatype, captures, sample_rate=RATE)
    recording = open_recording(str(tmp_path / "a.sigmf-data"), tell=pytest.fail)
    error = {"8": 0.006, "16": 2e-5, "32": 1e-7}[datatype[2:].partition("_")[0].replace("64", "32")]
    assert_read(Case("", None, error, BOTH), recording, transmission, read_all(recording))
    # the package reads the same
    expected = sigmf.fromfile(tmp_path / "a.sigmf-meta", skip_checksum=True).read_samples()
    np.testing.assert_allclose(read_all(recording), expected, atol=0.02)


@pytest.mark.parametrize("way", ["pipe", "growing file"])
@pytest.mark.parametrize("datatype", FORMATS)
def test_samples_of_sigmf_that_still_come(tmp_path, transmission, datatype, way):
    """Metadata lie there from the beginning, as recorders write them; the samples come."""
    content, path = stored(transmission, datatype), tmp_path / "a.sigmf-data"
    captures = [{"core:sample_start": 0, "core:frequency": FREQUENCY}]
    describe(tmp_path / "a.sigmf-meta", datatype, captures, sample_rate=RATE)
    begun, grows = len(content) // 2 + 1, way == "growing file"
    if grows:
        path.write_bytes(content[:begun])
    else:
        os.mkfifo(path)

    def write():
        with path.open("ab", buffering=0) as file:
            for position in range(begun if grows else 0, len(content), 40_000):
                file.write(content[position : position + 40_000])
                time.sleep(0.01)

    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    recording = open_recording(str(tmp_path / "a.sigmf-meta"), tell=pytest.fail, follow=grows)
    got = read_all(recording, follow=grows, count=transmission.size if grows else None)
    error = {"8": 0.006, "16": 2e-5, "32": 1e-7}[datatype[2:].partition("_")[0].replace("64", "32")]
    assert_read(Case("", None, error, BOTH), recording, transmission, got[: transmission.size])
    writing.join(timeout=10)


def test_headers_trailing_bytes_and_named_datasets(tmp_path, transmission):
    first, second = transmission[:20_000], transmission[20_000:]
    with (tmp_path / "radio.dat").open("wb") as file:
        file.write(b"H" * 42 + stored(first, "ci16_le") + b"G" * 13 + stored(second, "ci16_le"))
        file.write(b"\xff" * 7)
    captures = [
        {"core:sample_start": 0, "core:header_bytes": 42, "core:frequency": FREQUENCY},
        {"core:sample_start": 10_000},
        {"core:sample_start": 20_000, "core:header_bytes": 13},
    ]
    describe(tmp_path / "a.SIGMF-META", "ci16_le", captures, "utf-8-sig",
             dataset="radio.dat", trailing_bytes=7, sample_rate=RATE)  # fmt: skip
    recording = open_recording(str(tmp_path / "a.SIGMF-META"), tell=pytest.fail)
    assert_read(Case("", None, 2e-5, BOTH), recording, transmission, read_all(recording))


def test_channels_archives_and_collections(tmp_path, transmission):
    two = np.stack([transmission, transmission[::-1]], axis=1)
    (tmp_path / "a.sigmf-data").write_bytes(stored(np.ascontiguousarray(two), "ci16_be"))
    describe(tmp_path / "a.sigmf-meta", "ci16_be", num_channels=2, sample_rate=RATE)
    for channel, expected in enumerate((transmission, transmission[::-1])):
        sentences = []
        recording = open_recording(
            str(tmp_path / "a.sigmf-meta"), channel=channel, tell=sentences.append
        )
        np.testing.assert_allclose(read_all(recording), expected, atol=3e-5)
        assert sentences and f"number {channel}" in sentences[0]
    with pytest.raises(RecordingError, match="no channel 2"):
        open_recording(str(tmp_path / "a.sigmf-meta"), channel=2)

    (tmp_path / "b.sigmf-data").write_bytes(transmission.tobytes())
    describe(tmp_path / "b.sigmf-meta", "cf32_le", sample_rate=RATE)
    with tarfile.open(tmp_path / "c.sigmf", "w") as archive:
        for ending in ("meta", "data"):
            archive.add(tmp_path / f"b.sigmf-{ending}", f"c/b.sigmf-{ending}")
    recording = open_recording(str(tmp_path / "c.sigmf"))
    np.testing.assert_array_equal(read_all(recording), transmission)
    assert recording.sample_rate == RATE

    streams = {"core:version": "1.2.0", "core:streams": [{"name": "b"}, {"name": "b"}]}
    (tmp_path / "d.sigmf-collection").write_text(json.dumps({"collection": streams}))
    recording = open_recording(str(tmp_path / "d.sigmf-collection"))
    np.testing.assert_array_equal(read_all(recording), np.tile(transmission, 2))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"datatype": "rf32_le"}, "real; complex ones are needed"),
        ({"datatype": 7}, "7 stands for core:datatype"),
        ({"datatype": "cf16"}, "no sample format 'cf16'"),
        ({"dataset": "../b.sigmf-data"}, "no file beside it"),
        ({"num_channels": 0}, "0 stands for core:num_channels"),
        ({"sample_rate": "fast"}, "'fast' stands for core:sample_rate"),
        ({"captures": [{"core:sample_start": 9}, {"core:sample_start": 3}]}, "not in order"),
        ({"captures": [{"core:header_bytes": -1}]}, "-1 stands for core:header_bytes"),
        ({"captures": [{"core:header_bytes": 10**9}]}, "has no samples"),
        ({"captures": 5}, "5 stands for captures"),
        ({"trailing_bytes": True}, "True stands for core:trailing_bytes"),
    ],
)
def test_metadata_that_lead_nowhere_get_a_sentence(tmp_path, fields, words):
    (tmp_path / "a.sigmf-data").write_bytes(bytes(800))
    options = {"datatype": "cf32_le", **fields}
    describe(tmp_path / "a.sigmf-meta", options.pop("datatype"), **options)
    with pytest.raises(RecordingError, match=words):
        open_recording(str(tmp_path / "a.sigmf-meta"))
