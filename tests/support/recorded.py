# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples as recordings hold them."""

from dataclasses import dataclass

import numpy as np
from gnuradio.vqdeepsc.radio.recordings.reader import SampleReader

RATE, FREQUENCY = 2e6, 433.92e6


def stored(samples, datatype):
    """The bytes of samples in a SigMF datatype; numbers scaled as radios do."""
    kind, bits, order = datatype[1], int(datatype[2:4].rstrip("_")), datatype[-2:]
    numbers = samples.view(np.float32).astype(float)
    number = np.dtype(f"{'>' if order == 'be' else '<'}{kind}{bits // 8}")
    if kind == "f":
        return numbers.astype(number).tobytes()
    half = 2 ** (bits - 1) - 1
    scaled = np.rint(numbers * half if kind == "i" else numbers * (half + 0.5) + half + 0.5)
    limits = np.iinfo(number)
    return scaled.clip(limits.min, limits.max).astype(number).tobytes()


@dataclass(frozen=True)
class Case:
    """name: of the file; content: of its bytes, made from samples; error: the largest in I or Q;
    knows: whether rate and frequency are known; format: what must be said."""

    name: str
    content: object
    error: float
    knows: tuple = (None, None)
    format: str = ""


BOTH = (RATE, FREQUENCY)


def read_all(recording, follow=False, count=None):
    """The samples of a recording, until its end or count of them."""
    reader = SampleReader(recording, follow)
    pieces, total = [], 0
    while count is None or total < count:
        samples = reader.read(10_007)
        if samples is None:
            break
        pieces.append(samples)
        total += samples.size
    reader.close()
    return np.concatenate(pieces)


def assert_read(case, recording, samples, got):
    assert got.size == samples.size
    np.testing.assert_allclose(
        got.view(np.float32), samples.view(np.float32), rtol=1e-6, atol=case.error
    )
    assert (recording.sample_rate, recording.frequency) == case.knows
