# SPDX-License-Identifier: GPL-3.0-or-later
"""Images from folders and tar files, what happens to broken ones, and the sampler."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import smooth_image, tool
from PIL import Image, ImageCms
from vqdeepsc.images.files import load_image

from vqdeepsc_training.base.errors import DataError
from vqdeepsc_training.data.cache import fingerprint, open_cache
from vqdeepsc_training.data.images import evaluation_images, read_images
from vqdeepsc_training.data.sampler import BatchSampler, jittered
from vqdeepsc_training.trainer.configuration import Configuration, make_sampler

main = tool("train")


def test_tar_and_folder_give_the_same_images(image_tar, tmp_path):
    for name, image in read_images(image_tar):
        Image.fromarray(image).save(tmp_path / name)
    from_tar = [image for _, image in read_images(image_tar)]
    from_folder = [image for _, image in read_images(tmp_path)]
    assert len(from_tar) == 12
    assert all(np.array_equal(a, b) for a, b in zip(from_tar, from_folder, strict=True))


def test_cache_keeps_the_pixels(image_tar, tmp_path):
    for _ in range(2):
        cache = open_cache(image_tar, tmp_path, 32, 64)
        for index, (_, image) in enumerate(read_images(image_tar)):
            assert np.array_equal(cache[index], image)
    enlarged = open_cache(image_tar, tmp_path, 96, 200)
    assert enlarged.sizes[0] == (96, 128)


def test_any_mode_becomes_rgb(tmp_path):
    random = np.random.default_rng(0)
    colour = Image.fromarray(smooth_image(random, 40, 40))
    for number, mode in enumerate(("L", "P", "RGBA", "CMYK", "1")):
        colour.convert(mode).save(tmp_path / f"{number}.tif")
    found = evaluation_images(tmp_path, 32)
    assert found.shape == (5, 32, 32, 3)


def test_training_and_run_time_see_the_same_image(tmp_path):
    """Transparent pixels lie on white, 16 bits are scaled, colour profiles are applied."""
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGBA", (32, 32), (0, 0, 0, 0)).save(folder / "1.png")
    Image.fromarray(np.full((32, 32), 32896, np.uint16)).save(folder / "2.png")
    # A colour space of another name in which red and green are exchanged.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"____"), (b"gXYZ", b"rXYZ"), (b"____", b"gXYZ")):
        profile = profile.replace(old, new)
    profile = profile.replace("sRGB".encode("utf-16-be"), "GRB ".encode("utf-16-be"))
    Image.new("RGB", (32, 32), (200, 0, 0)).save(folder / "3.png", icc_profile=profile)
    cache = open_cache(folder, tmp_path / "cache", 32, 32)
    assert cache[0].min() == 255
    assert np.all(cache[1] == 128)
    red, green, _ = cache[2][0, 0]
    assert red < 20 and green > 180
    for index, name in enumerate(("1.png", "2.png", "3.png")):
        assert np.array_equal(cache[index], load_image(folder / name))


def test_a_changed_reader_decodes_again(tmp_path, image_tar, monkeypatch):
    before = fingerprint(image_tar, 32, 64)
    monkeypatch.setattr("vqdeepsc_training.data.cache.READER", 3)
    assert fingerprint(image_tar, 32, 64) != before


def test_batches_depend_on_seed_and_step_alone(image_tar, tmp_path):
    cache = open_cache(image_tar, tmp_path, 32, 64)
    first = BatchSampler([cache], [1.0], 32, 4, 5, 1.5)
    second = BatchSampler([cache], [1.0], 32, 4, 5, 1.5)
    first[0]
    assert torch.equal(first[7], second[7])
    assert not torch.equal(first[7], first[8])
    other = BatchSampler([cache], [1.0], 32, 4, 6, 1.5)
    assert not torch.equal(first[7], other[7])
    batch = first[3]
    assert batch.shape == (4, 3, 32, 32)
    assert 0 <= batch.min() <= batch.max() <= 1


def test_worker_processes_make_the_same_batches(image_tar, tmp_path):
    sampler = BatchSampler([open_cache(image_tar, tmp_path, 32, 64)], [1.0], 32, 4, 5, 1.5)
    for step, batch in zip((3, 4, 5, 6), sampler.batches(3, workers=2), strict=False):
        assert torch.equal(batch, sampler[step])


def test_every_image_comes_once_in_an_epoch(tmp_path):
    """Also where batches cross from one epoch, and from one data set, to the next."""
    caches = []
    for name, count in (("a", 3), ("b", 4)):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(count):
            shade = 100 * (name == "b") + 10 * number
            Image.new("RGB", (32, 32), (shade,) * 3).save(folder / f"{number}.png")
        caches.append(open_cache(folder, tmp_path / "cache", 32, 64))
    sampler = BatchSampler(caches, [1.0, 1.0], 32, 4, 5, epochs=True)
    assert sampler.steps(4) == 7
    shades = torch.cat([sampler[step][:, 0, 0, 0] for step in range(7)]).mul(255).round().int()
    epochs = shades.view(4, 7).tolist()
    assert all(sorted(epoch) == [0, 10, 20, 100, 110, 120, 130] for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert [step for step in range(1, 8) if sampler.ends_epoch(step)] == [2, 4, 6, 7]


def test_an_epoch_is_ordered_once(tmp_path, image_tar, monkeypatch):
    """Not anew for each image of each batch; resuming within an epoch finds the same order."""
    cache = open_cache(image_tar, tmp_path, 32, 48)
    made = []
    original = np.random.default_rng

    def counted(seed):
        made.append(seed)
        return original(seed)

    sampler = BatchSampler([cache], [1.0], 32, 4, 5, epochs=True)
    monkeypatch.setattr(np.random, "default_rng", counted)
    batches = [sampler[step] for step in range(6)]
    assert len([seed for seed in made if seed[2] == 2**32 - 1]) == 2
    assert torch.equal(BatchSampler([cache], [1.0], 32, 4, 5, epochs=True)[4], batches[4])


class Chosen:
    """Random numbers that are chosen: the same for every image."""

    def __init__(self, brightness, contrast, saturation):
        self.numbers = np.array([brightness, contrast, saturation])

    def uniform(self, low, high, shape):
        return np.broadcast_to(self.numbers.reshape(3, 1, 1, 1, 1), shape)


def test_jitter_changes_brightness_contrast_and_saturation():
    image = 0.3 + 0.4 * torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(jittered(image, 0.2, Chosen(0, 0, 0)), image, atol=1e-6)
    assert torch.allclose(jittered(image, 0.2, Chosen(1, 0, 0)), 1.2 * image, atol=1e-6)
    mean = image.mean((1, 2, 3), keepdim=True)
    softer = jittered(image, 0.2, Chosen(0, -1, 0))
    assert torch.allclose(softer, mean + 0.8 * (image - mean), atol=1e-6)
    luma = (0.299 * image[:, 0] + 0.587 * image[:, 1] + 0.114 * image[:, 2])[:, None]
    paler = jittered(image, 0.2, Chosen(0, 0, -1))
    assert torch.allclose(paler, luma + 0.8 * (image - luma), atol=1e-6)
    one, other = jittered(image[:1].repeat(2, 1, 1, 1), 0.2, np.random.default_rng(0))
    assert not torch.allclose(one, other, atol=1e-3)
    assert jittered(2 * image, 0.2, np.random.default_rng(0)).max() == 1


def test_sampler_follows_its_configuration(image_tar, tmp_path, configuration):
    """Mirrored crops, colour and shrinking come and go with `flips`, `colour` and `zoom`."""
    cache = open_cache(image_tar, tmp_path, 48, 48)
    centres = torch.stack([torch.from_numpy(cache[i][:, 8:56].copy()) for i in range(12)])

    def batch(**more):
        # All crops of the middle 48 columns: what differs from the images is not their position.
        settings = Configuration.read(configuration | {"crop": 48, "batch": 40, "seed": 1} | more)
        sampler = make_sampler(settings, [cache], [1.0])
        sampler._random_image = lambda random: centres[random.integers(12)].numpy()
        return sampler[0].permute(0, 2, 3, 1).mul(255).round()

    def known(crops, images):
        return sum(any(torch.equal(crop, p.float()) for p in images) for crop in crops)

    mirrored = centres.flip(2)
    assert known(batch(flips=False), centres) == 40
    assert 10 < known(batch(), centres) < 30
    assert known(batch(), [*centres, *mirrored]) == 40
    assert known(batch(colour=0.2), [*centres, *mirrored]) < 5
    assert (
        known(
            batch(crop=32, zoom=1.0, flips=False),
            centres.unfold(1, 32, 1)
            .unfold(2, 32, 1)
            .permute(0, 1, 2, 4, 5, 3)
            .reshape(-1, 32, 32, 3),
        )
        == 40
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"bad\.png is empty\.$"),
        (
            b"\x89PNG\r\n\x1a\nnot an image",
            r"bad\.png is not an image, or of a kind that is not read\.$",
        ),
        (None, "there are no images in"),
    ],
)
def test_unreadable_images_are_named_in_one_sentence(tmp_path, content, said):
    folder = tmp_path / "own"
    folder.mkdir()
    if content is not None:
        (folder / "bad.png").write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        list(read_images(folder))
    assert "\n" not in str(caught.value)


def test_truncated_image_is_refused(tmp_path):
    whole = tmp_path / "a.png"
    Image.fromarray(smooth_image(np.random.default_rng(0), 64, 64)).save(whole)
    whole.write_bytes(whole.read_bytes()[:-60])
    with pytest.raises(DataError, match=r"a\.png is damaged"):
        list(read_images(tmp_path))


def test_wrong_archives_are_refused(tmp_path):
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"no tar")
    with pytest.raises(DataError, match="not a readable archive"):
        list(read_images(broken))
    with pytest.raises(DataError, match="does not exist"):
        list(read_images(Path("nowhere.tar")))


def test_command_line_says_what_is_wrong(tmp_path, capsys):
    config = Path(__file__).parents[2] / "configs" / "vqdeepsc_4s.json"
    missing = tmp_path / "missing.tar"
    arguments = ["--config", str(config), "--data", str(missing), "--cache", str(tmp_path)]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said == f"train: {missing} does not exist.\n"
    assert main(["--config", str(tmp_path / "no.json"), "--data", str(missing)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
