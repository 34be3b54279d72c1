# SPDX-License-Identifier: GPL-3.0-or-later
"""Images among files, folders and archives, and archives that are not what they claim."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image
from vqdeepsc.images.files import ImageError, save_image
from vqdeepsc.images.finding import find_images

BLUE = (20, 60, 200)


def names(found):
    return [image.name for image in found]


def one_pixel(level):
    content = io.BytesIO()
    Image.new("RGB", (1, 1), (level,) * 3).save(content, "PNG")
    return content.getvalue()


def member(name, size=0, kind=tarfile.REGTYPE, link=""):
    header = tarfile.TarInfo(name)
    header.size, header.type, header.linkname = size, kind, link
    return header


def test_archives_are_read_where_they_lie(tmp_path, monkeypatch):
    """One pass finds all, and no image opens the archive's list again."""
    content = {name: one_pixel(i) for i, name in enumerate("abc")}
    path = tmp_path / "all.tar"
    with tarfile.open(path, "w") as archive:
        for name, one in content.items():
            archive.addfile(member(f"{name * 200}.png", len(one)), io.BytesIO(one))
        archive.addfile(member("d.png", kind=tarfile.SYMTYPE, link="/etc/passwd"))
        archive.addfile(member("e.png", kind=tarfile.LNKTYPE, link="e.png"))
        archive.addfile(member("f.png", kind=tarfile.FIFOTYPE))
    found = find_images([path])
    assert [image.name[0] for image in found] == ["a", "b", "c"]
    monkeypatch.setattr(tarfile, "open", None)
    for i, image in enumerate(found):
        assert image.load().tolist() == [[[i] * 3]]


def test_archives_that_claim_more_than_they_are(tmp_path):
    path = tmp_path / "bad.tar"
    path.write_bytes(member("huge.png", 1 << 40).tobuf(format=tarfile.GNU_FORMAT) + bytes(10240))
    with pytest.raises(ImageError, match="not a readable archive"):
        find_images([path])
    # the file that holds it is as large, and of nothing but holes
    with path.open("r+b") as file:
        file.truncate((1 << 40) + 10240)
    (image,) = find_images([path])
    with pytest.raises(ImageError, match=r"huge\.png has 1,099,511,627,776 bytes, more than"):
        image.load()
    # a name of a terabyte, names of names, and a list of holes that never ends
    for header in (
        member("x", 1 << 40, tarfile.GNUTYPE_LONGNAME),
        member("x", 1 << 40, tarfile.XHDTYPE),
    ):
        path.write_bytes(header.tobuf(format=tarfile.GNU_FORMAT) + bytes(10240))
        with pytest.raises(ImageError):
            find_images([path])
    header = member("x", 4, tarfile.GNUTYPE_LONGNAME).tobuf(format=tarfile.GNU_FORMAT)
    path.write_bytes((header + b"abc" + bytes(509)) * 5000)
    with pytest.raises(ImageError, match="not a readable archive"):
        find_images([path])


def test_archives_that_are_compressed_or_too_long_are_refused(tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as archive:
        archive.addfile(member("a.png"))
    with pytest.raises(ImageError, match="not a readable archive"):
        find_images([tmp_path / "packed.tar"])
    monkeypatch.setattr("vqdeepsc.images.finding.MAXIMUM_MEMBERS", 3)
    with tarfile.open(tmp_path / "long.tar", "w") as archive:
        for number in range(4):
            archive.addfile(member(f"{number}.txt"))
    with pytest.raises(ImageError, match=r"long\.tar has more than the 3 files allowed"):
        find_images([tmp_path / "long.tar"])
    (tmp_path / "folder").mkdir()
    for number in range(4):
        (tmp_path / "folder" / f"{number}.png").write_bytes(b"")
    with pytest.raises(ImageError, match="folder has more than the 3 files allowed"):
        find_images([tmp_path / "folder"])


def test_images_are_found_in_files_folders_and_archives(tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.png", "a.png", "sub/c.png"):
        Image.new("RGB", (3, 3), BLUE).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(folder, "set")
    found = find_images([folder, tmp_path / "all.tar", folder / "b.png"][:2])
    assert names(found) == [
        "a.png",
        "b.png",
        "sub/c.png",
        *(f"set/{name}" for name in ("a.png", "b.png", "sub/c.png")),
    ]
    for image in found:
        assert image.load()[0, 0].tolist() == [*BLUE]
    with pytest.raises(ImageError, match=r"two images are called b\.png"):
        find_images([folder, folder / "b.png"])


def test_what_is_skipped_is_told_once(tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.JFIF", "sub/b.jpg"):
        Image.new("RGB", (3, 3), BLUE).save(folder / name, format="JPEG")
    for name in ("._a.JFIF", "sub/._b.jpg", "notes\x1b.txt", "z"):
        (folder / name).write_bytes(b"\0\5\26\7\0\2\0\0Mac OS X        ")
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(folder / "sub", "sub")
    reported = []
    found = find_images([folder], reported.append)
    assert names(found) == ["a.JFIF", "sub/b.jpg"]
    assert found[0].load().shape == (3, 3, 3)
    assert reported == [
        f"{folder}: 4 files skipped as no images (._a.JFIF, notes\x1b.txt, sub/._b.jpg, ...)"
    ]
    assert names(find_images([tmp_path / "all.tar"], reported.append)) == ["sub/b.jpg"]
    assert reported[1:] == [f"{tmp_path}/all.tar: 1 file skipped as no images (sub/._b.jpg)"]
    find_images([folder / "a.JFIF"], reported.append)
    assert len(reported) == 2
    save_image(tmp_path / "saved.jfif", np.zeros((3, 3, 3), np.uint8))


def test_places_without_images_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="no images"):
        find_images([tmp_path / "empty"])
    (tmp_path / "bad.tar").write_bytes(b"no archive")
    with pytest.raises(ImageError, match="not a readable archive"):
        find_images([tmp_path / "bad.tar"])
