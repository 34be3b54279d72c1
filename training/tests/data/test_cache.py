# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of decoded images: made anew when images change, whole or absent."""

import os

import numpy as np
import pytest
from PIL import Image

from vqdeepsc_training.base.errors import DataError
from vqdeepsc_training.data.cache import open_cache


def save(path, shade):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((32, 32, 3), shade, np.uint8)).save(path)


def shades(source, folder):
    cache = open_cache(source, folder, 32, 32)
    return [int(cache[i][0, 0, 0]) for i in range(len(cache))]


def test_new_and_changed_images_of_subfolders_are_seen(tmp_path):
    source, folder = tmp_path / "own", tmp_path / "cache"
    save(source / "deep" / "er" / "a.png", 10)
    assert shades(source, folder) == [10]
    save(source / "deep" / "er" / "b.png", 20)
    assert shades(source, folder) == [10, 20]
    before = (source / "deep" / "er" / "a.png").stat().st_mtime_ns
    save(source / "deep" / "er" / "a.png", 30)
    os.utime(source / "deep" / "er" / "a.png", ns=(before + 10**9,) * 2)
    assert shades(source, folder) == [30, 20]
    (source / "deep" / "er" / "b.png").unlink()
    assert shades(source, folder) == [30]


def test_what_has_not_changed_is_not_decoded_again(tmp_path):
    source, folder = tmp_path / "own", tmp_path / "cache"
    save(source / "a.png", 10)
    shades(source, folder)
    kept = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    # A file that is no image changes nothing.
    (source / "notes.txt").write_text("none")
    assert shades(source, folder) == [10]
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == kept


def test_an_image_that_cannot_be_read_leaves_nothing(tmp_path):
    source, folder = tmp_path / "own", tmp_path / "cache"
    save(source / "a.png", 10)
    (source / "b.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"b\.png is not an image"):
        open_cache(source, folder, 32, 32)
    assert list(folder.iterdir()) == []
