# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings by name: which container and format a file or pipe has."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vqdeepsc.bounded_files import FileError, bounded_file
from vqdeepsc.messages import complain

from .byte_stream import STANDARD_INPUT, ByteStream
from .formats import (
    SUFFIXES,
    VAGUE_SUFFIXES,
    RecordingError,
    find_format,
)
from .guess import GUESS_BYTES, guess_format
from .layout import Part, Recording
from .names import Tuning, tuning_of
from .sigmf_metadata import SIGMF_SUFFIXES, open_sigmf
from .wav import HEAD_BYTES, Head, is_wav, parse_sdriq, parse_wav

_WAV, _SDRIQ = ".wav", ".sdriq"
READ_SUFFIXES = (*SUFFIXES, *VAGUE_SUFFIXES, _WAV, _SDRIQ, *SIGMF_SUFFIXES)
"""How the name of a recording may end, in either case."""


def open_recording(
    device: str,
    format_name: str = "",
    channel: int = 0,
    follow: bool = False,
    tell: Callable[[str], None] = complain,
) -> Recording:
    """A recording that can be read.

    device: path of a file or named pipe, or - for standard input; format_name: of its samples,
    "" for what name, container or samples tell; channel: the one that is wanted where there are
    several, from 0; follow: whether it still grows. tell: called with a sentence for what was
    guessed or left out. Raises RecordingError."""
    path = STANDARD_INPUT if device == str(STANDARD_INPUT) else Path(device).expanduser()
    name = "standard input" if path == STANDARD_INPUT else str(path)
    try:
        if path.suffix.lower() in SIGMF_SUFFIXES:
            if format_name:
                raise RecordingError(f"{name} tells the format of its samples itself")
            recording = _from_pipe(open_sigmf(path, channel))
        else:
            recording = _open(path, name, format_name, channel, follow, tell)
        _check_files(recording, follow)
    except OSError as error:
        raise RecordingError(f"{error.filename or name}: {error.strerror or error}") from error
    channels = recording.parts[0].channels
    if channels > 1:
        tell(f"{name} has {channels} channels, of which number {channel} is received")
    return recording


def _from_pipe(recording: Recording) -> Recording:
    """The recording, read from a named pipe where metadata describe one."""
    part, *others = recording.parts
    if others or not part.file.is_fifo():
        return recording
    return replace(recording, pipe=ByteStream(part.file))


def _open(
    path: Path,
    name: str,
    format_name: str,
    channel: int,
    follow: bool,
    tell: Callable[[str], None],
) -> Recording:
    suffix = path.suffix.lower()
    tuning = tuning_of(path)
    known = format_name or SUFFIXES.get(suffix, "") or tuning.format
    stream = ByteStream(path, follow)
    if stream.is_file and suffix not in READ_SUFFIXES and not known:
        stream.close()
        raise RecordingError(
            f"{name}: a file of samples must end in {', '.join(READ_SUFFIXES)}, or --format must "
            "name their format"
        )
    if known:
        return _located(name, path, stream, [Part(path, find_format(known))], tuning)
    try:
        return _look_inside(path, name, stream, channel, follow, tuning, tell)
    except RecordingError as error:
        stream.close()
        raise RecordingError(f"{name} {error}") from error


def _look_inside(
    path: Path,
    name: str,
    stream: ByteStream,
    channel: int,
    follow: bool,
    tuning: Tuning,
    tell: Callable[[str], None],
) -> Recording:
    """A recording whose format its content tells; raises RecordingError: the end of a sentence."""
    suffix = path.suffix.lower()
    head = stream.peek(HEAD_BYTES)
    if not head:
        raise RecordingError("has no samples")
    stated: Head | None = None
    if suffix == _WAV or is_wav(head):
        stated = parse_wav(head)
    elif suffix == _SDRIQ:
        stated = parse_sdriq(head)
    if stated is None:
        form = find_format(_guess(stream, head))
        tell(f"{name} is taken for {form.name}, as its samples look; --format names another one")
        return _located(name, path, stream, [Part(path, form)], tuning)
    if not 0 <= channel < stated.channels:
        raise RecordingError(f"has {stated.channels} channel(s), so there is no channel {channel}")
    # the length in the head of a file that is being written is not its length
    size = None if follow else stated.size
    part = Part(path, stated.format, stated.begin, size, stated.channels, channel)
    known = replace(
        tuning, sample_rate=stated.sample_rate, frequency=stated.frequency or tuning.frequency
    )
    return _located(name, path, stream, [part], known)


def _located(
    name: str, path: Path, stream: ByteStream, parts: list[Part], tuning: Tuning
) -> Recording:
    pipe: ByteStream | None = stream
    if stream.is_file:
        stream.close()
        pipe = None
    return Recording(name, tuple(parts), tuning.sample_rate, tuning.frequency, pipe)


def _guess(stream: ByteStream, head: bytes) -> str:
    pieces = [head[:GUESS_BYTES]]
    if stream.is_file:
        size = stream.size()
        for offset in (size // 4, size // 2, size * 3 // 4):
            pieces.append(stream.at(offset // 16 * 16, GUESS_BYTES))
    found = {guess_format(piece) for piece in pieces} - {""}
    if len(found) != 1:
        raise RecordingError("does not tell the format of its samples: name it with --format")
    return found.pop()


def _check_files(recording: Recording, follow: bool) -> None:
    """Raises RecordingError for files without samples and those that cannot be read."""
    if recording.pipe:
        return
    for part in recording.parts:
        try:
            with bounded_file(part.file, sys.maxsize) as (_, size):
                pass
        except FileError as error:
            raise RecordingError(str(error)) from error
        if size - part.begin < part.format.size * part.channels and not follow:
            raise RecordingError(f"{part.file} has no samples")
