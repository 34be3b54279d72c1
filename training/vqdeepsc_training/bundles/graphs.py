# SPDX-License-Identifier: GPL-3.0-or-later
"""The ONNX graphs of a network, and their check against PyTorch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from vqdeepsc.codec.inference import open_network

from ..base.errors import ExportError
from ..base.files import whole_file, whole_path
from ..networks.weights import DECODER, ENCODER, pack_weights

AS_IT_IS = {
    "opset_version": 17,
    "dynamo": False,
    "do_constant_folding": False,
    "training": torch.onnx.TrainingMode.PRESERVE,
}
"""Options of an export that keeps every weight of a network and its name."""
INDEX_TOLERANCE = 1e-3
CODEWORD_TOLERANCE = 1e-3  # Euclidean distance, of codewords whose features are about 0.1 to 1
IMAGE_TOLERANCE = 1e-3
CHECK_SIZES = ((1, 128, 128), (3, 128, 128), (1, 208, 144), (1, 768, 1024))


class EncoderGraph(nn.Module):
    """image -> indices of every scale that is sent, fine to coarse."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network.encode(image).indices)


class DecoderGraph(nn.Module):
    """Codewords of every scale that is sent, fine to coarse -> image."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *codewords: Tensor) -> Tensor:
        return self.network.decode(*codewords)


def write_graphs(network: nn.Module, folder: Path, record: dict | None = None) -> None:
    """encoder.onnx, decoder.onnx and codebooks.npz of a network; record: of its run."""
    scales = network.scales
    image = torch.rand(2, 3, 32, 48)
    with torch.no_grad():
        codewords = network.encode(image).codewords
    free = {0: "images", 2: "height", 3: "width"}
    write_graph(
        EncoderGraph(network),
        (image,),
        folder / ENCODER,
        record,
        input_names=["image"],
        output_names=[f"s{scale}" for scale in scales],
        dynamic_axes={"image": free}
        | {
            f"s{scale}": {0: "images", 1: f"height_{scale}", 2: f"width_{scale}"}
            for scale in scales
        },
    )
    write_graph(
        DecoderGraph(network),
        tuple(codewords),
        folder / DECODER,
        input_names=[f"q{scale}" for scale in scales],
        output_names=["image"],
        dynamic_axes={"image": free}
        | {
            f"q{scale}": {0: "images", 2: f"height_{scale}", 3: f"width_{scale}"}
            for scale in scales
        },
    )
    with whole_file(folder / "codebooks.npz") as file:
        np.savez(
            file,
            **{
                f"e{scale}": space.embedding.numpy().astype(np.float32)
                for scale, space in zip(scales, network.spaces, strict=True)
            },
        )


def write_graph(
    graph: nn.Module,
    inputs: tuple[Tensor, ...],
    path: Path,
    record: dict | None = None,
    **options: Any,
) -> None:
    """One graph with packed weights, as torch.onnx.export writes it with these options."""
    with whole_path(path) as unfinished:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(graph.eval(), inputs, unfinished, **AS_IT_IS, **options)
        pack_weights(unfinished, record)


def check_graphs(network: nn.Module, folder: Path, sizes: tuple = CHECK_SIZES) -> dict[str, float]:
    """Hold the graphs in a folder against the network on random smooth images.

    Returns the largest share of unequal indices of a scale, and the largest difference of an image.
    Indices whose codewords lie within CODEWORD_TOLERANCE of each other count as equal: rounding
    decides between such codewords, and the decoder cannot tell them apart.
    Raises ExportError if they are above INDEX_TOLERANCE and IMAGE_TOLERANCE.
    """
    encoder, decoder = (open_network((folder / name).read_bytes()) for name in (ENCODER, DECODER))
    generator = torch.Generator().manual_seed(0)
    unequal, difference = 0.0, 0.0
    for batch, height, width in sizes:
        small = torch.rand(batch, 3, height // 8, width // 8, generator=generator)
        image = nn.functional.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)
        with torch.no_grad():
            encoded = network.encode(image)
            expected_image = network.decode(*encoded.codewords)
        found = encoder.run(None, {"image": image.numpy()})
        for indices, expected, space in zip(found, encoded.indices, network.spaces, strict=True):
            if indices.shape != tuple(expected.shape):
                raise ExportError(
                    f"The encoder gives indices {list(indices.shape)} for images of "
                    f"{width}x{height}, not {list(expected.shape)}."
                )
            apart = space.look_up(torch.from_numpy(indices)) - space.look_up(expected)
            others = apart.norm(dim=1) > CODEWORD_TOLERANCE
            unequal = max(unequal, float(others.float().mean()))
        names = [node.name for node in decoder.get_inputs()]
        feeds = {name: q.numpy() for name, q in zip(names, encoded.codewords, strict=True)}
        (decoded,) = decoder.run(None, feeds)
        difference = max(difference, float(np.abs(decoded - expected_image.numpy()).max()))
    if unequal > INDEX_TOLERANCE:
        raise ExportError(f"{unequal:.2%} of the exported encoder's indices differ from PyTorch.")
    if difference > IMAGE_TOLERANCE:
        raise ExportError(f"The exported decoder's images differ from PyTorch by {difference:g}.")
    return {"unequal_indices": unequal, "image_difference": difference}
