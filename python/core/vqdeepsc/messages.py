# SPDX-License-Identifier: GPL-3.0-or-later
"""What reaches terminals, logs and other programs: sentences and JSON, whatever names hold."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import sys
from typing import Any, NoReturn

from vqdeepsc.errors import Error

# Names that are not UTF-8 hold their bytes as such characters (PEP 383).
_BYTES = range(0xDC80, 0xDD00)


def printable(text: str | os.PathLike[str]) -> str:
    r"""The text with escapes such as \x1b, \n and \xff for what a terminal must not see.

    Control and format characters, line breaks, and bytes of a name that are not UTF-8 are
    replaced, so that the result is one line and has an encoding. Done twice it stays the same."""
    return "".join(one if one.isprintable() else _escape(one) for one in os.fspath(text))


def _escape(character: str) -> str:
    code = ord(character)
    if code in _BYTES:
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def complain(sentence: str) -> None:
    """Say on standard error what is wrong, in one line; where there is none, nothing happens."""
    # print() would take standard output in its place
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"vqdeepsc: {printable(sentence)}", file=sys.stderr, flush=True)


def open_standard_streams() -> None:
    """Give a process that was started without standard streams some that lead nowhere.

    Else the next file that is opened becomes standard output, into which libraries print. What
    an output's encoding lacks is printed as an escape from now on."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # the lowest number that is free is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class OutputError(Error):
    """Standard output takes no more, for another reason than that nobody reads it."""


def print_lines(*lines: str) -> None:
    """Print text for people or programs, at once.

    Raises OutputError, and BrokenPipeError where nobody reads any more."""
    try:
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: {error.strerror}") from error


def say(sentence: str) -> None:
    """Print a sentence in one line, at once; raises as print_lines() does."""
    print_lines(printable(sentence))


def to_json(value: Any, indent: int | None = None) -> str:
    r"""The value as JSON (RFC 8259), in one line unless indent says how many spaces.

    null stands for NaN and infinity, \xff for bytes of names that are not UTF-8; JSON's own
    escapes stand for what a terminal must not see."""
    text = json.dumps(_finite(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return re.sub(r"[^\n -~]", lambda found: _json_escape(found.group()), text)


def from_json(text: bytes | str) -> Any:
    """The value of a JSON text (RFC 8259: UTF-8, no NaN, no infinity).

    Who calls it bounds the text. Raises ValueError for another text, also for one that is nested
    more deeply than Python reads."""
    try:
        if isinstance(text, bytes):
            text = text.decode()
        return json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ValueError("the JSON is not UTF-8") from error
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _json_escape(character: str) -> str:
    if character.isprintable():
        return character
    if 0xD800 <= ord(character) < 0xE000:
        # half a character is no text that a strict reader takes
        return json.dumps(_escape(character))[1:-1]
    return json.dumps(character)[1:-1]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
