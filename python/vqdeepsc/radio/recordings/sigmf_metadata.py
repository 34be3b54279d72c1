# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF metadata: which bytes of which files are samples (SigMF 1.2).

What the package `sigmf` reads must be valid throughout and fit in memory; recordings of other
programs often are not and do not, so only what says where the samples are is read here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from vqdeepsc.bounded_files import FileError, read_bounded
from vqdeepsc.changed_limits import allowed
from vqdeepsc.images.archive import archive_members, read_member
from vqdeepsc.limits import MAXIMUM_METADATA_BYTES, MAXIMUM_METADATA_MEMBERS
from vqdeepsc.messages import from_json

from .formats import RecordingError, find_format
from .layout import Part, Recording

META, DATA, ARCHIVE, COLLECTION = ".sigmf-meta", ".sigmf-data", ".sigmf", ".sigmf-collection"
SIGMF_SUFFIXES = (META, DATA, ARCHIVE, COLLECTION)

_MOST_CHANNELS = 1_000
_LARGEST = 1e15  # hertz, samples per second, samples or bytes


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
    return _open_pair(path, channel, _MetadataBytes())


def pair(path: Path) -> tuple[Path, Path]:
    """(metadata, samples) of which path is one; endings as they are there, in either case."""
    both = []
    for suffix in (META, DATA):
        cased = suffix.upper() if path.suffix.isupper() else suffix
        candidates = [path.with_suffix(one) for one in (cased, suffix, suffix.upper())]
        both.append(next((one for one in candidates if one.exists()), candidates[0]))
    return both[0], both[1]


class _MetadataBytes:
    """Counts the metadata of all recordings that are opened together."""

    def __init__(self) -> None:
        self._left = int(MAXIMUM_METADATA_BYTES)

    def take(self, count: int) -> None:
        """Raises ValueError where the recordings have more than is allowed."""
        self._left -= count
        if self._left < 0:
            raise ValueError(
                f"its recordings have metadata of {allowed(MAXIMUM_METADATA_BYTES, 'bytes')}"
            )


def _open_pair(path: Path, channel: int, taken: _MetadataBytes) -> Recording:
    metadata, data = pair(path)
    with _named(str(metadata)):
        content = read_bounded(metadata, MAXIMUM_METADATA_BYTES)
    taken.take(len(content))
    with _named(str(metadata)):
        return _describe(content, _Location(data), channel)


def _open_archive(path: Path, channel: int) -> Recording:
    """Recordings of an archive one after the other; their samples stay in it."""
    taken = _MetadataBytes()
    locations: dict[str, _Location] = {}
    descriptions: dict[str, bytes] = {}
    with _named(str(path), "SigMF archive"):
        for number, member in enumerate(archive_members(path)):
            if number == MAXIMUM_METADATA_MEMBERS:
                raise ValueError(f"it has {allowed(MAXIMUM_METADATA_MEMBERS, 'members')}")
            stem, suffix = _split(member.name)
            if suffix == DATA:
                locations[stem] = _Location(path, member.offset, member.size)
            elif suffix == META:
                if member.size > MAXIMUM_METADATA_BYTES:
                    raise ValueError(
                        f"{member.name} has {member.size:,} bytes, "
                        f"{allowed(MAXIMUM_METADATA_BYTES)}"
                    )
                taken.take(member.size)
                descriptions[stem] = read_member(path, member)
    recordings = []
    for stem, content in sorted(descriptions.items()):
        with _named(f"{path}: {stem}{META}"):
            if stem not in locations:
                raise ValueError("there are no samples with it")
            recordings.append(_describe(content, locations[stem], channel))
    return _join(str(path), recordings)


def _open_collection(path: Path, channel: int) -> Recording:
    with _named(str(path), "SigMF collection"):
        collection = _load(read_bounded(path, MAXIMUM_METADATA_BYTES))
        streams = _entry(_entry(collection, "collection", dict), "core:streams", list)
        if not streams:
            raise ValueError("it has no streams")
        if len(streams) > MAXIMUM_METADATA_MEMBERS:
            raise ValueError(f"it has {allowed(MAXIMUM_METADATA_MEMBERS, 'streams')}")
        names = [_entry(stream, "name", str) for stream in streams]
        for name in names:
            if not name or PurePath(name).name != name:
                raise ValueError(f"{name!r:.50} is no recording beside it")
        taken = _MetadataBytes()
        metadata = [path.with_name(name + META) for name in names]
        return _join(str(path), [_open_pair(one, channel, taken) for one in metadata])


def _join(name: str, recordings: list[Recording]) -> Recording:
    if not recordings:
        raise RecordingError(f"{name} has no recordings")
    first = recordings[0]
    if len({recording.sample_rate for recording in recordings}) > 1:
        raise RecordingError(f"{name} has recordings of several sample rates; name one of them")
    parts = tuple(part for recording in recordings for part in recording.parts)
    return Recording(name, parts, first.sample_rate, first.frequency)


def _parse(content: bytes) -> tuple[Mapping[str, Any], list[Any]]:
    """Global fields and captures of metadata; raises ValueError."""
    metadata = _load(content)
    return _entry(metadata, "global", dict) or {}, _entry(metadata, "captures", list) or []


def _load(content: bytes) -> Any:
    # some programs begin with a byte-order mark
    return from_json(content.decode("utf-8-sig"))


def _describe(content: bytes, location: _Location, channel: int) -> Recording:
    """The recording that metadata describe, its samples at a location unless they name a dataset.

    Raises ValueError for what is wrong with them, OSError where there are no samples."""
    fields, captures = _parse(content)
    if dataset := _dataset(fields):
        location = _Location(location.file.with_name(dataset))
    form = find_format(_entry(fields, "core:datatype", str) or "")
    channels = _number(fields, "core:num_channels", 1)
    if not 1 <= channels <= _MOST_CHANNELS:
        raise ValueError(f"{channels} stands for core:num_channels")
    if not 0 <= channel < channels:
        raise ValueError(f"it has {channels} channel(s), so there is no channel {channel}")
    first = captures[0] if captures else {}
    size = location.size
    trailing = _number(fields, "core:trailing_bytes", 0)
    if trailing and size is None:
        size = location.file.stat().st_size
    if size is not None:
        size -= trailing
        if size < 0:
            raise ValueError(f"{trailing} stands for core:trailing_bytes, more than there are")
    parts = []
    for begin, length in _runs(captures, form.size * channels):
        left = None if size is None else max(0, size - begin)
        ends = [end for end in (length, left) if end is not None]
        parts.append(
            Part(
                location.file,
                form,
                location.begin + begin,
                min(ends, default=None),
                channels,
                channel,
            )
        )
    rate, frequency = _positive(fields, "core:sample_rate"), _positive(first, "core:frequency")
    return Recording(str(location.file), tuple(parts), rate, frequency)


def _dataset(fields: Mapping[str, Any]) -> str | None:
    name: str | None = _entry(fields, "core:dataset", str)
    if name is not None and (name in ("", ".", "..") or {"/", "\0"} & set(name)):
        raise ValueError(f"{name!r:.50} is no file beside it")
    return name


def _runs(captures: list[Any], frame_bytes: int) -> list[tuple[int, int | None]]:
    """(first byte, bytes) of the samples between headers, None for all to the end.

    frame_bytes: bytes of a sample of every channel. Before the first capture lie samples too,
    unless it has a header."""
    starts, samples = [0], [0]
    headers = last = 0
    for capture in captures:
        start = _number(capture, "core:sample_start", 0)
        header = _number(capture, "core:header_bytes", 0)
        if start < last:
            raise ValueError("its captures are not in order")
        last = start
        if header:
            headers += header
            starts.append(start * frame_bytes + headers)
            samples.append(start)
    ends = [(after - before) * frame_bytes for before, after in itertools.pairwise(samples)]
    runs = list(zip(starts, [*ends, None], strict=True))
    return [run for run in runs if run[1] != 0]


def _entry(values: Any, key: str, kind: type) -> Any:
    """An entry of a JSON object that has this type, or None if there is none."""
    if not isinstance(values, Mapping):
        raise ValueError("an object is missing")
    value = values.get(key)
    if value is not None and type(value) is not kind:
        raise ValueError(f"{value!r:.50} stands for {key}")
    return value


def _number(values: Any, key: str, default: int) -> int:
    """A whole number from 0 up."""
    value: int | None = _entry(values, key, int)
    if value is None:
        return default
    if not 0 <= value < _LARGEST:
        raise ValueError(f"{value!r:.50} stands for {key}")
    return value


def _positive(values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 < value < _LARGEST:
        raise ValueError(f"{value!r:.50} stands for {key}")
    return float(value)


@contextmanager
def _named(name: str, kind: str = "SigMF metadata") -> Iterator[None]:
    """Says whose metadata are wrong."""
    try:
        yield
    except FileError as error:
        raise RecordingError(str(error)) from error
    except RecordingError:
        raise
    except ValueError as error:
        raise RecordingError(f"{name} is no {kind} that can be used: {error}") from error


def _split(name: str) -> tuple[str, str]:
    path = PurePath(name)
    return str(path.with_suffix("")), path.suffix.lower()
