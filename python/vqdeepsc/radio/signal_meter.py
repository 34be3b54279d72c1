# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in samples in which no burst was found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gnuradio import gr
from numpy.typing import NDArray

from .settings import RadioSettings

_SIZE = 1024  # of a spectrum
_PIECE = 4 * _SIZE
_MEASURED_ALL = 1 << 20  # samples; behind them one piece in so many is measured
_MEASURED_SHARE = 16
_LARGEST_VALUE = 1e6  # as the burst detector has it
_OCCUPIED = 13 / 16  # of the sample rate, by a burst
_NARROW = 0.7  # of the sample rate, by a signal that was sent at a lower one
_BESIDE = 0.1  # of the sample rate, by a signal that is not in the middle
_LOUD, _FAINT = 3.0, -60.0  # dB of full scale
_IMPOSSIBLE = 1e-3  # share of samples


class signal_meter(gr.sync_block):
    """Counts samples and measures some of them: level, carrier at 0 Hz, spectrum.

    sample_rate in samples/s
    """

    def __init__(self, sample_rate: float) -> None:
        gr.sync_block.__init__(self, "signal_meter", [np.complex64], None)
        self.samples = 0
        self._rate = sample_rate
        self._next = 0  # sample from which on the next piece is measured
        self._measured = self._impossible = 0
        self._power = 0.0
        self._sum = 0j
        self._spectrum = np.zeros(_SIZE)
        self._window = np.hanning(_SIZE)

    def work(self, input_items: list[NDArray[np.complex64]], output_items: list[Any]) -> int:
        samples = input_items[0]
        end = self.samples + samples.size
        while self._next < end:
            piece = samples[self._next - self.samples :][:_PIECE]
            share = _MEASURED_SHARE if self._measured > _MEASURED_ALL else 1
            self._next += share * piece.size
            self._measure(piece)
        self.samples = end
        return samples.size

    def _measure(self, piece: NDArray[np.complex64]) -> None:
        self._measured += piece.size
        numbers = piece.view(np.float32)
        possible = (np.abs(numbers) < _LARGEST_VALUE).reshape(-1, 2).all(axis=1)
        self._impossible += piece.size - int(possible.sum())
        piece = np.where(possible, piece, 0)
        self._power += float((np.abs(piece.astype(complex)) ** 2).sum())
        self._sum += complex(piece.sum(dtype=complex))
        frames = piece[: piece.size // _SIZE * _SIZE].reshape(-1, _SIZE)
        if frames.size:
            frames = (frames - frames.mean(axis=1, keepdims=True)) * self._window
            self._spectrum += (np.abs(np.fft.fft(frames)) ** 2).sum(axis=0)

    def report(self, settings: RadioSettings) -> str:
        """One sentence on what came and what to try with these settings."""
        if not self.samples:
            return "no samples came"
        seen = f"no burst was found in {self.samples:,} samples ({self.samples / self._rate:.3g} s)"
        impossible = self._impossible / max(1, self._measured)
        level = _decibels(self._power / max(1, self._measured))
        carrier = _decibels(abs(self._sum / max(1, self._measured)) ** 2)
        seen += (
            f": level {level:.1f} dBFS, at 0 Hz {carrier:.1f} dBFS, {100 * impossible:.2g} % "
            "impossible values"
        )
        hints = []
        if impossible > _IMPOSSIBLE or level > _LOUD:
            hints.append("another --format, as the samples are of another kind")
        elif self._spectrum.any():
            offset, width = self._strongest()
            seen += f", the strongest signal {_hertz(width)}Hz wide at {_hertz(offset)}Hz"
            if abs(offset) > _BESIDE * self._rate:
                hints.append(f"--offset {_hertz(offset)}")
            if width < _NARROW * self._rate:
                hints.append(f"--sample-rate {_hertz(width / _OCCUPIED)}")
        if level < _FAINT and settings.is_device:
            hints.append("more --gain")
        if carrier - level > -1.0 and settings.is_device:
            hints.append("another --frequency and --offset (a carrier covers the signal)")
        if settings.radio == "file":
            hints.append("--recording-rate")
        hints.append("--fft-size and --cyclic-prefix of the transmitter")
        return f"{seen}; try {', '.join(hints)}"

    def _strongest(self) -> tuple[float, float]:
        """Middle and width in Hz of what is above half of the strongest."""
        spectrum = np.fft.fftshift(self._spectrum)
        smooth = np.convolve(spectrum, np.ones(17) / 17, "same")
        floor = np.percentile(smooth, 10)
        strong = np.flatnonzero(smooth > (smooth.max() + floor) / 2)
        bins = self._rate / _SIZE
        width = strong.size * bins
        return (float(strong.mean()) - _SIZE / 2) * bins, float(width)


def _hertz(value: float) -> str:
    """Two digits, as options take them."""
    rounded = float(f"{value:.2g}")
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if abs(rounded) >= factor:
            return f"{rounded / factor:g}{unit}"
    return f"{rounded:g}"


def _decibels(power: float) -> float:
    return 10 * math.log10(max(power, 1e-20))
