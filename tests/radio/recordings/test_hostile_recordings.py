# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings that would take memory or time without a limit."""

import json
import os
import subprocess
import sys
import tarfile

import pytest
from gnuradio.vqdeepsc.radio.front_end import front_end
from gnuradio.vqdeepsc.radio.recordings.formats import RecordingError
from gnuradio.vqdeepsc.radio.recordings.opening import open_recording
from vqdeepsc.limits import MAXIMUM_METADATA_BYTES

GLOBAL = {"core:datatype": "cf32_le", "core:sample_rate": 1e6, "core:version": "1.0.0"}
# A third of what all recordings may have together.
LARGE = json.dumps({"global": GLOBAL, "captures": [], "x": "x" * (MAXIMUM_METADATA_BYTES // 3)})
SENTENCE = r"more than the 4,194,304 bytes allowed \(--limit metadata-bytes\)"


def test_metadata_of_a_collection_are_bounded_together(tmp_path):
    (tmp_path / "a.sigmf-data").write_bytes(bytes(800))
    (tmp_path / "a.sigmf-meta").write_text(LARGE)
    collection = tmp_path / "a.sigmf-collection"
    for number, refused in ((2, False), (1000, True)):
        streams = [{"name": "a", "hash": ""}] * number
        collection.write_text(json.dumps({"collection": {"core:streams": streams}}))
        if refused:
            with pytest.raises(RecordingError, match=SENTENCE):
                open_recording(str(collection))
        else:
            assert len(open_recording(str(collection)).parts) == number


def test_metadata_of_an_archive_are_bounded_together(tmp_path):
    """Without a bound a sparse archive of a few kB on the disk takes 4 GB."""
    path = tmp_path / "a.sigmf"
    with path.open("wb") as file:
        for number in range(1000):
            member = tarfile.TarInfo(f"{number}.sigmf-meta")
            member.size = MAXIMUM_METADATA_BYTES - 512
            file.write(member.tobuf())
            file.seek(member.size, os.SEEK_CUR)
        file.write(bytes(1024))
    program = (
        "import resource, sys\n"
        "from gnuradio.vqdeepsc.radio.recordings.opening import open_recording\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    open_recording(sys.argv[1])\n"
        "except ValueError as error:\n"
        "    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    sentence, kilobytes = done.stdout.splitlines()
    assert "4,194,304 bytes allowed (--limit metadata-bytes)" in sentence
    assert int(kilobytes) < 100_000


def test_the_text_beside_a_portapack_recording_is_never_waited_for(tmp_path):
    (tmp_path / "a.C16").write_bytes(bytes(800))
    os.mkfifo(tmp_path / "a.TXT")
    program = (
        "import sys\n"
        "from gnuradio.vqdeepsc.radio.recordings.opening import open_recording\n"
        "print(open_recording(sys.argv[1]).sample_rate)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "a.C16"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "None\n"


def test_devices_and_folders_are_no_recordings(tmp_path):
    (tmp_path / "zero.cf32").symlink_to("/dev/zero")
    (tmp_path / "folder.cf32").mkdir()
    for name in ("zero.cf32", "folder.cf32"):
        with pytest.raises(RecordingError, match=f"{name}: it is neither a file nor a pipe"):
            open_recording(str(tmp_path / name))


@pytest.mark.parametrize("rate", [1000.0123, 1e6 / 3.00007, 2.4e6, 999.9e6 + 0.123])
def test_no_sample_rate_asks_for_an_endless_filter(rate):
    """A rate of 1000.0123 samples/s asked for 4,308,947 / 4,309, a filter of 143 million taps."""
    (resampler,) = front_end(rate, 1e6, 0.0)
    assert resampler.interpolation() <= 10_000 and resampler.decimation() <= 10_000
    ratio = resampler.interpolation() / resampler.decimation()
    assert abs(ratio * rate / 1e6 - 1) < 5e-5
