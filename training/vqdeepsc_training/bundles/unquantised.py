# SPDX-License-Identifier: GPL-3.0-or-later
"""A network without quantisation as one graph: the paper's upper bound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from vqdeepsc.codec.inference import open_network

from ..base.errors import ExportError
from ..base.files import whole_path
from ..networks.rounding import round_weights
from ..trainer.checkpoint import averaged_network, read_checkpoint, run_record
from ..trainer.configuration import Configuration
from .graphs import CHECK_SIZES, IMAGE_TOLERANCE, write_graph


class UnquantisedGraph(nn.Module):
    """image -> image_out, the features sent as they are."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image, quantised=False)[0]


def export_unquantised(checkpoint: Path, output: Path) -> None:
    """Write the graph of a checkpoint's network, if it does what the network does.

    The record of the run goes into the file's metadata, as `training`.
    Raises DataError or ExportError, also for a network that was trained with quantisation."""
    state = read_checkpoint(checkpoint)
    if Configuration.read(state["configuration"]).quantised:
        raise ExportError(f"{checkpoint} was trained with quantisation.")
    network = averaged_network(state)
    network.prepare_export()
    round_weights(network)
    graph = UnquantisedGraph(network).eval()
    free = {0: "images", 2: "height", 3: "width"}
    record = run_record(state, sum(p.numel() for p in network.parameters()))
    with whole_path(output) as unfinished:
        write_graph(
            graph,
            (torch.rand(2, 3, 32, 48),),
            unfinished,
            input_names=["image"],
            output_names=["image_out"],
            dynamic_axes={"image": free, "image_out": free},
        )
        model = onnx.load(unfinished)
        onnx.helper.set_model_props(model, {"training": json.dumps(record.to_json())})
        onnx.save(model, unfinished)
        check_graph(graph, unfinished.read_bytes(), output)


def check_graph(graph: UnquantisedGraph, content: bytes, path: Path) -> None:
    """Raise ExportError if the ONNX graph for `path` does not do what PyTorch does."""
    session = open_network(content)
    for count, height, width in CHECK_SIZES[:3]:
        image = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            expected = graph(image).numpy()
        found = session.run(None, {"image": image.numpy()})[0]
        error = float(np.abs(found - expected).max())
        if error > IMAGE_TOLERANCE:
            raise ExportError(f"{path} differs from PyTorch by {error:.2g}.")
