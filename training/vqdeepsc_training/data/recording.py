# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of recorded transmissions that `record_link` writes and training reads.

NumPy alone: both the environment of GNU Radio and the one of training/ import it.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import DataError
from ..base.files import whole_file

LLR_STEP = 0.2
"""Nats of one step of a recorded LLR: the LDPC decoder's own step at rate 1/3."""

LARGEST = 127
"""Largest recorded step: 25.4 nats, where that decoder saturates too."""


@dataclass(frozen=True)
class Recording:
    """Transmissions of random payloads, as the codec would have received them.

    steps: int8 [transmissions, payload bits], LLRs in steps of LLR_STEP, positive where they speak
    for the bit that was sent; channels: their names [transmissions]; snr_db: float64
    [transmissions], mean Es/N0; seed: of payloads and channels.
    """

    steps: NDArray[np.int8]
    channels: NDArray[np.str_]
    snr_db: NDArray[np.float64]
    seed: int

    @property
    def payload_bits(self) -> int:
        """Bits of each transmission."""
        return self.steps.shape[1]

    def __len__(self) -> int:
        return len(self.steps)


def quantise(llrs: NDArray[np.float32], bits: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Steps int8 [T, bits] of LLRs = ln P(1)/P(0), turned towards the bits that were sent."""
    towards = np.where(bits == 1, llrs, -llrs)
    return np.clip(np.rint(towards / LLR_STEP), -LARGEST, LARGEST).astype(np.int8)


def write_recording(recording: Recording, path: Path) -> None:
    """Write a recording as a compressed .npz file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        np.savez_compressed(
            file,
            steps=recording.steps,
            channels=recording.channels,
            snr_db=recording.snr_db,
            seed=recording.seed,
        )


def read_recording(path: Path) -> Recording:
    """Read what `write_recording` wrote; raises DataError in one sentence."""
    if not path.is_file():
        raise DataError(f"The recording {path} does not exist.")
    try:
        with np.load(path) as file:
            recording = Recording(
                file["steps"], file["channels"], file["snr_db"], int(file["seed"])
            )
    except (OSError, ValueError, TypeError, LookupError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no recording of the link that can be read.") from error
    if recording.steps.dtype != np.int8 or recording.steps.ndim != 2 or not len(recording):
        raise DataError(f"{path} is no recording of the link that can be read.")
    return recording
