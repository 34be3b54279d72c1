# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program of somebody else may look like: `mypy --strict` has nothing to say about it."""

import numpy as np
from vqdeepsc import ChannelModel, Codec, Link, Simulation, simulate

codec = Codec("vqdeepsc-4s", threads=1)
image = np.full((128, 128, 3), 128, np.uint8)
bits = codec.encode_bits(image)
link = Link(codec.bits_per_region)
channel = ChannelModel.parse("rician:3")
received = link.receive(link.modulate(bits), channel.open(4.0, seed=1), 4.0)
decoded = codec.decode_llrs(received.llrs, 128, 128)
print(decoded.shape, received.block_errors.sum())


def measure(folder: str) -> float:
    plan = Simulation(images=[folder], models=["vqdeepsc-4s"], channels=[channel], snr_db=[4.0])
    return float(np.mean([row.ssim for row in simulate(plan, f"{folder}/results.csv")]))
