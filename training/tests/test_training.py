# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer: resume, the phases of a run, several processes, every configuration."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import SMALL_PAPER

from vqdeepsc_training.checkpoint import averaged_network, read_checkpoint, write_weights
from vqdeepsc_training.data import BatchSampler, DataError, open_cache
from vqdeepsc_training.optimiser import orthogonalise
from vqdeepsc_training.train import main
from vqdeepsc_training.trainer import Trainer

TRAINING = Path(__file__).parents[1]
CONFIGS = sorted((TRAINING / "configs").glob("*.json"))


def run(tmp_path: Path, picture_tar: Path, configuration: dict, name: str, *more: str) -> dict:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    arguments = ["--config", str(config), "--data", str(picture_tar), "--cache",
                 str(tmp_path / "cache"), "--folder", str(tmp_path / name), "--threads", "1", *more]
    assert main(arguments) == 0
    return read_checkpoint(tmp_path / name / "checkpoint.pt")


def assert_same(first: object, second: object, where: str = "") -> None:
    assert type(first) is type(second), where
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key, value in first.items():
            assert_same(value, second[key], f"{where}/{key}")
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), where
        for index, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f"{where}/{index}")
    else:
        assert first == second, where


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_resumed_run_equals_an_uninterrupted_one(tmp_path, picture_tar, configuration, stop):
    """Also when it is stopped before the k-means start, after it, and in the noisy phase."""
    whole = run(tmp_path, picture_tar, configuration, "whole")

    class StoppedError(Exception):
        pass

    original = Trainer.train_step

    def interrupted(self: Trainer) -> dict:
        if self.step == stop:
            self.save()
            raise StoppedError
        return original(self)

    Trainer.train_step = interrupted
    try:
        with pytest.raises(StoppedError):
            run(tmp_path, picture_tar, configuration, "parts")
    finally:
        Trainer.train_step = original
    parts = run(tmp_path, picture_tar, configuration, "parts", "--resume")
    assert parts["step"] == whole["step"] == 8
    for key in ("network", "average", "optimisers", "pictures"):
        assert_same(parts[key], whole[key], key)


def test_training_lowers_the_loss_and_uses_the_codebooks(tmp_path, picture_tar, configuration):
    configuration["precision"] = "float32"
    configuration["steps"] = 60
    configuration["optimiser"]["learning_rate"] = 0.01
    run(tmp_path, picture_tar, configuration, "run", "--validation", str(picture_tar))
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["steps"] == 60
    assert record["pictures"] == 240
    after = record["validation"][-1]
    configuration["steps"] = 1
    run(tmp_path, picture_tar, configuration, "short", "--validation", str(picture_tar))
    before = json.loads((tmp_path / "short" / "record.json").read_text())["validation"][-1]
    assert after["psnr_db"] > before["psnr_db"] + 3


@pytest.mark.parametrize("config", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_configuration_trains(tmp_path, picture_tar, config):
    """Each shipped configuration, made small, for enough steps to quantise."""
    configuration = json.loads(config.read_text())
    assert configuration["name"] == config.stem
    network = configuration["network"]
    if network["type"] == "paper":
        network["width"] = SMALL_PAPER["width"]
    else:
        network |= {"widths": [8, 8, 8], "encoder_blocks": 1, "head_blocks": 1,
                    "decoder_blocks": 1}
    configuration |= {"crop": 32, "batch": 2, "steps": 3, "unquantised_steps": 1}
    checkpoint = run(tmp_path, picture_tar, configuration, "run")
    decoded, encoded = averaged_network(checkpoint)(torch.rand(1, 3, 32, 32),
                                                    configuration.get("quantised", True))
    assert decoded.shape == (1, 3, 32, 32)
    assert bool(encoded.labels) == configuration.get("quantised", True)
    assert all(torch.isfinite(v).all() for v in checkpoint["network"].values())


def test_assignment_within_a_run_keeps_every_picture(tmp_path, picture_tar, configuration):
    """Labels change with their codewords, in the network and in the averaged one alike."""
    cache = open_cache(picture_tar, tmp_path, 32, 64)
    configuration["steps"] = 5
    trainer = Trainer(configuration, BatchSampler([cache], [1.0], 32, 4, 3), tmp_path)
    for _ in range(4):
        trainer.train_step()
    image = trainer.sampler(9)
    network = trainer.network.eval()
    with torch.no_grad():
        encoded = network.encode(image)
        averaged = trainer.average(image)[0]
    labels = [found.clone() for found in encoded.labels]
    trainer.assign_labels(encoded)
    changed = [not torch.equal(a, b) for a, b in zip(labels, encoded.labels, strict=True)]
    assert any(changed)
    for space, found, codewords in zip(network.spaces, encoded.labels, encoded.codewords,
                                       strict=True):
        assert torch.equal(space.look_up(found), codewords)
    with torch.no_grad():
        assert torch.allclose(trainer.average(image)[0], averaged, atol=1e-5)


def test_history_says_what_resuming_changed(tmp_path, picture_tar, configuration):
    configuration["steps"] = 3
    run(tmp_path, picture_tar, configuration, "run")
    configuration["steps"] = 4
    configuration["loss"] = {"mae": 1.0}
    run(tmp_path, picture_tar, configuration, "run", "--resume")
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["history"] == [{"until_step": 3, "configuration": {
        "steps": 3, "loss": {"mae": 1.0, "mse": 10.0, "ssim": 0.1}}}]


def test_new_run_starts_at_the_weights_of_another(tmp_path, picture_tar, configuration):
    first = run(tmp_path, picture_tar, configuration, "first")
    weights = tmp_path / "weights.pt"
    write_weights(first, weights)
    assert "optimisers" not in read_checkpoint(weights)
    image = torch.rand(2, 3, 32, 32)
    before = averaged_network(first)(image)[0]
    assert torch.allclose(averaged_network(read_checkpoint(weights))(image)[0], before, atol=0.02)
    configuration["steps"] = 1
    configuration["optimiser"]["learning_rate"] = 0.0
    second = run(tmp_path, picture_tar, configuration, "second", "--start", str(weights))
    assert second["step"] == 1
    for name, value in first["average"].items():
        if ".spaces." not in f".{name}":
            assert torch.equal(second["network"][name], value.half().float()), name
    resumed = run(tmp_path, picture_tar, configuration | {"steps": 4}, "second", "--resume")
    # No second k-means start: codebooks only move with their averages.
    shift = resumed["network"]["spaces.0.embedding"] - first["average"]["spaces.0.embedding"]
    assert shift.abs().max() < 1.0
    assert resumed["started"]
    configuration["network"] = SMALL_PAPER
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    assert main(["--config", str(config), "--data", str(picture_tar), "--cache",
                 str(tmp_path / "cache"), "--folder", str(tmp_path / "third"), "--start",
                 str(weights)]) == 2


def test_two_processes_train_one_network(tmp_path, picture_tar, configuration):
    """Both see pictures of their own, and end with the same weights as each other."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    program = (
        "import sys, torch\n"
        "from vqdeepsc_training import distributed\n"
        "from vqdeepsc_training.train import parse_args, train\n"
        "trainer = train(parse_args(sys.argv[1:]))\n"
        "parts = list(trainer.network.state_dict().values())\n"
        "mine = torch.cat([p.double().flatten() for p in parts])\n"
        "first = distributed.from_first(mine.clone())\n"
        "assert torch.equal(mine, first), 'the processes differ'\n"
        "distributed.stop()\n"
    )
    script = tmp_path / "both.py"
    script.write_text(program)
    environment = os.environ | {"PYTHONPATH": str(TRAINING), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         str(script), "--config", str(config), "--data", str(picture_tar), "--cache",
         str(tmp_path / "cache"), "--folder", str(tmp_path / "run"), "--threads", "1"],
        env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    checkpoint = read_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert checkpoint["step"] == 8
    assert checkpoint["pictures"] == 2 * 4 * 8


def test_orthogonalised_updates_have_singular_values_near_one():
    for shape in ((2, 8, 40), (1, 40, 8)):
        matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        values = torch.linalg.svdvals(orthogonalise(matrices))
        assert values.min() > 0.6
        assert values.max() < 1.3
        left, _, right = torch.linalg.svd(matrices, full_matrices=False)
        near = torch.nn.functional.cosine_similarity(
            orthogonalise(matrices).flatten(), (left @ right).flatten(), dim=0)
        assert near > 0.97


def test_checkpoints_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_checkpoint(tmp_path / "none.pt")
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"broken")
    with pytest.raises(DataError, match="no checkpoint"):
        read_checkpoint(broken)
