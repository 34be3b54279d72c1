# SPDX-License-Identifier: GPL-3.0-or-later
"""MS-SSIM, photo codecs at the same bits, and the command line of evaluate."""

import json

import numpy as np
import pytest
import torch
from conftest import smooth_image, tool
from vqdeepsc.images.baselines import compress, decompress
from vqdeepsc.images.metrics import ssim as package_ssim

from vqdeepsc_training.base.quality import Quality
from vqdeepsc_training.base.repository import ROOT
from vqdeepsc_training.data.images import evaluation_images
from vqdeepsc_training.objectives.losses import ms_ssim, ssim
from vqdeepsc_training.reports import evaluation

BUNDLE = str(ROOT / "models" / "vqdeepsc-4s")


def noisy(strength: float, side: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    first = torch.nn.functional.interpolate(
        torch.rand(1, 3, 20, 20, generator=generator), side, mode="bicubic"
    ).double()
    return first, first + strength * torch.randn(first.shape, generator=generator)


def test_ms_ssim_by_its_definition():
    """Product over five scales, written out with two-dimensional windows."""
    first, second = noisy(0.1)
    assert ms_ssim(first, first).item() == pytest.approx(1.0)
    expected = torch.ones(3, dtype=torch.double)
    x, y = first, second
    taps = torch.exp(-(torch.arange(-5, 6, dtype=torch.double) ** 2) / 4.5)
    window = torch.outer(taps, taps) / taps.sum() ** 2
    for level, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if level:
            x, y = (p.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2)) for p in (x, y))
        u, v = (p.unfold(2, 11, 1).unfold(3, 11, 1) for p in (x, y))
        mu, mv = ((p * window).sum((-1, -2)) for p in (u, v))
        uu, vv, uv = ((p * window).sum((-1, -2)) for p in (u * u, v * v, u * v))
        value = (2 * (uv - mu * mv) + 9e-4) / (uu - mu**2 + vv - mv**2 + 9e-4)
        if level == 4:
            value = value * (2 * mu * mv + 1e-4) / (mu**2 + mv**2 + 1e-4)
        expected *= value.mean((0, 2, 3)) ** weight
    assert ms_ssim(first, second).item() == pytest.approx(expected.mean().item(), abs=1e-6)


def test_ms_ssim_forgives_fine_noise_more_than_ssim():
    first, second = noisy(0.1)
    assert ms_ssim(first, second) > ssim(first, second)
    with pytest.raises(ValueError, match="at least 176"):
        ms_ssim(first[..., :175], second[..., :175])


def test_ms_ssim_is_given_from_176_pixels_on():
    image = smooth_image(np.random.default_rng(0), 176, 200)
    decoded = image // 2
    assert evaluation.quality(image, decoded).ms_ssim < 1
    assert evaluation.quality(image[:175], decoded[:175]).ms_ssim is None
    pair = [Quality(ssim=ssim, psnr_db=20.0, ciede2000=1.0) for ssim in (0.4, 0.6)]
    assert evaluation.mean_quality(pair) == Quality(ssim=0.5, psnr_db=20.0, ciede2000=1.0)


def test_photo_codecs_at_the_same_bits():
    random = np.random.default_rng(0)
    images = np.stack([smooth_image(random, 64, 64) for _ in range(2)])
    figures, decoded = evaluation.evaluate_baseline("jpeg", images, 8000)
    by_hand = [
        package_ssim(p, decompress(compress(p, "jpeg", 8000).content, 64, 64)) for p in images
    ]
    assert figures.ssim == pytest.approx(np.mean(by_hand), abs=1e-4)
    assert len(decoded) == 2
    assert figures.failed == 0
    impossible, grey = evaluation.evaluate_baseline("jpeg", images, 80)
    assert impossible.failed == 2
    assert (grey[0] == 128).all()


def test_baselines_stand_beside_the_bundle(image_tar, capsys):
    arguments = [
        "--bundle",
        BUNDLE,
        "--data",
        str(image_tar),
        "--limit",
        "2",
        "--size",
        "48",
        "--baselines",
        "jpeg",
        "webp",
    ]
    assert tool("evaluate")([*arguments, "--json"]) == 0
    (figures,) = json.loads(capsys.readouterr().out).values()
    images = evaluation_images(image_tar, 48, 2)
    assert figures["baselines"] == {
        name: evaluation.evaluate_baseline(name, images, 20032)[0].to_json()
        for name in ("jpeg", "webp")
    }
    assert tool("evaluate")(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["vqdeepsc-4s", "jpeg", "webp"]
