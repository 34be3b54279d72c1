# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad channels: recorded soft bits on indices, against the codec that users run."""

import numpy as np
import pytest
import torch
from conftest import SMALL_CONDITIONAL, SMALL_CONDITIONAL_3, write_link
from vqdeepsc.codec import BitLayout, Regions, Scale

from vqdeepsc_training.data.recording import LLR_STEP, Recording, quantise, read_recording
from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.networks.encoded import stride
from vqdeepsc_training.networks.quantiser import EmbeddingSpace
from vqdeepsc_training.objectives import channel
from vqdeepsc_training.objectives.channel import (
    check_recording,
    mean_codewords,
    received_codewords,
    soft_bits,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def crops(codewords: dict[int, int], count: int) -> tuple[list, list, BitLayout]:
    """Spaces and indices of crops of 128 pixels, and how the codec lays out their bits."""
    torch.manual_seed(0)
    spaces, indices, scales = [], [], []
    for scale, number in codewords.items():
        space = EmbeddingSpace(number, 3)
        space.counts.copy_(torch.rand(number) + 0.05)
        spaces.append(space)
        side = 128 // stride(scale)
        indices.append(torch.randint(0, number, (count, side, side)))
        prior = (space.counts / space.counts.sum()).double().numpy()
        passes = 0 in codewords and scale < 2
        scales.append(Scale(scale, stride(scale), number, 3, space.bits, prior, passes))
    return spaces, indices, BitLayout(scales)


def recorded(payload_bits: int, count: int) -> Recording:
    """Steps of every size and both signs, each in a position of its own."""
    steps = np.random.default_rng(1).integers(-40, 100, (count, payload_bits)).astype(np.int8)
    return Recording(steps, np.array(["awgn"] * count), np.zeros(count), 0)


@pytest.mark.parametrize(
    "codewords",
    [{1: 16, 2: 8, 3: 4, 4: 2}, {2: 64, 3: 32, 4: 8}, {0: 16, 1: 16, 2: 8, 3: 4, 4: 2}],
)
def test_crop_is_received_as_the_codec_receives_a_region(codewords, monkeypatch):
    """Order of the bits, sign and scale of the LLRs, prior and mean are all the codec's."""
    monkeypatch.setattr(channel, "MISSING_SHARE", 0.0)
    spaces, indices, layout = crops(codewords, 1)
    recording = recorded(layout.bits_per_region, 1)
    regions, blocks = Regions(128, 128), np.arange(64)[None]
    scales = sorted(layout.scales, key=lambda scale: scale.scale)
    bits = layout.pack(
        {
            scale.scale: regions.cut(found[0].numpy(), blocks, scale.stride, scale.passes)
            for scale, found in zip(scales, indices, strict=True)
        }
    )
    llrs = LLR_STEP * recording.steps * np.where(bits == 1, 1.0, -1.0)
    posteriors = layout.posteriors(llrs.astype(np.float32))
    received = received_codewords(list(codewords), spaces, indices, recording, generator())
    for scale, space, found in zip(scales, spaces, received, strict=True):
        placed = regions.assemble(posteriors[scale.scale], blocks, scale.stride, scale.passes)
        expected = placed @ space.embedding.numpy()
        actual = found[0].permute(1, 2, 0).numpy()
        assert np.abs(actual - expected).max() < 1e-4


def test_steps_are_llrs_turned_towards_what_was_sent():
    llrs = np.array([[3.0, -3.0, 0.06, 99.0, -99.0, -99.0]], np.float32)
    bits = np.array([[1, 1, 0, 1, 0, 1]], np.uint8)
    assert quantise(llrs, bits).tolist() == [[15, -15, 0, 127, 127, -127]]


def test_perfect_transmission_gives_the_codewords_that_were_sent(monkeypatch):
    monkeypatch.setattr(channel, "MISSING_SHARE", 0.0)
    spaces, indices, layout = crops({1: 16, 2: 8, 3: 4, 4: 2}, 1)
    perfect = Recording(
        np.full((1, layout.bits_per_region), 127, np.int8), np.array(["awgn"]), np.zeros(1), 0
    )
    received = received_codewords([1, 2, 3, 4], spaces, indices, perfect, generator())
    for space, found, codewords in zip(spaces, indices, received, strict=True):
        assert torch.allclose(codewords, space.look_up(found), atol=1e-5)


def test_mean_codewords_of_certain_and_of_missing_bits():
    space = EmbeddingSpace(8, 3)
    space.counts.copy_(torch.arange(1.0, 9.0) / 36)
    indices = torch.arange(8).view(1, 2, 4)
    bits = (indices[..., None] >> torch.tensor([2, 1, 0])) & 1
    certain = mean_codewords((bits * 2.0 - 1) * 100, space)
    assert torch.allclose(certain, space.look_up(indices))
    prior_mean = (space.counts[:, None] * space.embedding).sum(0)
    missing = mean_codewords(torch.zeros(1, 2, 4, 3), space)
    assert torch.allclose(missing, prior_mean.view(1, 3, 1, 1).expand(1, 3, 2, 4), atol=1e-6)


def test_missing_parts_are_the_same_on_every_scale(monkeypatch):
    monkeypatch.setattr(channel, "MISSING_SHARE", 1.0)
    spaces, indices, layout = crops({1: 16, 2: 8, 3: 4, 4: 2}, 1)
    perfect = Recording(
        np.full((1, layout.bits_per_region), 127, np.int8), np.array(["awgn"]), np.zeros(1), 0
    )
    received = received_codewords([1, 2, 3, 4], spaces, indices, perfect, generator(2))
    lost = [
        (codewords - space.look_up(found)).abs().amax(1)[0] > 1e-3
        for space, found, codewords in zip(spaces, indices, received, strict=True)
    ]
    assert 0 < lost[-1].sum() < lost[-1].numel()
    for fine in lost[:-1]:
        factor = len(fine) // len(lost[-1])
        whole = lost[-1].repeat_interleave(factor, 0).repeat_interleave(factor, 1)
        assert torch.equal(fine, whole)


def test_every_image_crosses_a_channel_of_its_own(monkeypatch):
    monkeypatch.setattr(channel, "MISSING_SHARE", 0.0)
    spaces, indices, layout = crops({1: 16, 2: 8, 3: 4, 4: 2}, 2)
    indices = [found[:1].expand(8, -1, -1) for found in indices]
    recording = recorded(layout.bits_per_region, 50)
    received = received_codewords([1, 2, 3, 4], spaces, indices, recording, generator())[0]
    again = received_codewords([1, 2, 3, 4], spaces, indices, recording, generator())[0]
    assert torch.equal(received, again)
    assert len({tuple(one.flatten()[:50].tolist()) for one in received}) > 4


def test_soft_bits_of_one_cell():
    """Bits of a region of one position a scale, written out: 10 (coarse), then 011 (fine)."""
    spaces = [EmbeddingSpace(8, 2), EmbeddingSpace(4, 2)]
    indices = [torch.tensor([[[3]]]), torch.tensor([[[2]]])]
    fine, coarse = soft_bits([2, 3], spaces, indices, torch.tensor([[10, 20, 30, -40, 50]]))
    assert torch.allclose(coarse, torch.tensor([[[[2.0, -4.0]]]]))
    assert torch.allclose(fine, torch.tensor([[[[-6.0, -8.0, 10.0]]]]))


def test_recordings_that_do_not_fit_are_refused(tmp_path):
    for settings, bits in ((SMALL_CONDITIONAL, 20032), (SMALL_CONDITIONAL_3, 7616)):
        network = build_network(settings)
        check_recording(recorded(bits, 1), network, 128)
        check_recording(recorded(bits // 16, 1), network, 32)
        with pytest.raises(ValueError, match=f"a crop of 64 pixels takes {bits // 4}"):
            check_recording(recorded(bits, 1), network, 64)
        with pytest.raises(ValueError, match=f"transmissions of {bits} bits"):
            check_recording(None, network, 128)
    with pytest.raises(ValueError, match="does not exist"):
        read_recording(tmp_path / "none.npz")
    other = tmp_path / "other.npz"
    np.savez(other, llrs=np.zeros(3))
    broken = tmp_path / "broken.npz"
    broken.write_bytes(write_link(tmp_path / "link.npz", 1252).read_bytes()[:2000])
    for path in (other, broken):
        with pytest.raises(ValueError, match="no recording of the link"):
            read_recording(path)
