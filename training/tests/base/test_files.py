# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are whole or absent."""

import pytest

from vqdeepsc_training.base.files import whole_file, whole_path, write_whole


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


def test_a_path_keeps_its_ending(tmp_path):
    with whole_path(tmp_path / "sheet.png") as unfinished:
        assert unfinished.suffix == ".png"
        unfinished.write_bytes(b"image")
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
