# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops that are made on the device are those that Pillow makes."""

import io
import tarfile

import numpy as np
import pytest
import torch
from conftest import smooth_image
from PIL import Image
from pretended import GPU, PretendedGpu

from vqdeepsc_training.base.errors import DataError
from vqdeepsc_training.data.resident import Regions, ResidentImages, ResidentSampler, read_tar

CPU = torch.device("cpu")


def some_images(count=4, height=70, width=90):
    random = np.random.default_rng(0)
    noise = random.integers(-20, 20, (height, width, 3))
    return [
        np.clip(smooth_image(random, height, width) + noise, 0, 255).astype(np.uint8)
        for _ in range(count)
    ]


def as_tensor(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def test_crops_are_pillows():
    images = some_images()
    sampler = ResidentSampler(ResidentImages.of([images], CPU), [1.0], 32, 3, 0, zoom=2.0)
    at = [(1, 5, 7, 64, False), (2, 0, 20, 43, True), (3, 38, 58, 32, False)]
    starts = [n * 70 * 90 + top * 90 + left for n, top, left, _, _ in at]
    sides, flips = np.array([one[3] for one in at]), np.array([one[4] for one in at])
    crops = sampler.crops(Regions(np.array(starts), np.full(3, 90), sides, flips))
    for crop, (n, top, left, side, flip) in zip(crops, at, strict=True):
        region = Image.fromarray(images[n][top : top + side, left : left + side])
        wanted = as_tensor(np.asarray(region.resize((32, 32), Image.Resampling.LANCZOS)))
        wanted = wanted.flip(2) if flip else wanted
        # Pillow rounds to whole numbers, and cuts off, between its two passes and at the end.
        error = (crop - wanted).abs()
        assert error.max() < 3 / 255
        assert error.mean() < 0.5 / 255
    assert torch.allclose(crops[2], as_tensor(images[3][38:, 58:]), atol=1e-5)


def test_batches_depend_on_seed_and_step_alone():
    images = ResidentImages.of([some_images()], CPU)
    first = ResidentSampler(images, [1.0], 32, 5, 1, zoom=1.5)
    again = ResidentSampler(images, [1.0], 32, 5, 1, zoom=1.5)
    other = ResidentSampler(images, [1.0], 32, 5, 2, zoom=1.5)
    batches = first.batches(3)
    third, fourth = next(batches), next(batches)
    assert third.shape == (5, 3, 32, 32)
    assert third.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(fourth, next(again.batches(4)))
    assert not torch.equal(third, fourth)
    assert not torch.equal(third, next(other.batches(3)))


def test_large_batches_are_made_in_parts(monkeypatch):
    sampler = ResidentSampler(ResidentImages.of([some_images()], CPU), [1.0], 32, 7, 1, zoom=2.0)
    whole = next(sampler.batches(0))
    monkeypatch.setattr("vqdeepsc_training.data.resident.PIXELS_AT_ONCE", 64 * 64 * 2)
    assert torch.allclose(next(sampler.batches(0)), whole, atol=1e-6)


def test_every_region_lies_within_its_image_and_shares_are_kept():
    sets = [some_images(3), some_images(5, 40, 50)]
    images = ResidentImages.of(sets, CPU)
    sampler = ResidentSampler(images, [3.0, 1.0], 32, 4000, 1, zoom=1.9)
    regions = sampler.regions(0)
    of_first = regions.starts < 3 * 70 * 90
    assert of_first.mean() == pytest.approx(0.75, abs=0.03)
    assert regions.flips.mean() == pytest.approx(0.5, abs=0.03)
    assert regions.sides[of_first].max() == 60
    assert set(regions.sides[~of_first]) == set(range(32, 41))
    offsets = (
        regions.starts
        - images.starts[np.searchsorted(images.starts, regions.starts, side="right") - 1]
    )
    rows, columns = np.divmod(offsets, regions.strides)
    heights = np.where(of_first, 70, 40)
    assert (rows + regions.sides <= heights).all()
    assert (columns + regions.sides <= regions.strides).all()
    plain = ResidentSampler(images, [3.0, 1.0], 32, 50, 1, flips=False).regions(0)
    assert not plain.flips.any()
    assert (plain.sides == 32).all()


def test_crops_are_made_on_the_gpu(monkeypatch):
    sets = [some_images()]
    wanted = next(ResidentSampler(ResidentImages.of(sets, CPU), [1.0], 32, 3, 1, 2.0).batches(0))
    with PretendedGpu():
        monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
        sampler = ResidentSampler(ResidentImages.of(sets, GPU), [1.0], 32, 3, 1, 2.0)
        batch = next(sampler.batches(0))
        assert batch.device == GPU
        assert torch.equal(batch.cpu(), wanted)


def test_tar_files_are_read_without_the_core(tmp_path):
    path = tmp_path / "images.tar"
    images = some_images()
    with tarfile.open(path, "w") as archive:
        for number, image in enumerate(images):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "PNG")
            member = tarfile.TarInfo(f"{number}.png")
            member.size = buffer.tell()
            archive.addfile(member, io.BytesIO(buffer.getvalue()))
    assert all(map(np.array_equal, read_tar(path), images))
    answers = iter([True, True, False, False])
    assert len(read_tar(path, lambda: next(answers))) == 2
    with pytest.raises(DataError, match="no image"):
        read_tar(path, lambda: False)
    path.write_bytes(b"something else" * 100)
    with pytest.raises(DataError, match="cannot be read"):
        read_tar(path)


def test_what_does_not_fit_is_refused():
    images = ResidentImages.of([some_images(), some_images()], CPU)
    with pytest.raises(DataError, match="smaller than a crop"):
        ResidentSampler(images, [1.0, 1.0], 80, 2, 0)
    for shares in ([1.0], [1.0, 1.0, 1.0]):
        with pytest.raises(DataError, match="shares"):
            ResidentSampler(images, shares, 32, 2, 0)
