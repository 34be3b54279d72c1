# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF metadata of any content, and files of samples that are none."""

import json
import os

import pytest
from gnuradio.vqdeepsc.radio.recordings.formats import RecordingError
from gnuradio.vqdeepsc.radio.recordings.opening import open_recording

METADATA = {
    "global": {"core:datatype": "cf32_le", "core:sample_rate": 1e6, "core:version": "1.0.0"},
    "captures": [{"core:sample_start": 0, "core:frequency": 433.92e6}],
    "annotations": [],
}


@pytest.fixture
def recording(tmp_path):
    (tmp_path / "a.sigmf-data").write_bytes(bytes(800))
    write(tmp_path / "a.sigmf-meta", METADATA)
    return tmp_path / "a.sigmf-meta"


def write(path, metadata):
    path.write_text(metadata if isinstance(metadata, str) else json.dumps(metadata))


def assert_refused(path, word):
    with pytest.raises(RecordingError) as caught:
        open_recording(str(path))
    assert word in str(caught.value) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_is_needed_is_read(recording):
    found = open_recording(str(recording))
    assert (found.sample_rate, found.frequency) == (1e6, 433.92e6)
    assert found.parts[0].format.name == "cf32_le"
    (recording.parent / "other.bin").write_bytes(bytes(80))
    write(recording, {"global": {**METADATA["global"], "core:dataset": "other.bin"}})
    found = open_recording(str(recording))
    assert found.parts[0].file == recording.parent / "other.bin" and found.frequency is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("core:sample_rate", value) for value in (-1, 0, "1e6", 10**400, True, [1])),
        *(("core:num_channels", value) for value in (10**9, 0, "1", -1)),
        *(("core:datatype", value) for value in (None, "rf64_le", ["cf32_le"], {"a": 1})),
        *(("core:dataset", value) for value in ("../../etc/passwd", "/etc/passwd", "..", "", "\0")),
        ("core:dataset", 5),
        ("core:trailing_bytes", 10**12),
    ],
)
def test_globals_that_are_wrong(recording, key, value):
    write(recording, {**METADATA, "global": {**METADATA["global"], key: value}})
    assert_refused(recording, "a.sigmf-meta is no SigMF metadata that can be used")


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 200_000,
        '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        json.dumps(METADATA).replace("1000000.0", "NaN"),
        json.dumps(METADATA).replace("1000000.0", "Infinity"),
        {**METADATA, "captures": "x"},
        {**METADATA, "captures": [5]},
        {**METADATA, "captures": [{"core:frequency": "abc"}]},
        {**METADATA, "captures": [{"core:header_bytes": -1}]},
        {**METADATA, "global": []},
    ],
)
def test_metadata_that_are_none(recording, metadata):
    write(recording, metadata)
    assert_refused(recording, "a.sigmf-meta is no SigMF metadata that can be used")


def test_files_that_are_none(recording):
    data = recording.with_suffix(".sigmf-data")
    for path in (data, recording):
        path.unlink()
        if path == recording:  # samples may come through a pipe
            os.mkfifo(path)
            assert_refused(recording, f"{path} is not a file")
            path.unlink()
        path.symlink_to("/dev/zero")
        assert_refused(recording, f"{path} is not a file")
        path.unlink()
        path.mkdir()
        assert_refused(recording, f"{path} is a folder")
        path.rmdir()
        path.write_bytes(b"abc")
        if path == data:
            assert_refused(recording, "has no samples")
            path.write_bytes(bytes(800))
    with recording.open("wb") as file:
        file.truncate(1 << 40)
    assert_refused(recording, "a.sigmf-meta has 1,099,511,627,776 bytes, more than")
