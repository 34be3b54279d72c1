# SPDX-License-Identifier: GPL-3.0-or-later
"""Photo codecs at the largest quality that fits."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFile
from vqdeepsc.images import baselines, metrics
from vqdeepsc.images.files import crop_square
from vqdeepsc.images.metrics import Quality
from vqdeepsc.images.plugins import JPEG_XL

SIDE = 64
BITS = 8000
FORMATS = dict(zip(baselines.BASELINES, ("JPEG", "WEBP", "AVIF", "JPEG2000", "JXL"), strict=True))
CODECS = [
    codec
    if codec != "jpegxl" or JPEG_XL.is_installed
    else pytest.param(codec, marks=pytest.mark.skip(f"{JPEG_XL.package} is not installed"))
    for codec in baselines.BASELINES
]


@pytest.fixture(scope="module")
def image(photograph):
    return crop_square(photograph, SIDE)


@pytest.mark.parametrize("codec", CODECS)
def test_the_largest_quality_that_fits(image, codec):
    file = baselines.compress(image, codec, BITS)
    assert 8 * len(file.content) <= BITS
    larger = io.BytesIO()
    quality = file.quality + 1
    options = {
        "jpeg": {"quality": quality, "optimize": True},
        "webp": {"quality": quality, "method": 6},
        "avif": {"quality": quality, "speed": 4},
        "jpeg2000": {
            "quality_layers": [3 * SIDE * SIDE / quality],
            **{"irreversible": True, "no_jp2": True, "comment": b" ", "num_resolutions": 3},
        },
        "jpegxl": {"quality": quality},
    }[codec]
    Image.fromarray(image).save(larger, FORMATS[codec], **options)
    assert 8 * len(larger.getvalue()) > BITS
    with Image.open(io.BytesIO(file.content)) as opened:
        assert opened.format == FORMATS[codec]
    decoded = baselines.decompress(file.content, SIDE, SIDE)
    assert metrics.ssim(image, decoded) > 0.8


@pytest.mark.parametrize("codec", CODECS)
def test_more_bits_do_not_hurt(image, codec):
    scores = [
        float(metrics.psnr(image, baselines.decompress(file.content, SIDE, SIDE)))
        for file in (baselines.compress(image, codec, bits) for bits in (7000, 8000, 30_000))
    ]
    assert scores == sorted(scores)


@pytest.mark.parametrize("codec", CODECS)
def test_one_compressor_serves_several_sizes(image, codec):
    compressor = baselines.Compressor(image, codec)
    for bits in (12_000, 6000, 15_000):
        file = compressor.fit(bits)
        assert 0.9 * bits < 8 * len(file.content) <= bits
        assert file == baselines.compress(image, codec, bits)


def test_too_few_bits_and_unknown_codecs(image):
    assert baselines.compress(image, "jpeg", 800) is None
    with pytest.raises(ValueError, match="jpeg, webp, avif"):
        baselines.compress(image, "gif", BITS)


@pytest.mark.parametrize("codec", CODECS)
def test_damaged_files_never_raise(image, codec):
    content = baselines.compress(image, codec, BITS).content
    rng = np.random.default_rng(1)
    decoded = 0
    for _ in range(60):
        damaged = np.frombuffer(content, np.uint8).copy()
        positions = rng.integers(0, damaged.size, rng.integers(1, 200))
        damaged[positions] ^= rng.integers(1, 256, positions.size, dtype=np.uint8)
        image = baselines.decompress(damaged.tobytes(), SIDE, SIDE)
        if image is not None:
            decoded += 1
            assert image.shape == (SIDE, SIDE, 3) and image.dtype == np.uint8
    assert decoded < 60
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_jpeg_that_ends_early_is_decoded_as_far_as_it_goes(image):
    content = baselines.compress(image, "jpeg", BITS).content
    decoded = baselines.decompress(content[: len(content) // 2], SIDE, SIDE)
    np.testing.assert_array_equal(decoded[:8], baselines.decompress(content, SIDE, SIDE)[:8])


def test_nonsense_and_other_sizes_do_not_decode(image):
    assert baselines.decompress(b"", SIDE, SIDE) is None
    assert baselines.decompress(bytes(2504), SIDE, SIDE) is None
    content = baselines.compress(image, "jpeg", BITS).content
    assert baselines.decompress(content, SIDE, SIDE - 1) is None
    np.testing.assert_array_equal(baselines.mid_grey(3, 2), np.full((2, 3, 3), 128))


def test_what_decodes_worse_than_grey_counts_as_lost():
    grey = Quality(0.3, 12.0)
    assert baselines.counts_as_decoded(Quality(0.3, 9.0), grey)
    assert not baselines.counts_as_decoded(Quality(0.29, 30.0), grey)
    # without SSIM, PSNR decides
    nan = float("nan")
    assert baselines.counts_as_decoded(Quality(nan, 12.0), Quality(nan, 12.0))
    assert not baselines.counts_as_decoded(Quality(nan, 11.9), Quality(nan, 12.0))


@pytest.mark.parametrize("error", [MemoryError(), OSError("out of memory when reading image file")])
def test_a_machine_without_memory_changes_no_result(image, error, monkeypatch):
    """What does not decode is scored as grey; what was not tried must not be."""
    file = baselines.compress(image, "jpeg", BITS)

    def starve(_):
        raise error

    monkeypatch.setattr(Image, "open", starve)
    with pytest.raises(MemoryError):
        baselines.decompress(file.content, SIDE, SIDE)
