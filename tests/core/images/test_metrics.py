# SPDX-License-Identifier: GPL-3.0-or-later
"""SSIM and PSNR against scikit-image and by hand."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from vqdeepsc.images import metrics


@pytest.mark.parametrize("size", [(128, 128), (11, 11), (37, 200)])
def test_against_scikit_image(size):
    rng = np.random.default_rng(1)
    reference = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    noise = rng.normal(0, [[[[5]]], [[[40]]], [[[200]]]], (3, *size, 3))
    images = np.clip(reference + noise, 0, 255).astype(np.uint8)
    expected = [
        structural_similarity(
            reference,
            image,
            channel_axis=2,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for image in images
    ]
    np.testing.assert_allclose(metrics.ssim(reference, images), expected, atol=1e-9)
    expected = [peak_signal_noise_ratio(reference, image) for image in images]
    np.testing.assert_allclose(metrics.psnr(reference, images), expected, atol=1e-9)


def test_equal_images():
    image = np.random.default_rng(2).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    assert metrics.ssim(image, image) == pytest.approx(1, abs=1e-12)
    assert metrics.psnr(image, image) == np.inf


def test_flat_images_by_hand():
    black = np.zeros((16, 16, 3), np.uint8)
    grey = np.full((16, 16, 3), 51, np.uint8)  # a fifth of the range
    c1 = (0.01 * 255) ** 2
    assert metrics.ssim(black, grey) == pytest.approx(c1 / (51**2 + c1))
    assert metrics.psnr(black, grey) == pytest.approx(20 * np.log10(5))


def test_wrong_sizes_are_refused():
    small = np.zeros((10, 30, 3), np.uint8)
    with pytest.raises(ValueError, match="at least 11x11"):
        metrics.ssim(small, small)
    for metric in (metrics.ssim, metrics.psnr):
        with pytest.raises(ValueError, match="different size"):
            metric(np.zeros((30, 30, 3), np.uint8), np.zeros((31, 30, 3), np.uint8))
