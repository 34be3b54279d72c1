# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in 8 bits and back."""

import torch

from vqdeepsc_training.networks.rounding import EIGHT_BIT_WEIGHTS, packed_state, unpacked_state


def test_large_kernels_take_a_byte_and_come_back_as_bundles_round_them():
    torch.manual_seed(0)
    large = torch.randn(96, 96, 3, 3).to(memory_format=torch.channels_last)
    state = {"large": large, "small": torch.randn(4, 3, 3, 3), "count": torch.tensor(7)}
    assert large.numel() >= EIGHT_BIT_WEIGHTS
    packed = packed_state(state)
    assert packed["large"][0].dtype == torch.int8
    again = unpacked_state(packed)
    assert torch.equal(again["small"], state["small"])
    assert torch.equal(again["count"], state["count"])
    peaks = large.abs().amax(dim=(1, 2, 3), keepdim=True)
    assert ((again["large"] - large).abs() <= 0.51 * peaks / 127).all()
    # What is rounded once stays as it is.
    twice = unpacked_state(packed_state(again))
    assert torch.equal(twice["large"], again["large"])
