# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer: resume, the phases of a run, several processes, every configuration."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL_CONDITIONAL_3, SMALL_PAPER, write_link

from vqdeepsc_training.checkpoint import averaged_network, read_checkpoint
from vqdeepsc_training.data import BatchSampler, DataError, open_cache
from vqdeepsc_training.optimiser import orthogonalise
from vqdeepsc_training.recording import read_recording
from vqdeepsc_training.train import main
from vqdeepsc_training.trainer import Trainer

TRAINING = Path(__file__).parents[1]
TUNING = TRAINING / "configs" / "tune_decoder.json"
CONFIGS = [path for path in sorted((TRAINING / "configs").glob("*.json"))
           if "network" in json.loads(path.read_text())]


def run(tmp_path: Path, picture_tar: Path, configuration: dict, name: str, *more: str) -> dict:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    arguments = ["--config", str(config), "--data", str(picture_tar), "--cache",
                 str(tmp_path / "cache"), "--folder", str(tmp_path / name), "--threads", "1", *more]
    if "noise" in configuration:
        three_scales = configuration.get("network") == SMALL_CONDITIONAL_3
        link = write_link(tmp_path / "link.npz", 476 if three_scales else 1252)
        arguments += ["--recording", str(link)]
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


def small(config: Path) -> dict:
    """A shipped configuration with little of everything."""
    configuration = json.loads(config.read_text())
    network = configuration["network"]
    if network["type"] == "paper":
        network["width"] = SMALL_PAPER["width"]
    else:
        network |= {"widths": [8, 8, 8], "encoder_blocks": 1, "head_blocks": 1,
                    "decoder_blocks": 1}
    if "adversarial" in configuration:
        configuration["adversarial"]["channels"] = 4
    return configuration | {"crop": 32, "batch": 2, "unquantised_steps": 1}


def resumed_and_whole(tmp_path: Path, picture_tar: Path, configuration: dict,
                      stop: int) -> tuple[dict, dict]:
    """Checkpoints of a run that was stopped before step `stop` and resumed, and of a whole one."""
    validation = ["--validation", str(picture_tar)] if "selection" in configuration else []
    whole = run(tmp_path, picture_tar, configuration, "whole", *validation)

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
            run(tmp_path, picture_tar, configuration, "parts", *validation)
    finally:
        Trainer.train_step = original
    return run(tmp_path, picture_tar, configuration, "parts", "--resume", *validation), whole


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_resumed_run_equals_an_uninterrupted_one(tmp_path, picture_tar, configuration, stop):
    """Also when it is stopped before the k-means start, after it, and in the noisy phase."""
    parts, whole = resumed_and_whole(tmp_path, picture_tar, configuration, stop)
    assert parts["step"] == whole["step"] == 8
    for key in ("network", "average", "optimisers", "pictures"):
        assert_same(parts[key], whole[key], key)


def without_seconds(curve: list[dict]) -> list[dict]:
    return [{key: value for key, value in point.items() if key != "seconds"} for point in curve]


def test_resumed_run_of_the_papers_recipe_equals_an_uninterrupted_one(tmp_path, picture_tar):
    """Discriminator, its optimiser and the weights selected on validation included."""
    configuration = small(TRAINING / "configs" / "paper_4scale.json") | {"epochs": 2}
    parts, whole = resumed_and_whole(tmp_path, picture_tar, configuration, 7)
    assert parts["step"] == whole["step"] == 2 * 12 / 2
    assert [point["step"] for point in whole["curve"]] == [6, 12]
    for key in ("network", "average", "optimisers", "discriminator", "discriminator_optimiser"):
        assert_same(parts[key], whole[key], key)
    assert without_seconds(parts["curve"]) == without_seconds(whole["curve"])
    best = [read_checkpoint(tmp_path / name / "best.pt") for name in ("parts", "whole")]
    assert_same(best[0]["average"], best[1]["average"])
    best_point = max(whole["curve"], key=lambda point: point["ssim"])
    assert best[1]["step"] == best_point["step"]


def test_loss_of_equation_9(tmp_path, picture_tar):
    """lambda (MAE + embedding + beta_c commitment) + GAN, in the paper's configuration."""
    configuration = small(TRAINING / "configs" / "paper_4scale.json") | {"steps": 3}
    cache = open_cache(picture_tar, tmp_path, 32, 48)
    trainer = Trainer(configuration, BatchSampler([cache], [1.0], 32, 2, 1, epochs=True), tmp_path)
    trainer.train_step()
    before = [p.clone() for p in trainer.discriminator.parameters()]
    terms = trainer.train_step()
    # The values of the embedding and the commitment term are the same.
    expected = 5 * (terms["mae"] + 1.25 * terms["embedding"]) + terms["generator"]
    assert terms["loss"] == pytest.approx(expected, rel=1e-5)
    assert terms["discriminator"] == pytest.approx(2 * np.log(2), abs=0.5)
    # Adam's steps are no longer than its rate, and the networks' step leaves D alone.
    moved = [(p - q).abs().max().item()
             for p, q in zip(trainer.discriminator.parameters(), before, strict=True)]
    assert 0 < max(moved) < 1.2e-5


@pytest.mark.parametrize("name", ["paper_4scale", "paper_3scale", "paper_4scale_unquantised",
                                  "paper_3scale_unquantised"])
def test_papers_configurations_have_the_papers_numbers(name):
    configuration = json.loads((TRAINING / "configs" / f"{name}.json").read_text())
    assert configuration["loss"] == {"mae": 5.0}
    assert configuration["quantiser_weight"] == 5.0
    assert configuration["commitment"] == 0.25
    assert (configuration["batch"], configuration["epochs"], configuration["crop"]) == (24, 200,
                                                                                       128)
    adam = {"name": "adam", "betas": [0.5, 0.999]}
    assert configuration["optimiser"] == adam | {"learning_rate": 1.75e-4, "schedule": "constant"}
    assert configuration["adversarial"] == {"channels": 64,
                                            "optimiser": adam | {"learning_rate": 1e-5}}
    assert configuration["quantised"] == (not name.endswith("unquantised"))
    assert "noise" not in configuration
    assert configuration["average"] == 0.0


def test_configurations_that_need_more_say_so(tmp_path, picture_tar, configuration, capsys):
    config = str(TRAINING / "configs" / "paper_4scale.json")
    given = ["--config", config, "--data", str(picture_tar), "--cache", str(tmp_path)]
    assert main(given) == 2
    assert "--validation is needed" in capsys.readouterr().err
    assert main([*given, "--shares", "1"]) == 2
    assert "--shares cannot be given" in capsys.readouterr().err
    noisy = tmp_path / "noisy.json"
    noisy.write_text(json.dumps(configuration))
    given = ["--config", str(noisy), *given[2:]]
    assert main(given) == 2
    assert "transmissions of 1252 bits, as record_link writes" in capsys.readouterr().err
    other = write_link(tmp_path / "other.npz", 20032)
    assert main([*given, "--recording", str(other)]) == 2
    assert "has 20032 bits a transmission" in capsys.readouterr().err
    assert main([*given, "--recording", str(tmp_path / "none.npz")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_pictures_are_compared_with_the_teachers(tmp_path, picture_tar, configuration):
    """The loss grows by weight times the MAE to what the wider network draws, which stays."""
    del configuration["noise"]
    configuration["precision"] = "float32"
    wider = configuration["network"] | {"widths": [16, 16, 16]}
    run(tmp_path, picture_tar, configuration | {"network": wider, "seed": 5}, "wider")
    weights = tmp_path / "wider" / "checkpoint.pt"
    cache = open_cache(picture_tar, tmp_path / "cache", 32, 67)
    sampler = BatchSampler([cache], [1.0], 32, 4, 3)
    plain = Trainer(configuration, sampler, tmp_path)
    configuration |= {"distillation": {"weights": str(weights), "weight": 0.7}}
    student = Trainer(configuration, sampler, tmp_path)
    teacher = averaged_network(read_checkpoint(weights))
    image = sampler(0)
    with torch.no_grad():
        expected = (student.network.train()(image, False)[0] - teacher(image)[0]).abs().mean()
    without, terms = plain.train_step(), student.train_step()
    assert terms["distillation"] == pytest.approx(float(expected), rel=1e-4)
    assert terms["loss"] == pytest.approx(without["loss"] + 0.7 * float(expected), rel=1e-4)
    assert not torch.equal(student.network.out.weight, plain.network.out.weight)
    for one, other in zip(student.teacher.parameters(), teacher.parameters(), strict=True):
        assert torch.equal(one, other)


def test_noise_falls_to_nothing(tmp_path, picture_tar, configuration):
    """In a straight line; a resumed run draws the same noise."""
    configuration |= {"annealing": {"noise": 0.4, "until": 0.5}}
    cache = open_cache(picture_tar, tmp_path / "cache", 32, 48)
    trainer = Trainer(configuration | {"noise": None}, BatchSampler([cache], [1.0], 32, 4, 3),
                      tmp_path)
    seen = []
    for _ in range(8):
        trainer.train_step()
        seen.append(trainer.network.spaces[0].noise)
    assert seen == pytest.approx([0.4, 0.3, 0.2, 0.1, 0, 0, 0, 0])
    assert trainer.average.spaces[0].noise == 0
    parts, whole = resumed_and_whole(tmp_path, picture_tar, configuration, 3)
    assert_same(parts["network"], whole["network"])


def test_seed_of_the_command_line(tmp_path, picture_tar, configuration):
    configuration["steps"] = 1
    first, second, other = (
        run(tmp_path, picture_tar, configuration | {"seed": seed}, f"{seed}{more}", *more)
        for seed, more in ((3, ()), (1, ("--seed", "3")), (1, ())))
    assert_same(first["network"], second["network"])
    assert second["configuration"]["seed"] == 3
    assert not torch.equal(first["network"]["stem.weight"], other["network"]["stem.weight"])


def test_training_lowers_the_loss_and_uses_the_codebooks(tmp_path, picture_tar, configuration):
    configuration["precision"] = "float32"
    configuration["steps"] = 60
    configuration["optimiser"]["learning_rate"] = 0.01
    run(tmp_path, picture_tar, configuration, "run", "--validation", str(picture_tar))
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["steps"] == 60
    assert record["pictures"] == 240
    after = record["validation"][-1]
    configuration |= {"steps": 1, "unquantised_steps": 0}
    run(tmp_path, picture_tar, configuration, "short", "--validation", str(picture_tar))
    before = json.loads((tmp_path / "short" / "record.json").read_text())["validation"][-1]
    assert after["psnr_db"] > before["psnr_db"] + 3


@pytest.mark.parametrize("config", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_configuration_trains(tmp_path, picture_tar, config):
    """Each shipped configuration, made small, for enough steps to quantise."""
    configuration = small(config)
    assert configuration["name"] == config.stem
    checkpoint = run(tmp_path, picture_tar, configuration, "run", "--steps", "3",
                     "--validation", str(picture_tar))
    decoded, encoded = averaged_network(checkpoint)(torch.rand(1, 3, 32, 32),
                                                    configuration.get("quantised", True))
    assert decoded.shape == (1, 3, 32, 32)
    assert bool(encoded.labels) == configuration.get("quantised", True)
    assert all(torch.isfinite(v).all() for v in checkpoint["network"].values())


def test_assignment_within_a_run_keeps_every_picture(tmp_path, picture_tar, configuration,
                                                     recording):
    """Labels change with their codewords, in the network and in the averaged one alike."""
    cache = open_cache(picture_tar, tmp_path, 32, 64)
    configuration["steps"] = 5
    trainer = Trainer(configuration, BatchSampler([cache], [1.0], 32, 4, 3), tmp_path,
                      recording=read_recording(recording))
    for _ in range(4):
        trainer.train_step()
    image = trainer.sampler(9)
    network = trainer.network.eval()
    with torch.no_grad():
        encoded = network.encode(image)
        averaged = trainer.average(image)[0]
    labels = [found.clone() for found in encoded.labels]
    orders = trainer.assign_labels()
    encoded.labels = [order.argsort()[found] for order, found in zip(orders, labels, strict=True)]
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


def test_history_says_which_data_and_shares_there_were(tmp_path, picture_tar, configuration):
    configuration["steps"] = 1
    first = run(tmp_path, picture_tar, configuration, "run")["configuration"]
    assert first["shares"] == [1.0]
    assert first["recording"] == {"file": f"{tmp_path.name}/link.npz", "seed": 0,
                                  "transmissions": 40}
    config = tmp_path / "config.json"
    other = picture_tar.parent / "other.tar"
    other.write_bytes(picture_tar.read_bytes())
    for steps, shares in (("2", ["0.5", "0.5"]), ("3", ["0.9", "0.1"])):
        assert main(["--config", str(config), "--data", str(picture_tar), str(other), "--cache",
                     str(tmp_path / "cache"), "--folder", str(tmp_path / "run"), "--recording",
                     str(tmp_path / "link.npz"), "--resume", "--steps", steps, "--shares",
                     *shares]) == 0
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    name = f"{picture_tar.parent.name}/pictures.tar"
    assert record["history"] == [
        {"until_step": 1, "configuration": {"steps": 1, "data": [name], "shares": [1.0]}},
        {"until_step": 2, "configuration": {"steps": 2, "shares": [0.5, 0.5]}}]
    assert record["configuration"]["shares"] == [0.9, 0.1]
    # What a configuration did not have is told, too.
    del configuration["noise"]
    run(tmp_path, picture_tar, configuration | {"selection": None}, "run", "--resume", "--steps",
        "4")
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["history"][2]["configuration"]["noise"] == {"from": 0.5, "pictures": 1}


def test_curve_begins_with_the_codebooks(tmp_path, picture_tar, configuration, monkeypatch):
    """Before their start nothing is quantised, and no selection may take such weights."""
    configuration |= {"selection": "ssim", "unquantised_steps": 3, "steps": 6}
    said = []
    original = Trainer.validate

    def watched(self: Trainer, images: np.ndarray) -> dict:
        said.append(original(self, images))
        return said[-1]

    monkeypatch.setattr(Trainer, "validate", watched)
    state = run(tmp_path, picture_tar, configuration, "run", "--save-minutes", "0",
                "--validation", str(picture_tar))
    assert [point["step"] for point in said] == [1, 2, 3, 4, 5, 6]
    assert ["unquantised" in point for point in said] == [True] * 3 + [False] * 3
    assert state["curve"] == said[3:]
    best = read_checkpoint(tmp_path / "run" / "best.pt")
    assert best["step"] == max(said[3:], key=lambda point: point["ssim"])["step"]


def test_new_run_starts_at_the_weights_of_another(tmp_path, picture_tar, configuration):
    first = run(tmp_path, picture_tar, configuration, "first")
    weights = tmp_path / "first" / "checkpoint.pt"
    configuration["steps"] = 1
    configuration["optimiser"]["learning_rate"] = 0.0
    second = run(tmp_path, picture_tar, configuration, "second", "--weights", str(weights))
    assert second["step"] == 1
    for name, value in first["average"].items():
        if ".spaces." not in f".{name}":
            assert torch.equal(second["network"][name], value), name
    resumed = run(tmp_path, picture_tar, configuration | {"steps": 4}, "second", "--resume")
    # No second k-means start: codebooks only move with their averages.
    shift = resumed["network"]["spaces.0.embedding"] - first["average"]["spaces.0.embedding"]
    assert shift.abs().max() < 1.0
    assert resumed["started"]
    # A network of other scales takes what fits, and starts its codebooks by k-means.
    configuration["network"] = SMALL_CONDITIONAL_3
    configuration["unquantised_steps"] = 2
    third = run(tmp_path, picture_tar, configuration, "third", "--weights", str(weights))
    assert torch.equal(third["network"]["stem.weight"], first["average"]["stem.weight"])
    assert not third["started"]
    (entry,) = third["history"]
    assert entry["pictures"] == first["pictures"]
    assert "spaces.0.embedding" in entry["fresh"]
    assert "stem.weight" not in entry["fresh"]
    configuration["network"] = SMALL_PAPER
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    assert main(["--config", str(config), "--data", str(picture_tar), "--cache",
                 str(tmp_path / "cache"), "--folder", str(tmp_path / "fourth"), "--weights",
                 str(weights)]) == 2


def test_tuning_the_decoder_leaves_the_encoder(tmp_path, picture_tar, configuration):
    """Labels and codewords stay; the decoder learns; export puts both together."""
    first = run(tmp_path, picture_tar, configuration, "first")
    configuration = json.loads(TUNING.read_text())
    configuration |= {"crop": 32, "batch": 4, "steps": 3}
    weights = str(tmp_path / "first" / "checkpoint.pt")
    tuned = run(tmp_path, picture_tar, configuration, "tuned", "--weights", weights)
    before, after = averaged_network(first), averaged_network(tuned)
    image = torch.rand(2, 3, 32, 48)
    encoded, same = before.encode(image), after.encode(image)
    for one, other in zip(encoded.codewords, same.codewords, strict=True):
        assert torch.equal(one, other)
    assert not torch.allclose(before.decode(*encoded.codewords), after.decode(*same.codewords))
    resumed = run(tmp_path, picture_tar, configuration | {"steps": 5}, "tuned", "--weights",
                  weights, "--resume")
    assert resumed["step"] == 5
    assert_same(resumed["encoder"], tuned["encoder"])
    # A run that begins at a tuned network begins where its tuning did: the encoder fits no other.
    again = run(tmp_path, picture_tar, configuration, "again", "--weights",
                str(tmp_path / "tuned" / "checkpoint.pt"))
    assert_same(again["encoder"], tuned["encoder"])
    assert again["trained"]["step"] == first["step"]
    config = tmp_path / "config.json"
    assert main(["--config", str(config), "--data", str(picture_tar), "--cache",
                 str(tmp_path / "cache"), "--folder", str(tmp_path / "other")]) == 2


def test_two_processes_train_one_network(tmp_path, picture_tar, configuration, recording):
    """Both see pictures of their own, end with the same weights, and leave no group behind.

    PyTorch aborts if a thread of the group is busy when Python ends.
    """
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    program = (
        "import sys, torch, weakref\n"
        "from vqdeepsc_training import distributed\n"
        "from vqdeepsc_training.train import parse_args, train\n"
        "trainer = train(parse_args(sys.argv[1:]))\n"
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
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         str(script), "--config", str(config), "--data", str(picture_tar), "--cache",
         str(tmp_path / "cache"), "--folder", str(tmp_path / "run"), "--threads", "1",
         "--recording", str(recording)],
        env=environment, capture_output=True, text=True, timeout=400, check=False)
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
