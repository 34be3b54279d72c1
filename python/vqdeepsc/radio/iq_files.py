# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of IQ samples: complex float or signed 16-bit, bare or with SigMF metadata."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

from vqdeepsc.whole_files import write_whole

BYTES_PER_SAMPLE = {"cf32_le": 8, "ci16_le": 4}
"""What is read and written, by SigMF's name of the sample format."""

DATATYPES = {
    **dict.fromkeys((".cf32", ".cfile", ".fc32", ".iq"), "cf32_le"),
    **dict.fromkeys((".ci16", ".cs16", ".sc16"), "ci16_le"),
}
"""Sample format of a bare file, by the ending of its name."""

SIGMF_SUFFIXES = (".sigmf-meta", ".sigmf-data")


class RecordingError(ValueError):
    """A file of samples that cannot be read or written, in one sentence."""


@dataclass(frozen=True)
class Recording:
    """A file of samples.

    data: where the samples are; datatype: a key of BYTES_PER_SAMPLE; metadata: its SigMF file,
    if any; sample_rate in samples/s and frequency in Hz, if known.
    """

    data: Path
    datatype: str
    metadata: Path | None = None
    sample_rate: float | None = None
    frequency: float | None = None


def named_recording(path: str | os.PathLike[str]) -> Recording:
    """What the file name says; raises RecordingError for an ending that says nothing."""
    path = Path(path).expanduser()
    suffix = path.suffix.lower()
    if suffix in SIGMF_SUFFIXES:
        data, metadata = (path.with_suffix(end) for end in reversed(SIGMF_SUFFIXES))
        return Recording(data, "cf32_le", metadata)
    if suffix not in DATATYPES:
        known = ", ".join([*DATATYPES, *SIGMF_SUFFIXES])
        raise RecordingError(f"{path}: a file of samples must end in {known}")
    return Recording(path, DATATYPES[suffix])


def open_recording(path: str | os.PathLike[str]) -> Recording:
    """A recording that can be read; raises RecordingError."""
    recording = named_recording(path)
    if recording.metadata:
        recording = _read_metadata(recording)
    try:
        with recording.data.open("rb"):
            size = recording.data.stat().st_size
    except OSError as error:
        raise RecordingError(f"{recording.data}: {error.strerror}") from error
    if size < BYTES_PER_SAMPLE[recording.datatype]:
        raise RecordingError(f"{recording.data} has no samples")
    return recording


def create_recording(
    path: str | os.PathLike[str], sample_rate: float, frequency: float
) -> Recording:
    """A recording that can be written, emptied now, with metadata that hold from now on.

    sample_rate in samples/s; frequency in Hz, 0 if unknown. Raises RecordingError."""
    named = named_recording(path)
    recording = replace(named, sample_rate=sample_rate, frequency=frequency)
    try:
        recording.data.write_bytes(b"")
    except OSError as error:
        raise RecordingError(f"{recording.data}: {error.strerror}") from error
    _write_metadata(recording, None)
    return recording


def finish_recording(recording: Recording) -> None:
    """Add the checksum of the samples that have been written to the metadata, if there are any.

    Raises RecordingError."""
    try:
        if recording.metadata and not recording.data.stat().st_size:
            raise RecordingError(f"nothing was written to {recording.data}")
    except OSError as error:
        raise RecordingError(f"{recording.data}: {error.strerror}") from error
    _write_metadata(recording, recording.data)


def _write_metadata(recording: Recording, samples: Path | None) -> None:
    """Writes the metadata, with the checksum of the samples unless they are None."""
    if recording.metadata is None:
        return
    from sigmf import SigMFFile
    from sigmf.error import SigMFError

    information = {
        "core:datatype": recording.datatype,
        "core:sample_rate": recording.sample_rate,
        "core:description": "Bursts of images",
        "core:recorder": "gr-vqdeepsc",
    }
    try:
        description = SigMFFile(data_file=samples, global_info=information)
        frequency = recording.frequency
        description.add_capture(0, metadata={"core:frequency": frequency} if frequency else {})
        write_whole(recording.metadata, description.dumps(pretty=True) + "\n")
    except (OSError, SigMFError) as error:
        raise RecordingError(f"{recording.metadata}: {_one_line(error)}") from error


def _read_metadata(recording: Recording) -> Recording:
    import sigmf
    from sigmf.error import SigMFError

    try:
        # whoever shortened a recording still wants the images in it
        description = sigmf.fromfile(recording.metadata, skip_checksum=True)
        datatype = description.get_global_field("core:datatype")
        rate = description.get_global_field("core:sample_rate")
        channels = description.get_global_field("core:num_channels") or 1
        captures = description.get_captures()
    except OSError as error:
        raise RecordingError(f"{recording.metadata}: {error.strerror or error}") from error
    except (SigMFError, ValueError, KeyError, TypeError) as error:
        raise RecordingError(
            f"{recording.metadata} is no SigMF metadata: {_one_line(error)}"
        ) from error
    if datatype not in BYTES_PER_SAMPLE or channels != 1:
        raise RecordingError(
            f"{recording.metadata} has {channels} channel(s) of {datatype}, but one of "
            f"{' or '.join(BYTES_PER_SAMPLE)} is needed"
        )
    if rate is not None and not (isinstance(rate, int | float) and 0 < rate < math.inf):
        raise RecordingError(f"{recording.metadata} has {rate!r} in place of a sample rate")
    frequency = captures[0].get("core:frequency") if captures else None
    return replace(recording, datatype=datatype, sample_rate=rate, frequency=frequency)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
