# SPDX-License-Identifier: GPL-3.0-or-later
"""--device: without a GPU one sentence; every tensor of a run on the trainer's device."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL_PAPER, tool
from pretended import GPU, OnGpu, PretendedGpu

from vqdeepsc_training.base import distributed
from vqdeepsc_training.data.cache import open_cache
from vqdeepsc_training.data.images import evaluation_images
from vqdeepsc_training.data.recording import read_recording
from vqdeepsc_training.data.sampler import BatchSampler
from vqdeepsc_training.trainer import ablation as ablate
from vqdeepsc_training.trainer import monitor, noise
from vqdeepsc_training.trainer.checkpoint import read_checkpoint, write_checkpoint
from vqdeepsc_training.trainer.configuration import Configuration
from vqdeepsc_training.trainer.trainer import CPU, Trainer

main = tool("train")

DEMO = Path(__file__).parents[2] / "configs" / "demo.json"


def trainer_on(device, tmp_path, image_tar, recording, configuration):
    cache = open_cache(image_tar, tmp_path / "cache", 32, 48)
    folder = tmp_path / device.type
    sampler = BatchSampler([cache], [1.0], 32, 4, 3)
    return Trainer(
        Configuration.read(configuration),
        sampler,
        folder,
        recording=recording and read_recording(recording),
        device=device,
    )


def distilled(tmp_path, image_tar, configuration):
    """Path of the weights of an untrained network."""
    settings = {key: value for key, value in configuration.items() if key != "noise"}
    teacher = trainer_on(CPU, tmp_path, image_tar, None, settings)
    write_checkpoint(teacher.summary(), tmp_path / "teacher.pt")
    return str(tmp_path / "teacher.pt")


def placed_wrongly(trainer):
    """Names of what a trainer has that is not on the pretended GPU."""
    parts = {"network": trainer.network, "average": trainer.average, "encoder": trainer.encoder}
    parts |= {
        f"{type(part).__name__}.{name}": value
        for part in trainer.parts
        for name, value in vars(part).items()
        if isinstance(value, torch.nn.Module)
    }
    found = [
        f"{part}.{name}"
        for part, module in parts.items()
        if module is not None
        for name, value in module.state_dict().items()
        if not isinstance(value, OnGpu)
    ]
    states = [optimiser.state for optimiser in trainer.optimisers]
    return found + [
        f"optimiser.{name}"
        for state in states
        for values in state.values()
        for name, value in values.items()
        if value.ndim and not isinstance(value, OnGpu)
    ]


def test_pretended_gpu_keeps_the_rules():
    host = torch.arange(4.0)
    with PretendedGpu():
        there = host.to("cuda")
        assert there.device == GPU
        assert torch.zeros(2, device="cuda").device == GPU
        assert (there + torch.tensor(1.0)).device == GPU
        assert there[torch.tensor([1])].device == GPU
        assert there.cpu().device == CPU
        assert torch.equal(there.cpu(), host)
        for wrong in (
            lambda: there + host,
            lambda: host[there.long()],
            there.numpy,
            lambda: torch.randn(3, device="cuda", generator=torch.Generator()),
            lambda: there @ torch.ones(4),
            lambda: torch.cat([there, host]),
        ):
            with pytest.raises((RuntimeError, TypeError)):
                wrong()
        weight = torch.nn.Linear(4, 1).to("cuda").weight
        (weight @ there).sum().backward()
        assert isinstance(weight, OnGpu)
        assert weight.grad.device == GPU


@pytest.mark.parametrize("recipe", ["ours", "paper"])
def test_training_on_a_gpu_mixes_no_devices(
    tmp_path, image_tar, recording, configuration, monkeypatch, recipe
):
    """All phases, checkpoint, resume and validation, and the results of a run on the CPU."""
    monkeypatch.setattr(noise, "ASSIGNMENT_STEPS", 2)
    configuration["precision"] = "float32"
    if recipe == "ours":
        configuration |= {
            "annealing": {"noise": 0.2, "until": 1.0},
            "distillation": {
                "weights": distilled(tmp_path, image_tar, configuration),
                "weight": 0.5,
            },
        }
    if recipe == "paper":
        adam = {"name": "adam", "learning_rate": 1e-3, "betas": [0.5, 0.999]}
        configuration |= {
            "network": SMALL_PAPER,
            "embedding_gradient": True,
            "optimiser": adam,
            "adversarial": {"channels": 4, "optimiser": adam},
        }
        del configuration["noise"]
    images = evaluation_images(image_tar, 32, 3)
    losses = {}
    for device in (CPU, GPU):
        with PretendedGpu():
            running = trainer_on(device, tmp_path, image_tar, recording, configuration)
            losses[device] = [running.train_step()["loss"] for _ in range(5)]
            running.save()
            running = trainer_on(device, tmp_path, image_tar, recording, configuration)
            running.resume()
            losses[device] += [running.train_step()["loss"] for _ in range(2)]
            losses[device].append(running.validate(images).psnr_db)
            assert monitor.image_grid(running, images).device == CPU
            assert monitor.codebook_usage(running)
            measured = ablate.measure(running, images)
            assert measured.psnr_db == pytest.approx(losses[device][-1], abs=0.05)
        if device == GPU:
            assert placed_wrongly(running) == []
            saved = read_checkpoint(running.folder / "checkpoint.pt")["network"]
            assert all(type(value) is torch.Tensor for value in saved.values())
    assert np.allclose(losses[GPU], losses[CPU], rtol=1e-4)


def test_decoder_is_tuned_on_a_gpu(tmp_path, image_tar, recording, configuration):
    configuration["precision"] = "float32"
    first = trainer_on(CPU, tmp_path, image_tar, recording, configuration)
    for _ in range(3):
        first.train_step()
    configuration |= {"decoder_only": True, "noise": {"from": 0.0, "images": 2}}
    with PretendedGpu():
        trainer = trainer_on(GPU, tmp_path, image_tar, recording, configuration)
        assert trainer.start_from(first.summary()) == []
        terms = trainer.train_step()
        trainer.save()
        trainer.resume()
        trainer.train_step()
    assert np.isfinite(terms["noisy"])
    assert placed_wrongly(trainer) == []


@pytest.mark.parametrize("command", ["train", "ablate"])
def test_missing_gpu_is_said(command, tmp_path, image_tar, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    given = {"train": ["--config", str(DEMO)], "ablate": ["--validation", str(image_tar)]}
    assert tool(command)([*given[command], "--data", str(image_tar), "--device", "cuda"]) == 2
    error = capsys.readouterr().err
    assert "needs a GPU for each process, 1 or more, but PyTorch finds 0" in error
    assert error.count("\n") == 1


def test_each_process_has_its_gpu(monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert distributed.own_device("cpu") == CPU
    assert distributed.own_device("cuda") == torch.device("cuda", 1)
    assert taken == [torch.device("cuda", 1)]
    backends = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.distributed, "init_process_group", backends.append)
    distributed.start(torch.device("cuda", 1))
    distributed.start(CPU)
    assert backends == ["nccl", "gloo"]
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match="3 or more, but PyTorch finds 2"):
        distributed.own_device("cuda")
