# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what the link makes of random payloads."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..data.link import DEFAULT_CHANNELS, record
from ..data.recording import write_recording


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--bits",
        type=int,
        required=True,
        help="payload of a transmission: those of one region of the model "
        "(20032 or 7616 for the models here)",
    )
    parser.add_argument("--output", type=Path, required=True, help="file to write (.npz)")
    parser.add_argument(
        "--channels",
        nargs="+",
        default=list(DEFAULT_CHANNELS),
        help="awgn, rayleigh, rician or rician:FACTOR",
    )
    parser.add_argument("--transmissions", type=int, default=160, help="of each channel")
    parser.add_argument("--seed", type=int, default=0, help="of payloads and channels")


def run(arguments: argparse.Namespace) -> None:
    """Write the recording; its decoding thresholds and its size are printed."""
    recording = record(arguments.bits, arguments.channels, arguments.transmissions, arguments.seed)
    write_recording(recording, arguments.output)
    size = arguments.output.stat().st_size / 1e6
    print(
        f"{arguments.output}: {len(recording)} transmissions of {arguments.bits} bits, "
        f"{size:.1f} MB"
    )
