# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF metadata: which bytes of which files are samples (SigMF 1.2).

What the package `sigmf` reads must be valid throughout and fit in memory; recordings of other
programs often are not and do not, so only what says where the samples are is read here.
"""

from __future__ import annotations

import codecs
import itertools
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from vqdeepsc.bounded_files import FileError, read_bounded
from vqdeepsc.limits import MAXIMUM_METADATA_BYTES
from vqdeepsc.messages import from_json

from .formats import RecordingError, find_format
from .layout import Part, Recording

META, DATA, ARCHIVE, COLLECTION = ".sigmf-meta", ".sigmf-data", ".sigmf", ".sigmf-collection"
SIGMF_SUFFIXES = (META, DATA, ARCHIVE, COLLECTION)

LARGEST_NUMBER = 1e15
"""Of a sample rate or a frequency in Hz."""

_MOST_MEMBERS = 10_000
_MOST_STREAMS = 1_000


@dataclass(frozen=True)
class _Location:
    """Samples as bytes of a file: size None for all to its end."""

    file: Path
    begin: int = 0
    size: int | None = None


def open_sigmf(path: Path, channel: int) -> Recording:
    """The recording that a file of metadata, its samples, an archive or a collection is.

    channel: the one that is wanted, from 0. Raises RecordingError or OSError."""
    suffix = path.suffix.lower()
    if suffix == ARCHIVE:
        return _open_archive(path, channel)
    if suffix == COLLECTION:
        return _open_collection(path, channel)
    metadata, data = pair(path)
    description = _parse(_read(metadata), str(metadata))
    try:
        named = _field(description["global"], "core:dataset", None, str)
    except RecordingError as error:
        raise RecordingError(f"{metadata}: {error}") from error
    if named is not None:
        if PurePath(named).name != named or named in ("", ".", "..") or "\0" in named:
            raise RecordingError(f"{metadata} names {named!r} as its dataset, which is elsewhere")
        data = metadata.with_name(named)
    return _describe(description, str(metadata), _Location(data), channel)


def pair(path: Path) -> tuple[Path, Path]:
    """(metadata, samples) of which path is one; endings as they are there, in either case."""
    both = []
    for suffix in (META, DATA):
        cased = suffix.upper() if path.suffix.isupper() else suffix
        candidates = [path.with_suffix(one) for one in (cased, suffix, suffix.upper())]
        both.append(next((one for one in candidates if one.exists()), candidates[0]))
    return both[0], both[1]


def _open_archive(path: Path, channel: int) -> Recording:
    """Recordings of an archive one after the other; their samples stay in it."""
    locations: dict[str, _Location] = {}
    descriptions: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for number, member in enumerate(archive):
                if number == _MOST_MEMBERS:
                    raise RecordingError(f"{path} has more than {_MOST_MEMBERS:,} members")
                stem, suffix = _split(member.name)
                if not member.isreg():
                    continue
                if suffix == DATA:
                    locations[stem] = _Location(path, member.offset_data, member.size)
                elif suffix == META and (file := archive.extractfile(member)):
                    descriptions[stem] = file.read(MAXIMUM_METADATA_BYTES + 1)
    except tarfile.TarError as error:
        raise RecordingError(f"{path} is no SigMF archive: {error}") from error
    recordings = []
    for stem, content in sorted(descriptions.items()):
        if stem not in locations:
            raise RecordingError(f"{path} has metadata, but no samples of {stem}")
        name = f"{path}: {stem}{META}"
        recordings.append(_describe(_parse(content, name), name, locations[stem], channel))
    return _join(str(path), recordings)


def _open_collection(path: Path, channel: int) -> Recording:
    content = _load(_read(path), str(path))
    collection = content.get("collection")
    streams = collection.get("core:streams") if isinstance(collection, dict) else None
    if not isinstance(streams, list) or not 0 < len(streams) <= _MOST_STREAMS:
        raise RecordingError(f"{path} is no SigMF collection of up to {_MOST_STREAMS:,} streams")
    recordings = []
    for stream in streams:
        name = stream.get("name") if isinstance(stream, dict) else None
        if not isinstance(name, str) or PurePath(name).name != name:
            raise RecordingError(f"{path} names {name!r} as a stream, which is elsewhere")
        recordings.append(open_sigmf(path.with_name(name + META), channel))
    return _join(str(path), recordings)


def _join(name: str, recordings: list[Recording]) -> Recording:
    if not recordings:
        raise RecordingError(f"{name} has no recordings")
    first = recordings[0]
    if len({recording.sample_rate for recording in recordings}) > 1:
        raise RecordingError(f"{name} has recordings of several sample rates; name one of them")
    parts = tuple(part for recording in recordings for part in recording.parts)
    return Recording(name, parts, first.sample_rate, first.frequency)


def _read(metadata: Path) -> bytes:
    try:
        return read_bounded(metadata, MAXIMUM_METADATA_BYTES)
    except FileError as error:
        raise RecordingError(str(error)) from error


def _load(content: bytes, name: str) -> dict[str, Any]:
    if len(content) > MAXIMUM_METADATA_BYTES:
        raise RecordingError(f"{name} has more than the {MAXIMUM_METADATA_BYTES:,} bytes allowed")
    try:
        # Some editors put a byte-order mark in front.
        description = from_json(content.removeprefix(codecs.BOM_UTF8))
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise RecordingError(f"{name} is no SigMF metadata: {reason}") from error
    if not isinstance(description, dict):
        raise RecordingError(f"{name} is no SigMF metadata: it is no JSON object")
    return description


def _parse(content: bytes, name: str) -> dict[str, Any]:
    """Metadata with a "global" and "captures" of the right types."""
    description = _load(content, name)
    if not isinstance(description.get("global"), dict):
        raise RecordingError(f'{name} is no SigMF metadata: it has no "global"')
    captures = description.setdefault("captures", [])
    if not isinstance(captures, list) or not all(isinstance(one, dict) for one in captures):
        raise RecordingError(f'{name} is no SigMF metadata: "captures" is no list of objects')
    return description


def _describe(
    description: dict[str, Any], name: str, location: _Location, channel: int
) -> Recording:
    fields, captures = description["global"], description["captures"]
    try:
        form = find_format(_field(fields, "core:datatype", "", str))
        channels = _field(fields, "core:num_channels", 1, int)
        rate = _field(fields, "core:sample_rate", None, float)
        trailing = _field(fields, "core:trailing_bytes", 0, int)
        frequency = _field(captures[0], "core:frequency", None, float) if captures else None
        if channels < 1:
            raise RecordingError(f"core:num_channels is {channels}")
        if rate is not None and not rate > 0:
            raise RecordingError(f"core:sample_rate is {rate:g}")
        runs = _runs(captures, form.bytes * channels)
    except RecordingError as error:
        raise RecordingError(f"{name}: {error}") from error
    if not 0 <= channel < channels:
        raise RecordingError(f"{name} has {channels} channel(s), so there is no channel {channel}")
    size = location.size
    if size is None and trailing:
        size = location.file.stat().st_size
    if size is not None:
        size = max(0, size - trailing)
    parts = []
    for begin, length in runs:
        if length is None and size is not None:
            length = max(0, size - begin)
        elif length is not None and size is not None:
            length = max(0, min(length, size - begin))
        parts.append(Part(location.file, form, location.begin + begin, length, channels, channel))
    return Recording(name, tuple(parts), rate, frequency)


def _runs(captures: list[dict[str, Any]], turn: int) -> list[tuple[int, int | None]]:
    """(first byte, bytes) of the samples between headers, None for all to the end.

    turn: bytes of a sample of every channel. Before the first capture lie samples too, unless it
    has a header."""
    starts = [0]
    samples = [0]
    headers = 0
    last = 0
    for capture in captures:
        start = _field(capture, "core:sample_start", 0, int)
        header = _field(capture, "core:header_bytes", 0, int)
        if start < last or header < 0:
            raise RecordingError(
                "the captures are not in order, or a header has less than no bytes"
            )
        last = start
        if header:
            headers += header
            starts.append(start * turn + headers)
            samples.append(start)
    ends = [(after - before) * turn for before, after in itertools.pairwise(samples)]
    runs = list(zip(starts, [*ends, None], strict=True))
    return [run for run in runs if run[1] != 0]


def _field(fields: dict[str, Any], name: str, default: Any, kind: type) -> Any:
    """A field of this type; raises RecordingError for another one."""
    value = fields.get(name, default)
    if value is default:
        return value
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not fits or isinstance(value, bool) or (kind is float and not abs(value) < LARGEST_NUMBER):
        raise RecordingError(f"{name} is {value!r}"[:200])
    return float(value) if kind is float else value


def _split(name: str) -> tuple[str, str]:
    path = PurePath(name)
    return str(path.with_suffix("")), path.suffix.lower()
