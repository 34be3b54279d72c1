# SPDX-License-Identifier: GPL-3.0-or-later
"""SSIM and PSNR of training against those of the codec's package and scikit-image."""

import numpy as np
import pytest
import torch
from conftest import smooth_image
from skimage.metrics import structural_similarity
from vqdeepsc.images import metrics

from vqdeepsc_training.objectives.losses import LossWeights, psnr, reconstruction_loss, ssim


def tensors(*images: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(p.copy()).permute(2, 0, 1)[None].double() / 255 for p in images]


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    image = smooth_image(random, 64, 80)
    noise = random.normal(0, 12, image.shape)
    return image, np.clip(image + noise, 0, 255).astype(np.uint8)


def test_ssim_is_that_of_the_package_and_of_scikit_image(pair):
    value = ssim(*tensors(*pair)).item()
    assert value == pytest.approx(float(metrics.ssim(*pair)), abs=1e-6)
    reference = structural_similarity(
        *pair,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert value == pytest.approx(reference, abs=1e-5)


def test_psnr_is_that_of_the_package(pair):
    assert psnr(*tensors(*pair)).item() == pytest.approx(float(metrics.psnr(*pair)), abs=1e-6)


def test_gradient_of_ssim():
    torch.manual_seed(0)
    first, second = torch.rand(2, 1, 1, 13, 12, dtype=torch.double)
    first.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: ssim(x, second), first)


def test_terms_are_weighted(pair):
    decoded, image = tensors(*pair)
    loss, terms = reconstruction_loss(decoded, image, LossWeights(mae=2.0, mse=3.0, ssim=0.5))
    terms = {name: float(term) for name, term in terms.items()}
    expected = 2 * terms["mae"] + 3 * terms["mse"] + 0.5 * terms["ssim"]
    assert loss.item() == pytest.approx(expected)
    assert terms["mae"] == pytest.approx((decoded - image).abs().mean().item())
    assert terms["ssim"] == pytest.approx(1 - ssim(decoded, image).item())


def test_log_mse_is_the_mean_psnr_in_other_units():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 3, 16, 16, generator=generator)
    decoded = image + torch.tensor([0.01, 0.05, 0.2]).view(3, 1, 1, 1)
    loss, terms = reconstruction_loss(decoded, image, LossWeights(log_mse=2.0))
    expected = -psnr(decoded, image).mean().item() * np.log(10) / 10
    assert terms["log_mse"] == pytest.approx(expected, abs=1e-5)
    assert loss.item() == pytest.approx(2 * expected, abs=1e-5)


def test_images_smaller_than_the_window_are_refused():
    with pytest.raises(ValueError, match="at least 11"):
        ssim(torch.rand(1, 3, 10, 20), torch.rand(1, 3, 10, 20))
