# SPDX-License-Identifier: GPL-3.0-or-later
"""Graphics that are drawn for training and tests."""

import draw_graphics
import numpy as np
import pytest
from vqdeepsc.images.finding import find_images


def drawn(folder, *options):
    assert draw_graphics.main([str(folder), *options]) == 0
    return {image.name: image.load() for image in find_images([folder])}


def test_kinds_take_turns_and_seeds_repeat(tmp_path):
    first = drawn(tmp_path / "a", "--count", "12", "--width", "128", "--height", "96")
    again = drawn(tmp_path / "b", "--count", "12", "--width", "128", "--height", "96")
    assert len(first) == 12
    assert {name.rpartition("-")[0] for name in first} == set(draw_graphics.KINDS)
    for name, image in first.items():
        assert image.shape == (96, 128, 3)
        assert np.ptp(image) > 100, name
        np.testing.assert_array_equal(image, again[name])


def test_the_splits_never_meet(tmp_path):
    splits = [
        drawn(
            tmp_path / split, "--count", "20", "--split", split, "--width", "96", "--height", "96"
        )
        for split in draw_graphics.SPLITS
    ]
    contents = [{image.tobytes() for image in images.values()} for images in splits]
    assert len(contents[0]) == len(contents[1]) == 20
    assert not contents[0] & contents[1]


@pytest.mark.parametrize("kind", draw_graphics.KINDS)
def test_any_size(kind):
    for size in ((96, 96), (96, 400), (400, 96), (517, 301)):
        for seed in range(3):
            image = draw_graphics.draw(kind, seed, *size)
            assert (image.size, image.mode) == (size, "RGB")


@pytest.mark.parametrize("options", [["--width", "95"], ["--count", "0"], ["--seed", "-1"]])
def test_what_cannot_be_drawn_gets_a_sentence(tmp_path, capsys, options):
    with pytest.raises(SystemExit) as caught:
        draw_graphics.main([str(tmp_path / "a"), *options])
    assert caught.value.code == 2
    assert "at least one image of 96x96 pixels" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
