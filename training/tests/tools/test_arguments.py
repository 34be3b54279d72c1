# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and files on the command lines that no program can use."""

import json

import pytest
import torch
from conftest import ENDED, SMALL_CONDITIONAL, tool, write_small_bundle

from vqdeepsc_training.command import main

FILES = ["--bundle", "none", "--data", "none"]
CONVERTED = [*FILES, "--output", "none", "--calibration", "none"]
RUN = ["--config", "none.json", "--data", "none"]
COMPARED = ["--data", "none", "--validation", "none"]


@pytest.mark.parametrize(
    ("program", "given", "option", "values"),
    [
        ("train", RUN, "--steps", ("0", "-1", "1.5", "x")),
        ("train", RUN, "--hours", ("0", "-1", "nan", "inf")),
        ("train", RUN, "--shares", ("0", "-1", "nan")),
        ("train", RUN, "--save-minutes", ("-1", "nan")),
        ("train", RUN, "--seed", ("-1", "9" * 30)),
        ("train", RUN, "--threads", ("0",)),
        ("train", RUN, "--validation-images", ("0",)),
        ("ablate", COMPARED, "--minutes", ("0", "inf")),
        ("ablate", COMPARED, "--seeds", ("-1",)),
        ("evaluate", FILES, "--size", ("0", "10", "1000000")),
        ("evaluate", FILES, "--limit", ("0",)),
        ("export", ["--checkpoint", "none", *FILES], "--prior-images", ("0", "-3")),
        ("flipped-bits", FILES, "--positions", ("0",)),
        ("flipped-bits", FILES, "--images", ("-1",)),
        ("variants", CONVERTED, "--calibration-images", ("0",)),
    ],
)
def test_numbers_out_of_range_are_refused(program, given, option, values, capsys):
    for value in values:
        with pytest.raises(SystemExit) as ended:
            tool(program)([*given, option, value])
        assert ended.value.code == 2
        assert f"argument {option}: {value!r} is no" in capsys.readouterr().err


def assert_refused(status, capsys, *words):
    error = capsys.readouterr().err
    assert status == 2 and error.count("\n") == 1, error
    for word in words:
        assert word in error


def test_a_bug_asks_for_a_report_and_shows_its_traceback_only_on_demand(monkeypatch, capsys):
    def broken(*arguments, **options):
        raise ValueError("no error of the user's")

    monkeypatch.setattr("vqdeepsc_training.tools.train.run", broken)
    assert main(["train", *RUN]) == 70
    error = capsys.readouterr().err
    assert "ValueError" in error and "vqdeepsc-train --debug" in error and error.count("\n") == 1
    assert main(["--debug", "train", *RUN]) == 70
    assert "in broken" in capsys.readouterr().err
    assert main(["--debug", "evaluate", *FILES]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_configurations_that_cannot_be_trained_are_refused(
    tmp_path, image_tar, configuration, capsys
):
    path = tmp_path / "configuration.json"
    arguments = ["--config", str(path), "--data", str(image_tar), "--cache", str(tmp_path)]
    for text, word in (("", "no configuration"), ("[]", "no JSON object"), ("{}", "name, seed")):
        path.write_text(text)
        assert_refused(tool("train")(arguments), capsys, word)
    for changed, word in (
        ({"crop": "x"}, "crop"),
        ({"crop": 31}, "multiple of 16"),
        ({"batch": 0}, "batch"),
        ({"zoom": -1.0}, "zoom"),
        ({"colour": 2.0}, "colour"),
        ({"annealing": {"noise": 0.3}}, "annealing.until must be given"),
        ({"annealing": {"noise": 0.3, "until": 0}}, "annealing.until is 0"),
        ({"distillation": {"weights": "none.pt"}}, "distillation.weight must be given"),
        ({"distillation": {"weights": "none.pt", "weight": 1.0}}, "none.pt does not exist"),
        ({"steps": -5}, "steps"),
        ({"loss": {"mae": 0}}, "no weight for mae"),
        ({"loss": {"nonsense": 1}}, "loss.nonsense is not known"),
        ({"btach": 4}, "btach is not"),
        ({"optimiser": {"name": "muon"}}, "optimiser.learning_rate must be given"),
        ({"optimiser": {"name": "sgd", "learning_rate": 1.0}}, "optimiser.name is 'sgd'"),
        ({"flips": 1}, "true or false"),
        ({"zoom": True}, "zoom is True"),
        ({"steps": None}, "neither steps nor epochs"),
        ({"average": float("nan")}, "average"),
        ({"network": configuration["network"] | {"codewords": [16, 8]}}, "4 numbers"),
        ({"network": {"type": "x"}}, "network.type is 'x'"),
        ({"network": {"type": []}}, "network.type is []"),
        ({"network": {"type": {}}}, "network.type is {}"),
        ({"steps": 10**400}, "steps must lie between"),
        ({"seed": 10**30}, "seed must lie between"),
        ({"zoom": 10**400}, "zoom must lie between"),
        ({"colour": 1e300}, "colour is 1e+300, but must be at least 0 and at most 1"),
        ({"optimiser": {"name": "adam", "learning_rate": 0.1, "betas": [0, 10**400]}}, "betas"),
        ({"noise": {"from": 0.5, "images": 5}}, "noise.images is 5, but a batch has 4"),
        ({"prefixes": {"images": 5}}, "prefixes.images is 5, but a batch has 4"),
        ({"network": {"type": "conditional", "wrong": 1}}, "network.wrong is not known"),
    ):
        path.write_text(json.dumps(configuration | {"noise": None} | changed))
        assert_refused(tool("train")([*arguments, "--folder", str(tmp_path / "run")]), capsys, word)


def test_folders_and_files_that_cannot_be_used_are_refused(
    tmp_path, image_tar, configuration, capsys
):
    path, file = tmp_path / "configuration.json", tmp_path / "file"
    path.write_text(json.dumps(configuration | {"noise": None}))
    torch.save({"a": 1}, file)
    arguments = ["--config", str(path), "--data", str(image_tar), "--steps", "1"]
    cache = ["--cache", str(tmp_path / "cache")]
    for more, word in (
        (["--cache", str(file)], "File exists"),
        ([*cache, "--folder", str(file / "run")], "Not a directory"),
        ([*cache, "--folder", str(tmp_path / "run"), "--weights", str(file)], "no checkpoint"),
    ):
        assert_refused(tool("train")([*arguments, *more]), capsys, word)


def test_an_export_says_at_once_what_it_cannot_use(tmp_path, image_tar, configuration, capsys):
    checkpoint = tmp_path / "trained"
    checkpoint.mkdir()
    write_small_bundle(checkpoint, SMALL_CONDITIONAL, ENDED | {"configuration": configuration})
    (tmp_path / "file").touch()
    arguments = ["--checkpoint", str(checkpoint), "--data", str(image_tar), "--bundle"]
    bundle = str(tmp_path / "bundle")
    for more, word in (
        ([bundle, "--measure", "images"], "not NAME=PATH"),
        ([bundle, "--measure", "own=none"], "none does not exist"),
        ([str(tmp_path / "file" / "bundle")], "Not a directory"),
        ([bundle, "--results", str(tmp_path / "file" / "results")], "Not a directory"),
        ([bundle, "--latest"], "averaged weights alone"),
        ([bundle, "--untuned"], "is a bundle"),
        ([bundle, "--unrounded"], "is a bundle"),
    ):
        assert_refused(tool("export")([*arguments, *more]), capsys, word)
