# SPDX-License-Identifier: GPL-3.0-or-later
"""results.csv: one row for each image, system, channel and SNR."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from vqdeepsc.bounded_files import FileError, read_bounded
from vqdeepsc.errors import Error
from vqdeepsc.images.metrics import Quality
from vqdeepsc.limits import MAXIMUM_RESULTS_BYTES
from vqdeepsc.link import ChannelModel
from vqdeepsc.whole_files import whole_file

from .identity import RowKey, System, channel_name, parse_channel


class ResultsError(Error):
    """A results file that cannot be read or written, in one sentence."""


@dataclass(frozen=True)
class Result:
    """One image over one link.

    image, system, channel, snr_db, source_bits: as in RowKey; symbols: on the air; block_errors:
    LDPC code blocks that failed; decoded: False if nothing could be decoded and mid-grey was
    scored; ssim, psnr_db: against the sent image, and NaN in place of an SSIM for one smaller than
    its window (an empty field in the file); seed: of the channel."""

    image: str
    system: System
    channel: ChannelModel | None
    snr_db: float
    source_bits: int
    symbols: int
    block_errors: int
    decoded: bool
    ssim: float
    psnr_db: float
    seed: int

    @property
    def key(self) -> RowKey:
        return RowKey(self.image, self.system, self.channel, self.snr_db, self.source_bits)

    @property
    def quality(self) -> Quality:
        return Quality(self.ssim, self.psnr_db)


COLUMNS = tuple(field.name for field in fields(Result))


def _number(text: str) -> float:
    """Raises ValueError for what is no number, or NaN, with which no mean is one."""
    value = float(text)
    if math.isnan(value):
        raise ValueError(f"{text} is not a number")
    return value


def _score(text: str) -> float:
    return _number(text) if text else math.nan


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text} is neither 0 nor 1")
    return text == "1"


_PARSERS: dict[str, Callable[[str], Any]] = {
    **{"image": str, "system": System.parse, "channel": parse_channel, "snr_db": _number},
    **{"source_bits": int, "symbols": int, "block_errors": int, "decoded": _flag},
    **{"ssim": _score, "psnr_db": _number, "seed": int},
}
_FORMATS: dict[str, Callable[[Any], str]] = {
    **{"channel": channel_name, "snr_db": "{:g}".format, "decoded": "{:d}".format},
    **{"ssim": lambda value: "" if math.isnan(value) else f"{value:.6f}"},
    **{"psnr_db": "{:.4f}".format},
}
"""How a value is written where str() is not it."""


def read_results(path: str | os.PathLike[str], *, interrupted: bool = False) -> list[Result]:
    """Reads results.csv.

    interrupted: drop a last line that was not finished. Raises ResultsError."""
    try:
        text = read_bounded(path, MAXIMUM_RESULTS_BYTES).decode()
    except FileError as error:
        raise ResultsError(str(error)) from error
    except UnicodeDecodeError as error:
        raise ResultsError(f"{path} is not a results file") from error
    if interrupted and not text.endswith("\n"):
        text = text[: text.rfind("\n") + 1]
    results = []
    try:
        for number, line in enumerate(csv.reader(io.StringIO(text), strict=True), start=1):
            if number > 1:
                results.append(_parse_row(line, f"{path}, line {number}"))
            elif tuple(line) != COLUMNS:
                raise ResultsError(
                    f"{path} has other columns than this version writes ({', '.join(COLUMNS)})"
                )
    except csv.Error as error:
        raise ResultsError(f"{path} is not a results file: {error}") from error
    if not text and not interrupted:
        raise ResultsError(f"{path} is empty")
    return results


def _parse_row(line: Sequence[str], where: str) -> Result:
    try:
        values = {name: _PARSERS[name](text) for name, text in zip(COLUMNS, line, strict=True)}
    except ValueError as error:
        raise ResultsError(f"{where} is not a result") from error
    return Result(**values)


def append_results(path: str | os.PathLike[str], results: Iterable[Result]) -> None:
    """Adds rows to a results.csv; raises ResultsError."""
    path = Path(path)
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(map(_row, results))
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from error


def write_results(path: str | os.PathLike[str], results: Iterable[Result]) -> None:
    """Writes a whole results.csv; an old file at `path` is replaced when all is written.

    Raises ResultsError."""
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ResultsError(f"{path} is not a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, "w") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *map(_row, results)])
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from error


@dataclass(frozen=True)
class Summary:
    """Means over the images of one system, number of source bits, channel and SNR.

    symbols: rounded; images: how many; ssim: of those that have one, NaN for none; undecoded,
    with_block_errors: how many of the images."""

    system: System
    source_bits: int
    symbols: int
    channel: ChannelModel | None
    snr_db: float
    images: int
    ssim: float
    psnr_db: float
    undecoded: int
    with_block_errors: int

    def to_json(self) -> dict[str, str | float]:
        """The fields, system and channel as results.csv has them."""
        return {**vars(self), "system": str(self.system), "channel": self.channel_name}

    @property
    def channel_name(self) -> str:
        """The channel as results.csv has it."""
        return channel_name(self.channel)


def summarise(results: Sequence[Result]) -> list[Summary]:
    """Means over images for each system, source bits, channel and SNR, in order of appearance."""
    groups: dict[RowKey, list[Result]] = {}
    for result in results:
        groups.setdefault(result.key._replace(image=""), []).append(result)
    return [
        Summary(
            system=key.system,
            source_bits=key.source_bits,
            symbols=round(float(np.mean([row.symbols for row in rows]))),
            channel=key.channel,
            snr_db=key.snr_db,
            images=len(rows),
            ssim=_mean_known([row.ssim for row in rows]),
            psnr_db=float(np.mean([row.psnr_db for row in rows])),
            undecoded=sum(not row.decoded for row in rows),
            with_block_errors=sum(row.block_errors > 0 for row in rows),
        )
        for key, rows in groups.items()
    ]


def _mean_known(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _row(result: Result) -> tuple[str, ...]:
    return tuple(_FORMATS.get(name, str)(getattr(result, name)) for name in COLUMNS)
