#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes data/burst_vectors_2.npz: recorded bursts of version 2 with the bits that are in them.

Run: prefix/bin/python tests/blocks/bursts/make_burst_vectors.py.
Each burst NAME has NAME_bits (uint8, payload), NAME_header (the fields of its frame header, bits
per symbol, FFT size, cyclic prefix), NAME_sent (complex64 [n], as transmitted) and
NAME_received (int16 [n + 400, 2], in steps of 1/8192: after 200 samples of noise, with a frequency
offset of 0.041 cycles per sample, two paths and Es/N0 of 15 dB).
"""

from pathlib import Path

import numpy as np
from qa_burst_blocks import CARRIER_POWER, transmit
from vqdeepsc.kernels import FrameHeader

SEED = 20
STEPS = 8192
LEAD = 200
CFO = 0.041
PATHS = ((0, 1.0), (5, 0.4j))
SNR_DB = 15.0
LARGEST = {
    "model": 2**16 - 1,
    "session": 2**32 - 1,
    "image": 2**16 - 1,
    "width": 2**16 - 1,
    "height": 2**16 - 1,
    "first_block": 2**24 - 1,
    "block_bits": 2**16 - 1,
}
BURSTS = {
    "qpsk": (FrameHeader(model=0x1F2E, image=1, width=128, height=128), 96, 2, 64, 16),
    "16qam": (
        FrameHeader(
            model=0xBEEF,
            session=0x89ABCDEF,
            image=513,
            width=300,
            height=200,
            first_block=192,
            block_bits=313,
        ),
        *(400, 4, 256, 32),
    ),
    "64qam": (FrameHeader(**LARGEST), 600, 6, 128, 16),
}


def main() -> None:
    rng = np.random.default_rng(SEED)
    arrays = {}
    for name, (header, payload_bits, bits_per_symbol, fft_size, prefix) in BURSTS.items():
        bits = rng.integers(0, 2, payload_bits, np.uint8)
        sent, _ = transmit(
            bits[None],
            [header],
            bits_per_symbol=bits_per_symbol,
            fft_size=fft_size,
            cyclic_prefix=prefix,
        )
        received = np.zeros(sent.size + 2 * LEAD, complex)
        for delay, gain in PATHS:
            received[LEAD + delay : LEAD + delay + sent.size] += gain * sent
        received *= np.exp(2j * np.pi * CFO * np.arange(received.size))
        deviation = np.sqrt(CARRIER_POWER * 10 ** (-SNR_DB / 10) / 2)
        noise = rng.normal(0, deviation, (2, received.size))
        received += noise[0] + 1j * noise[1]
        arrays[f"{name}_bits"] = bits
        fields = [getattr(header, field) for field in FrameHeader.FIELDS]
        arrays[f"{name}_header"] = np.array([*fields, bits_per_symbol, fft_size, prefix])
        arrays[f"{name}_sent"] = sent
        arrays[f"{name}_received"] = np.round(
            STEPS * np.stack([received.real, received.imag], 1)
        ).astype(np.int16)
    path = Path(__file__).resolve().parents[2] / "data" / "burst_vectors_2.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main()
