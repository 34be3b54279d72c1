# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs from the command line: what they keep, resume and refuse."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from conftest import SMALL_CONDITIONAL_3, SMALL_PAPER, run_arguments, tool
from short_runs import assert_same, run

from vqdeepsc_training.trainer.checkpoint import averaged_network, read_checkpoint
from vqdeepsc_training.trainer.trainer import Trainer

main = tool("train")
TRAINING = Path(__file__).parents[2]
TUNING = TRAINING / "configs" / "tune_decoder.json"


def test_seed_of_the_command_line(tmp_path, image_tar, configuration):
    configuration["steps"] = 1
    first, second, other = (
        run(tmp_path, image_tar, configuration | {"seed": seed}, f"{seed}{more}", *more)
        for seed, more in ((3, ()), (1, ("--seed", "3")), (1, ()))
    )
    assert_same(first["network"], second["network"])
    assert second["configuration"]["seed"] == 3
    assert not torch.equal(first["network"]["stem.weight"], other["network"]["stem.weight"])


def test_history_says_what_resuming_changed(tmp_path, image_tar, configuration):
    configuration["steps"] = 3
    run(tmp_path, image_tar, configuration, "run")
    configuration["steps"] = 4
    configuration["loss"] = {"mae": 1.0}
    run(tmp_path, image_tar, configuration, "run", "--resume")
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["history"] == [
        {
            "until_step": 3,
            "configuration": {
                "steps": 3,
                "loss": {"mae": 1.0, "mse": 10.0, "log_mse": 0.0, "ssim": 0.1},
            },
        }
    ]


def test_history_says_which_data_and_shares_there_were(tmp_path, image_tar, configuration):
    configuration["steps"] = 1
    first = run(tmp_path, image_tar, configuration, "run")["configuration"]
    assert first["shares"] == [1.0]
    assert first["recording"] == {
        "file": f"{tmp_path.name}/link.npz",
        "seed": 0,
        "transmissions": 40,
    }
    config = tmp_path / "config.json"
    other = image_tar.parent / "other.tar"
    other.write_bytes(image_tar.read_bytes())
    for steps, shares in (("2", ["0.5", "0.5"]), ("3", ["0.9", "0.1"])):
        assert (
            main(
                [
                    "--config",
                    str(config),
                    "--data",
                    str(image_tar),
                    str(other),
                    "--cache",
                    str(tmp_path / "cache"),
                    "--folder",
                    str(tmp_path / "run"),
                    "--recording",
                    str(tmp_path / "link.npz"),
                    "--resume",
                    "--steps",
                    steps,
                    "--shares",
                    *shares,
                ]
            )
            == 0
        )
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    name = f"{image_tar.parent.name}/images.tar"
    assert record["history"] == [
        {"until_step": 1, "configuration": {"steps": 1, "data": [name], "shares": [1.0]}},
        {"until_step": 2, "configuration": {"steps": 2, "shares": [0.5, 0.5]}},
    ]
    assert record["configuration"]["shares"] == [0.9, 0.1]
    # What a configuration did not have is recorded, too.
    del configuration["noise"]
    run(tmp_path, image_tar, configuration | {"selection": None}, "run", "--resume", "--steps", "4")
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["history"][2]["configuration"]["noise"] == {
        "from": 0.5,
        "images": 1,
        "weight": 1.0,
    }


def test_curve_begins_with_the_codebooks(tmp_path, image_tar, configuration, monkeypatch):
    """Before their start nothing is quantised, and no selection may take such weights."""
    configuration |= {"selection": "ssim", "unquantised_steps": 3, "steps": 6}
    said = []
    original = Trainer.validate

    def watched(self: Trainer, images: np.ndarray) -> dict:
        said.append(original(self, images))
        return said[-1]

    monkeypatch.setattr(Trainer, "validate", watched)
    state = run(
        tmp_path,
        image_tar,
        configuration,
        "run",
        "--save-minutes",
        "0",
        "--validation",
        str(image_tar),
    )
    assert [point.step for point in said] == [1, 2, 3, 4, 5, 6]
    assert [point.unquantised for point in said] == [True] * 3 + [None] * 3
    assert state["curve"] == [point.to_json() for point in said[3:]]
    best = read_checkpoint(tmp_path / "run" / "best.pt")
    assert best["step"] == max(said[3:], key=lambda point: point.ssim).step


def test_new_run_starts_at_the_weights_of_another(tmp_path, image_tar, configuration):
    first = run(tmp_path, image_tar, configuration, "first")
    weights = tmp_path / "first" / "checkpoint.pt"
    configuration["steps"] = 1
    configuration["optimiser"]["learning_rate"] = 0.0
    second = run(tmp_path, image_tar, configuration, "second", "--weights", str(weights))
    assert second["step"] == 1
    for name, value in first["average"].items():
        if ".spaces." not in f".{name}":
            assert torch.equal(second["network"][name], value), name
    resumed = run(tmp_path, image_tar, configuration | {"steps": 4}, "second", "--resume")
    # No second k-means start: codebooks only move with their averages.
    shift = resumed["network"]["spaces.1.embedding"] - first["average"]["spaces.1.embedding"]
    assert shift.abs().max() < 1.0
    assert resumed["started"]
    # A network of other scales takes what fits, and starts its codebooks by k-means.
    configuration["network"] = SMALL_CONDITIONAL_3
    configuration["unquantised_steps"] = 2
    third = run(tmp_path, image_tar, configuration, "third", "--weights", str(weights))
    assert torch.equal(third["network"]["stem.weight"], first["average"]["stem.weight"])
    assert not third["started"]
    (entry,) = third["history"]
    assert entry["images"] == first["images"]
    assert "spaces.2.embedding" in entry["fresh"]
    assert "stem.weight" not in entry["fresh"]
    configuration["network"] = SMALL_PAPER
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    assert (
        main(
            [
                *run_arguments(tmp_path, image_tar, "fourth"),
                "--weights",
                str(weights),
            ]
        )
        == 2
    )


def test_tuning_the_decoder_leaves_the_encoder(tmp_path, image_tar, configuration):
    """Indices and codewords stay; the decoder learns; export puts both together."""
    first = run(tmp_path, image_tar, configuration, "first")
    configuration = json.loads(TUNING.read_text())
    configuration |= {"crop": 32, "batch": 4, "steps": 3}
    weights = str(tmp_path / "first" / "checkpoint.pt")
    tuned = run(tmp_path, image_tar, configuration, "tuned", "--weights", weights)
    before, after = averaged_network(first), averaged_network(tuned)
    image = torch.rand(2, 3, 32, 48)
    encoded, same = before.encode(image), after.encode(image)
    for one, other in zip(encoded.codewords, same.codewords, strict=True):
        assert torch.equal(one, other)
    assert not torch.allclose(before.decode(*encoded.codewords), after.decode(*same.codewords))
    resumed = run(
        tmp_path, image_tar, configuration | {"steps": 5}, "tuned", "--weights", weights, "--resume"
    )
    assert resumed["step"] == 5
    assert_same(resumed["encoder"], tuned["encoder"])
    # A run that begins at a tuned network begins where its tuning did: the encoder fits no other.
    again = run(
        tmp_path,
        image_tar,
        configuration,
        "again",
        "--weights",
        str(tmp_path / "tuned" / "checkpoint.pt"),
    )
    assert_same(again["encoder"], tuned["encoder"])
    assert again["trained"]["step"] == first["step"]
    assert (
        main(
            [
                *run_arguments(tmp_path, image_tar, "other"),
            ]
        )
        == 2
    )


def test_two_processes_train_one_network(tmp_path, image_tar, configuration, recording):
    """Both see images of their own, end with the same weights, and leave no group behind.

    PyTorch aborts if a thread of the group is busy when Python ends.
    """
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    program = (
        "import sys, torch, weakref\n"
        "from pathlib import Path\n"
        "from vqdeepsc_training.base import distributed\n"
        "from vqdeepsc_training.trainer.configuration import read_configuration\n"
        "from vqdeepsc_training.trainer.run import train\n"
        "config, data, folder, recording = map(Path, sys.argv[1:])\n"
        "trainer = train(read_configuration(config), [data], cache=folder / 'cache',\n"
        "                folder=folder, recording=recording, threads=1)\n"
        "parts = list(trainer.network.state_dict().values())\n"
        "mine = torch.cat([p.double().flatten() for p in parts])\n"
        "first = distributed.from_first(mine.clone())\n"
        "assert torch.equal(mine, first), 'the processes differ'\n"
        "group = weakref.ref(torch.distributed.group.WORLD)\n"
        "distributed.stop()\n"
        "assert group() is None, 'the group lives on'\n"
    )
    script = tmp_path / "both.py"
    script.write_text(program)
    environment = os.environ | {"PYTHONPATH": str(TRAINING), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            "2",
            str(script),
            str(config),
            str(image_tar),
            str(tmp_path / "run"),
            str(recording),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    checkpoint = read_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert checkpoint["step"] == 8
    assert checkpoint["images"] == 2 * 4 * 8
