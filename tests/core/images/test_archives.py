# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in tar archives, and archives that are not what they claim."""

import io
import tarfile

import pytest
from PIL import Image
from vqdeepsc.images.files import (
    ImageError,
    find_images,
    load_found,
)


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
    assert [name[0] for name in found] == ["a", "b", "c"]
    monkeypatch.setattr(tarfile, "open", None)
    for i, (name, location) in enumerate(found.items()):
        assert load_found(name, location).tolist() == [[[i] * 3]]


def test_archives_that_claim_more_than_they_are(tmp_path):
    path = tmp_path / "bad.tar"
    path.write_bytes(member("huge.png", 1 << 40).tobuf(format=tarfile.GNU_FORMAT) + bytes(10240))
    with pytest.raises(ImageError, match="not a readable archive"):
        find_images([path])
    # the file that holds it is as large, and of nothing but holes
    with path.open("r+b") as file:
        file.truncate((1 << 40) + 10240)
    ((name, location),) = find_images([path]).items()
    with pytest.raises(ImageError, match=r"huge\.png has 1,099,511,627,776 bytes, more than"):
        load_found(name, location)
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
    monkeypatch.setattr("vqdeepsc.images.files.MAXIMUM_MEMBERS", 3)
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
