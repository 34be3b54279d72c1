# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer: resume, the phases of a run, several processes, every configuration."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL_PAPER, tool, write_link
from short_runs import assert_same, part_of, resumed_and_whole, run

from vqdeepsc_training.data.cache import open_cache
from vqdeepsc_training.data.recording import read_recording
from vqdeepsc_training.data.sampler import BatchSampler
from vqdeepsc_training.objectives.optimiser import orthogonalise
from vqdeepsc_training.trainer.adversarial import AdversarialTraining
from vqdeepsc_training.trainer.checkpoint import averaged_network, read_checkpoint
from vqdeepsc_training.trainer.configuration import Configuration
from vqdeepsc_training.trainer.distillation import Teacher
from vqdeepsc_training.trainer.noise import assign_indices
from vqdeepsc_training.trainer.trainer import Trainer

main = tool("train")

TRAINING = Path(__file__).parents[2]
TUNING = TRAINING / "configs" / "tune_decoder.json"
CONFIGS = [
    path
    for path in sorted((TRAINING / "configs").glob("*.json"))
    if "network" in json.loads(path.read_text())
]


def small(config: Path) -> dict:
    """A shipped configuration with little of everything."""
    configuration = json.loads(config.read_text())
    network = configuration["network"]
    if network["type"] == "paper":
        network["width"] = SMALL_PAPER["width"]
    else:
        network |= {"widths": [8, 8, 8], "encoder_blocks": 1, "head_blocks": 1, "decoder_blocks": 1}
    if "adversarial" in configuration:
        configuration["adversarial"]["channels"] = 4
    if "prefixes" in configuration:
        configuration["prefixes"]["images"] = 2
    return configuration | {"crop": 32, "batch": 2, "unquantised_steps": 1}


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_resumed_run_equals_an_uninterrupted_one(tmp_path, image_tar, configuration, stop):
    """Also when it is stopped before the k-means start, after it, and in the noisy phase."""
    parts, whole = resumed_and_whole(tmp_path, image_tar, configuration, stop)
    assert parts["step"] == whole["step"] == 8
    for key in ("network", "average", "optimisers", "images"):
        assert_same(parts[key], whole[key], key)


def without_seconds(curve: list[dict]) -> list[dict]:
    return [{key: value for key, value in point.items() if key != "seconds"} for point in curve]


def test_resumed_run_of_the_papers_recipe_equals_an_uninterrupted_one(tmp_path, image_tar):
    """Discriminator, its optimiser and the weights selected on validation included."""
    configuration = small(TRAINING / "configs" / "paper_4scale.json") | {"epochs": 2}
    parts, whole = resumed_and_whole(tmp_path, image_tar, configuration, 7)
    assert parts["step"] == whole["step"] == 2 * 12 / 2
    assert [point["step"] for point in whole["curve"]] == [6, 12]
    for key in ("network", "average", "optimisers", "discriminator", "discriminator_optimiser"):
        assert_same(parts[key], whole[key], key)
    assert without_seconds(parts["curve"]) == without_seconds(whole["curve"])
    best = [read_checkpoint(tmp_path / name / "best.pt") for name in ("parts", "whole")]
    assert_same(best[0]["average"], best[1]["average"])
    best_point = max(whole["curve"], key=lambda point: point["ssim"])
    assert best[1]["step"] == best_point["step"]


def test_loss_of_equation_9(tmp_path, image_tar):
    """lambda (MAE + embedding + beta_c commitment) + GAN, in the paper's configuration."""
    configuration = small(TRAINING / "configs" / "paper_4scale.json") | {"steps": 3}
    cache = open_cache(image_tar, tmp_path, 32, 48)
    trainer = Trainer(
        Configuration.read(configuration),
        BatchSampler([cache], [1.0], 32, 2, 1, epochs=True),
        tmp_path,
    )
    trainer.train_step()
    discriminator = part_of(trainer, AdversarialTraining).discriminator
    before = [p.clone() for p in discriminator.parameters()]
    terms = trainer.train_step()
    # The values of the embedding and the commitment term are the same.
    expected = 5 * (terms["mae"] + 1.25 * terms["embedding"]) + terms["generator"]
    assert terms["loss"] == pytest.approx(expected, rel=1e-5)
    assert terms["discriminator"] == pytest.approx(2 * np.log(2), abs=0.5)
    # Adam's steps are no longer than its rate, and the networks' step leaves D alone.
    moved = [
        (p - q).abs().max().item() for p, q in zip(discriminator.parameters(), before, strict=True)
    ]
    assert 0 < max(moved) < 1.2e-5


@pytest.mark.parametrize(
    "name", ["paper_4scale", "paper_3scale", "paper_4scale_unquantised", "paper_3scale_unquantised"]
)
def test_papers_configurations_have_the_papers_numbers(name):
    configuration = json.loads((TRAINING / "configs" / f"{name}.json").read_text())
    assert configuration["loss"] == {"mae": 5.0}
    assert configuration["quantiser_weight"] == 5.0
    assert configuration["commitment"] == 0.25
    assert (configuration["batch"], configuration["epochs"], configuration["crop"]) == (
        24,
        200,
        128,
    )
    adam = {"name": "adam", "betas": [0.5, 0.999]}
    assert configuration["optimiser"] == adam | {"learning_rate": 1.75e-4, "schedule": "constant"}
    assert configuration["adversarial"] == {
        "channels": 64,
        "optimiser": adam | {"learning_rate": 1e-5},
    }
    assert configuration["quantised"] == (not name.endswith("unquantised"))
    assert "noise" not in configuration
    assert configuration["average"] == 0.0


def test_configurations_that_need_more_say_so(tmp_path, image_tar, configuration, capsys):
    config = str(TRAINING / "configs" / "paper_4scale.json")
    given = ["--config", config, "--data", str(image_tar), "--cache", str(tmp_path)]
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


def test_images_are_compared_with_the_teachers(tmp_path, image_tar, configuration):
    """The loss grows by weight times the MAE to the images of the wider network, which stays."""
    del configuration["noise"]
    configuration["precision"] = "float32"
    wider = configuration["network"] | {"widths": [16, 16, 16]}
    run(tmp_path, image_tar, configuration | {"network": wider, "seed": 5}, "wider")
    weights = tmp_path / "wider" / "checkpoint.pt"
    cache = open_cache(image_tar, tmp_path / "cache", 32, 67)
    sampler = BatchSampler([cache], [1.0], 32, 4, 3)
    plain = Trainer(Configuration.read(configuration), sampler, tmp_path)
    configuration |= {"distillation": {"weights": str(weights), "weight": 0.7}}
    student = Trainer(Configuration.read(configuration), sampler, tmp_path)
    teacher = averaged_network(read_checkpoint(weights))
    image = sampler[0]
    with torch.no_grad():
        expected = (student.network.train()(image, False)[0] - teacher(image)[0]).abs().mean()
    without, terms = plain.train_step(), student.train_step()
    assert terms["distillation"] == pytest.approx(float(expected), rel=1e-4)
    assert terms["loss"] == pytest.approx(without["loss"] + 0.7 * float(expected), rel=1e-4)
    assert not torch.equal(student.network.out.weight, plain.network.out.weight)
    own = part_of(student, Teacher).network
    for one, other in zip(own.parameters(), teacher.parameters(), strict=True):
        assert torch.equal(one, other)


def test_noise_falls_to_nothing(tmp_path, image_tar, configuration):
    """In a straight line; a resumed run draws the same noise."""
    configuration |= {"annealing": {"noise": 0.4, "until": 0.5}}
    cache = open_cache(image_tar, tmp_path / "cache", 32, 48)
    trainer = Trainer(
        Configuration.read(configuration | {"noise": None}),
        BatchSampler([cache], [1.0], 32, 4, 3),
        tmp_path,
    )
    seen = []
    for _ in range(8):
        trainer.train_step()
        seen.append(trainer.network.spaces[0].noise)
    assert seen == pytest.approx([0.4, 0.3, 0.2, 0.1, 0, 0, 0, 0])
    assert trainer.average.spaces[0].noise == 0
    parts, whole = resumed_and_whole(tmp_path, image_tar, configuration, 3)
    assert_same(parts["network"], whole["network"])


def test_training_lowers_the_loss_and_uses_the_codebooks(tmp_path, image_tar, configuration):
    configuration["precision"] = "float32"
    configuration["steps"] = 60
    configuration["optimiser"]["learning_rate"] = 0.01
    run(tmp_path, image_tar, configuration, "run", "--validation", str(image_tar))
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["steps"] == 60
    assert record["images"] == 240
    after = record["validation"][-1]
    configuration |= {"steps": 1, "unquantised_steps": 0}
    run(tmp_path, image_tar, configuration, "short", "--validation", str(image_tar))
    before = json.loads((tmp_path / "short" / "record.json").read_text())["validation"][-1]
    assert after["psnr_db"] > before["psnr_db"] + 3


@pytest.mark.parametrize("config", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_configuration_trains(tmp_path, image_tar, config):
    """Each shipped configuration, made small, for enough steps to quantise."""
    configuration = small(config)
    assert configuration["name"] == config.stem
    checkpoint = run(
        tmp_path, image_tar, configuration, "run", "--steps", "3", "--validation", str(image_tar)
    )
    decoded, encoded = averaged_network(checkpoint)(
        torch.rand(1, 3, 32, 32), configuration.get("quantised", True)
    )
    assert decoded.shape == (1, 3, 32, 32)
    assert bool(encoded.indices) == configuration.get("quantised", True)
    assert all(torch.isfinite(v).all() for v in checkpoint["network"].values())


def test_assignment_within_a_run_keeps_every_image(tmp_path, image_tar, configuration, recording):
    """Indices change with their codewords, in the network and in the averaged one alike."""
    cache = open_cache(image_tar, tmp_path, 32, 64)
    configuration["steps"] = 5
    trainer = Trainer(
        Configuration.read(configuration),
        BatchSampler([cache], [1.0], 32, 4, 3),
        tmp_path,
        recording=read_recording(recording),
    )
    for _ in range(4):
        trainer.train_step()
    image = trainer.sampler[9]
    network = trainer.network.eval()
    with torch.no_grad():
        encoded = network.encode(image)
        averaged = trainer.average(image)[0]
    indices = [found.clone() for found in encoded.indices]
    orders = assign_indices(network, trainer.average)
    encoded.indices = [order.argsort()[found] for order, found in zip(orders, indices, strict=True)]
    changed = [not torch.equal(a, b) for a, b in zip(indices, encoded.indices, strict=True)]
    assert any(changed)
    for space, found, codewords in zip(
        network.spaces, encoded.indices, encoded.codewords, strict=True
    ):
        assert torch.equal(space.look_up(found), codewords)
    with torch.no_grad():
        assert torch.allclose(trainer.average(image)[0], averaged, atol=1e-5)


def test_orthogonalised_updates_have_singular_values_near_one():
    for shape in ((2, 8, 40), (1, 40, 8)):
        matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        values = torch.linalg.svdvals(orthogonalise(matrices))
        assert values.min() > 0.6
        assert values.max() < 1.3
        left, _, right = torch.linalg.svd(matrices, full_matrices=False)
        near = torch.nn.functional.cosine_similarity(
            orthogonalise(matrices).flatten(), (left @ right).flatten(), dim=0
        )
        assert near > 0.97


def test_a_gradient_of_low_rank_does_not_diverge():
    """Real ones are: what is nearly singular must not grow from rounding."""
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(96, 3, generator=generator) for _ in range(2))
    noise = torch.randn(1, 96, 96, generator=generator)
    values = torch.linalg.svdvals(orthogonalise((left @ right.t())[None] + 1e-6 * noise))
    assert values.max() < 1.3
