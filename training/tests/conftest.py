# SPDX-License-Identifier: GPL-3.0-or-later
"""Small images and configurations that the tests share."""

import copy
import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from vqdeepsc.codec import write_manifest

from vqdeepsc_training import command
from vqdeepsc_training.bundles.graphs import write_graphs
from vqdeepsc_training.data.recording import Recording, quantise, write_recording
from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.networks.rounding import round_weights

torch.set_num_threads(1)


def tool(name: str) -> Callable[[Sequence[str]], int]:
    """A subcommand as a function of its arguments, which returns the exit status."""
    return lambda arguments: command.main([name, *arguments])


def run_arguments(tmp_path: Path, image_tar: Path, name: str) -> list[str]:
    """Of `train`, for the run `name` of tmp_path's config.json."""
    return [
        "--config",
        str(tmp_path / "config.json"),
        "--data",
        str(image_tar),
        "--cache",
        str(tmp_path / "cache"),
        "--folder",
        str(tmp_path / name),
    ]


SMALL_CONDITIONAL = {
    "type": "conditional",
    "codewords": [16, 8, 4, 2],
    "dimensions": [4, 4, 4, 4],
    "widths": [8, 8, 8],
    "encoder_blocks": 1,
    "head_blocks": 1,
    "decoder_blocks": 1,
    "decay": 0.9,
}
SMALL_CONDITIONAL_3 = SMALL_CONDITIONAL | {"codewords": [0, 64, 32, 8]}
SMALL_PROGRESSIVE = SMALL_CONDITIONAL | {"second_codewords": 16, "second_dimension": 2}
ENDED = {
    "step": 3,
    "images": 12,
    "seconds": 36.0,
    "curve": [],
    "history": [],
    "started": False,
    "computed_in": "float32",
}
"""What a checkpoint says of a run besides configuration and weights."""
SMALL_PAPER = {"type": "paper", "codewords": [16, 8, 4, 2], "width": 1 / 32}


def smooth_image(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coloured blobs uint8 [height, width, 3]."""
    small = random.integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="session")
def image_tar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tar file of twelve PNG images, 48 pixels high."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "images.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(12):
            buffer = io.BytesIO()
            Image.fromarray(smooth_image(random, 48, 64)).save(buffer, "PNG")
            member = tarfile.TarInfo(f"{number:02}.png")
            member.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(member, buffer)
    return path


def write_link(path: Path, payload_bits: int) -> Path:
    """A file as `record_link` writes it, but with independent errors."""
    random = np.random.default_rng(0)
    quality = random.uniform(0.3, 2.2, (40, 1))
    llrs = 2 * quality**2 + 2 * quality * random.normal(size=(40, payload_bits))
    steps = quantise(llrs, np.ones(llrs.shape, np.uint8))
    write_recording(Recording(steps, np.array(["awgn"] * 40), np.zeros(40), 0), path)
    return path


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recording of the link for crops of 32 pixels of a network of four scales."""
    return write_link(tmp_path_factory.mktemp("link") / "link.npz", 1252)


def write_small_bundle(folder: Path, settings: dict, record: dict | None) -> nn.Module:
    """A bundle in a folder; returns its network, untrained but with running statistics.

    settings: of the network; record: of the run that the graphs tell of.
    """
    torch.manual_seed(2)
    network = build_network(settings).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.uniform_(0.5, 2)
    round_weights(network)
    network.prepare_export()
    write_graphs(network, folder, record)
    (folder / "MODEL_CARD.md").touch()
    write_manifest(
        folder,
        name="small",
        version="1",
        training={},
        measured={},
        priors={
            scale: np.ones(space.codewords)
            for scale, space in zip(network.scales, network.spaces, strict=True)
        },
    )
    return network


@pytest.fixture
def configuration() -> dict:
    """Training of a few steps that goes through every phase."""
    return copy.deepcopy(
        {
            "name": "small",
            "network": SMALL_CONDITIONAL,
            "seed": 3,
            "crop": 32,
            "zoom": 1.4,
            "batch": 4,
            "steps": 8,
            "unquantised_steps": 2,
            "precision": "bfloat16",
            "loss": {"mae": 1.0, "mse": 10.0, "ssim": 0.1},
            "noise": {"from": 0.5, "images": 1},
            "commitment": 0.25,
            "quantiser_weight": 0.2,
            "average": 0.9,
            "optimiser": {
                "name": "muon",
                "learning_rate": 0.001,
                "betas": [0.9, 0.99],
                "warmup_steps": 2,
                "final_rate": 0.1,
                "clip": 1.0,
            },
        }
    )
