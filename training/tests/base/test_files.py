# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are whole or absent."""

from pathlib import Path

import pytest

from vqdeepsc_training.base.errors import WriteError
from vqdeepsc_training.base.files import (
    read_parts,
    whole_file,
    whole_folder,
    whole_path,
    write_parts,
    write_whole,
)


def test_what_was_there_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "record.json"
    write_whole(path, "first")
    with pytest.raises(RuntimeError), whole_file(path, "w") as file:
        file.write("half")
        file.flush()
        assert path.read_text() == "first"
        raise RuntimeError
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]
    write_whole(path, b"second")
    assert path.read_text() == "second"


def test_a_full_disk_and_a_folder_that_is_not_there_get_a_sentence(tmp_path):
    with pytest.raises(WriteError, match=r"a\.json cannot be written: No such file"):
        write_whole(tmp_path / "none" / "a.json", "content")
    path = tmp_path / "b.json"
    with (
        pytest.raises(WriteError, match=r"b\.json cannot be written: No space left"),
        whole_path(path),
        Path("/dev/full").open("w") as full,
    ):
        full.write("content")


def test_a_folder_stays_until_the_new_one_is_whole(tmp_path):
    folder = tmp_path / "deep" / "pack"
    with whole_folder(folder) as new:
        write_whole(new / "first", "1")
        assert not folder.exists()
    with pytest.raises(RuntimeError), whole_folder(folder) as new:
        write_whole(new / "second", "2")
        raise RuntimeError
    assert [path.name for path in folder.parent.rglob("*")] == ["pack", "first"]
    with whole_folder(folder) as new:
        write_whole(new / "second", "2")
    assert [path.name for path in folder.parent.rglob("*")] == ["pack", "second"]
    with (
        pytest.raises(WriteError, match=r"pack cannot be written: Not a dir"),
        whole_folder(folder / "second" / "pack"),
    ):
        pass


def test_a_path_keeps_its_ending(tmp_path):
    with whole_path(tmp_path / "sheet.png") as unfinished:
        assert unfinished.suffix == ".png"
        unfinished.write_bytes(b"image")
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_parts_are_of_one_content(tmp_path):
    path = tmp_path / "weights.pt"
    assert read_parts(path) is None
    written = write_parts(path, bytes(range(250)), 100)
    assert [part.stat().st_size for part in written] == [100, 100, 50]
    assert read_parts(path) == bytes(range(250))
    # Half of another set beside it, as an interrupted call leaves it.
    (tmp_path / "weights.pt.00000000.1of2").write_bytes(b"other")
    assert read_parts(path) == bytes(range(250))
    written[1].unlink()
    assert read_parts(path) is None
    assert write_parts(path, b"small", 100) == [path]
    assert [part.name for part in tmp_path.iterdir()] == ["weights.pt"]


def test_more_than_nine_parts_stay_in_order(tmp_path):
    path = tmp_path / "weights.pt"
    write_parts(path, bytes(range(120)), 10)
    assert read_parts(path) == bytes(range(120))
    write_parts(path, bytes(range(55)), 10)
    assert len(list(tmp_path.iterdir())) == 6
    assert read_parts(path) == bytes(range(55))
