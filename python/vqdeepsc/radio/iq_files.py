# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of IQ samples: complex float or signed 16-bit, bare or with SigMF metadata."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vqdeepsc.bounded_files import FileError, bounded_file, read_bounded
from vqdeepsc.errors import Error
from vqdeepsc.limits import MAXIMUM_METADATA_BYTES
from vqdeepsc.messages import from_json
from vqdeepsc.whole_files import write_whole

BYTES_PER_SAMPLE = {"cf32_le": 8, "ci16_le": 4}
"""What is read and written, by SigMF's name of the sample format."""

DATATYPES = {
    **dict.fromkeys((".cf32", ".cfile", ".fc32", ".iq"), "cf32_le"),
    **dict.fromkeys((".ci16", ".cs16", ".sc16"), "ci16_le"),
}
"""Sample format of a bare file, by the ending of its name."""

_LARGEST = 1e15  # hertz or samples per second

SIGMF_SUFFIXES = (".sigmf-meta", ".sigmf-data")


class RecordingError(Error):
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
        with bounded_file(recording.data, sys.maxsize) as (_, size):
            pass
    except FileError as error:
        raise RecordingError(str(error)) from error
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
    """What the SigMF metadata of a recording say of it; the checksum of its samples is left.

    Whoever shortened a recording still wants the images in it."""
    assert recording.metadata
    try:
        content = read_bounded(recording.metadata, MAXIMUM_METADATA_BYTES)
    except FileError as error:
        raise RecordingError(str(error)) from error
    try:
        return _parse_metadata(recording, from_json(content))
    except ValueError as error:
        raise RecordingError(
            f"{recording.metadata} is no SigMF metadata that can be used: {error}"
        ) from error


def _parse_metadata(recording: Recording, metadata: Any) -> Recording:
    """Raises ValueError for what is wrong with the metadata of a recording."""
    known = _entry(metadata, "global", dict)
    captures = _entry(metadata, "captures", list) or []
    first = captures[0] if captures else {}
    datatype = _entry(known, "core:datatype", str)
    channels = _entry(known, "core:num_channels", int) or 1
    if datatype not in BYTES_PER_SAMPLE or channels != 1:
        raise ValueError(
            f"it has {channels} channel(s) of {datatype}, but one of "
            f"{' or '.join(BYTES_PER_SAMPLE)} is needed"
        )
    if _entry(known, "core:trailing_bytes", int) or _entry(first, "core:header_bytes", int):
        raise ValueError("its file has bytes that are no samples")
    data, name = recording.data, _entry(known, "core:dataset", str)
    if name is not None:
        if name in ("", ".", "..") or {"/", "\0"} & set(name):
            raise ValueError(f"{name!r} is no file beside it")
        data = data.with_name(name)
    rate = _positive(known, "core:sample_rate")
    return replace(
        recording,
        data=data,
        datatype=datatype,
        sample_rate=rate,
        frequency=_positive(first, "core:frequency"),
    )


def _entry(values: Any, key: str, kind: type) -> Any:
    """An entry of a JSON object that has this type, or None if there is none."""
    if not isinstance(values, Mapping):
        raise ValueError("an object is missing")
    value = values.get(key)
    if value is not None and type(value) is not kind:
        raise ValueError(f"{value!r:.50} stands for {key}")
    return value


def _positive(values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 < value < _LARGEST:
        raise ValueError(f"{value!r:.50} stands for {key}")
    return float(value)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
