# SPDX-License-Identifier: GPL-3.0-or-later
"""How different two images look."""

import sys

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab
from vqdeepsc.errors import ParameterError
from vqdeepsc.images import baselines
from vqdeepsc.images.files import crop_square
from vqdeepsc.images.perceptual import METRICS, _difference, ciede2000, flip, ssimulacra2

PACKAGES = {"ssimulacra2": "ssimulacra2", "flip": "flip_evaluator"}

# Sharma, Wu, Dalal 2005, table 1: where hues wrap, chroma is zero, and one pair of each region
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.fixture(scope="module")
def images(photograph):
    """An image and JPEGs of it, the better the further."""
    sent = crop_square(photograph, 128)
    files = (baselines.compress(sent, "jpeg", bits) for bits in (8000, 16_000, 40_000))
    return sent, [baselines.decompress(file.content, 128, 128) for file in files]


@pytest.mark.parametrize(("first", "second", "expected"), SHARMA)
def test_differences_of_the_paper(first, second, expected):
    pair = [np.array(colour, float)[:, None] for colour in (first, second)]
    for one, other in (pair, pair[::-1]):
        assert _difference(one, other) == pytest.approx(expected, abs=5e-5)


def test_another_implementation_of_ciede2000(images):
    sent, received = images
    for image in (*received, np.random.default_rng(1).permutation(sent), 0 * sent, 0 * sent + 255):
        expected = deltaE_ciede2000(rgb2lab(sent), rgb2lab(image)).mean()
        assert ciede2000(sent, image) == pytest.approx(expected, rel=0.002)


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_images(images, name):
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    sent, received = images
    scores = [METRICS[name](sent, image) for image in (*received, sent)]
    better = sorted(scores, reverse=name != "ssimulacra2")
    assert scores == better and len(set(scores)) == 4
    assert scores[-1] == pytest.approx(100 if name == "ssimulacra2" else 0, abs=1e-6)
    with pytest.raises(ValueError, match="images of different size"):
        METRICS[name](sent, sent[:64])


@pytest.mark.parametrize(("metric", "package"), [(ssimulacra2, "ssimulacra2"), (flip, "flip")])
def test_a_package_that_is_missing_is_named(images, metric, package, monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGES[package], None)
    with pytest.raises(ParameterError, match=f"needs the Python package {package}"):
        metric(images[0], images[0])


def test_an_image_too_small_for_a_score():
    pytest.importorskip("ssimulacra2")
    small = np.zeros((7, 20, 3), np.uint8)
    assert np.isnan(ssimulacra2(small, small))
