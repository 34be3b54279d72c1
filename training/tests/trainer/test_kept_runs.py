# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves in its folder: it is whole, never lost by accident, and refused elsewhere."""

import json
from pathlib import Path

import pytest
from conftest import SMALL_CONDITIONAL, SMALL_PAPER, run_arguments, tool
from short_runs import assert_same, run

from vqdeepsc_training.base.errors import DataError
from vqdeepsc_training.trainer.checkpoint import read_checkpoint
from vqdeepsc_training.trainer.record import Change
from vqdeepsc_training.trainer.trainer import Trainer

main = tool("train")


def test_checkpoints_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_checkpoint(tmp_path / "none.pt")
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"broken")
    with pytest.raises(DataError, match="no checkpoint"):
        read_checkpoint(broken)


def test_a_run_is_neither_lost_nor_begun_by_accident(tmp_path, image_tar, configuration, capsys):
    """--resume needs a checkpoint; without it and --overwrite, a checkpoint stays."""
    configuration["steps"] = 1
    folder = tmp_path / "run"
    first = run(tmp_path, image_tar, configuration, "run")
    given = run_arguments(tmp_path, image_tar, "run")
    given += ["--recording", str(tmp_path / "link.npz")]
    for more, said in (
        (["--seed", "9"], "holds a run already"),
        (["--folder", str(tmp_path / "none"), "--resume"], "to resume from"),
        (["--resume", "--overwrite"], "cannot both"),
    ):
        assert main([*given, *more]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
    assert_same(read_checkpoint(folder / "checkpoint.pt"), first)
    (folder / "best.pt").write_bytes(b"of the run before")
    assert main([*given, "--seed", "9", "--overwrite"]) == 0
    assert read_checkpoint(folder / "checkpoint.pt")["configuration"]["seed"] == 9
    assert not (folder / "best.pt").exists()
    for name in ("best.pt", "record.json"):
        kept = tmp_path / f"with {name}" / name
        kept.parent.mkdir()
        kept.write_bytes(b"of the run before")
        assert main([*given, "--folder", str(kept.parent)]) == 2
        assert "holds a run already" in capsys.readouterr().err
        assert kept.read_bytes() == b"of the run before"


@pytest.mark.parametrize(
    "change",
    [
        {"network": SMALL_PAPER},
        {"network": SMALL_CONDITIONAL | {"widths": [8, 8, 16]}},
        {"optimiser": {"name": "adam", "learning_rate": 0.001}},
    ],
)
def test_resuming_with_another_network_is_refused_in_one_sentence(
    tmp_path, image_tar, configuration, capsys, change
):
    configuration["steps"] = 1
    run(tmp_path, image_tar, configuration, "run")
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration | {"steps": 2} | change))
    assert (
        main(
            [
                *run_arguments(tmp_path, image_tar, "run"),
                "--recording",
                str(tmp_path / "link.npz"),
                "--resume",
            ]
        )
        == 2
    )
    error = capsys.readouterr().err
    assert "belongs to another" in error and error.count("\n") == 1


def test_record_is_whole_when_writing_fails(tmp_path, image_tar, configuration, monkeypatch):
    """A reader never sees half of record.json: the one before stays."""
    configuration["steps"] = 1
    run(tmp_path, image_tar, configuration, "run")
    before = (tmp_path / "run" / "record.json").read_text()

    def stopped(self: Path, path: Path) -> None:
        raise OSError("the machine stops")

    monkeypatch.setattr("os.replace", stopped)
    monkeypatch.setattr(Trainer, "record", lambda self: Change(1, {"half": "written"}))
    monkeypatch.setattr("vqdeepsc_training.trainer.trainer.write_checkpoint", lambda *given: None)
    assert (
        main(
            [
                *run_arguments(tmp_path, image_tar, "run"),
                "--recording",
                str(tmp_path / "link.npz"),
                "--resume",
                "--steps",
                "2",
            ]
        )
        == 2
    )
    assert (tmp_path / "run" / "record.json").read_text() == before
    assert not list((tmp_path / "run").glob("*unfinished*"))


def test_a_run_that_diverges_leaves_its_checkpoint(tmp_path, image_tar, configuration, capsys):
    configuration |= {"steps": 2, "unquantised_steps": 0, "noise": None}
    run(tmp_path, image_tar, configuration, "run")
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    configuration["steps"] = 6
    configuration["optimiser"]["learning_rate"] = 1e12
    (tmp_path / "config.json").write_text(json.dumps(configuration))
    given = run_arguments(tmp_path, image_tar, "run")
    assert main([*given, "--threads", "1", "--resume", "--save-minutes", "0"]) == 2
    error = capsys.readouterr().err
    assert "diverged" in error and error.count("\n") == 1
    # the first step was made of gradients that were still finite
    assert read_checkpoint(checkpoint)["step"] == 3
