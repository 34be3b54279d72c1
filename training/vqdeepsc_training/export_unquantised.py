# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a network without quantisation as one graph: the paper's upper bound.

python -m vqdeepsc_training.export_unquantised --checkpoint FILE --output FILE.onnx
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from vqdeepsc.codec.inference import open_network

from .checkpoint import averaged_network, read_checkpoint, run_record
from .data import DataError
from .export import AS_IT_IS, CHECK_SIZES, PICTURE_TOLERANCE, ExportError
from .weights import pack_weights, round_weights


class UnquantisedGraph(nn.Module):
    """image -> image_out, the features sent as they are."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image, quantised=False)[0]


def export_unquantised(checkpoint: Path, output: Path) -> None:
    """Writes and checks the graph.

    The record of the run goes into the file's metadata, as `training`.
    Raises DataError or ExportError, also for a network that was trained with quantisation."""
    state = read_checkpoint(checkpoint)
    if state["configuration"].get("quantised", True):
        raise ExportError(f"{checkpoint} was trained with quantisation.")
    network = averaged_network(state)
    network.prepare_export()
    round_weights(network)
    graph = UnquantisedGraph(network).eval()
    free = {0: "pictures", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph, (torch.rand(2, 3, 32, 48),), output, **AS_IT_IS,
            input_names=["image"], output_names=["image_out"],
            dynamic_axes={"image": free, "image_out": free},
        )
    pack_weights(output)
    model = onnx.load(output)
    record = run_record(state, sum(p.numel() for p in network.parameters()))
    onnx.helper.set_model_props(model, {"training": json.dumps(record)})
    onnx.save(model, output)
    session = open_network(Path(output).read_bytes())
    for count, height, width in CHECK_SIZES[:3]:
        image = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            expected = graph(image).numpy()
        found = session.run(None, {"image": image.numpy()})[0]
        error = float(np.abs(found - expected).max())
        if error > PICTURE_TOLERANCE:
            raise ExportError(f"{output} differs from PyTorch by {error:.2g}.")


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.export_unquantised",
        description="Write a network without quantisation, for `vqdeepsc simulate --upper-bound`.",
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="checkpoint of a run")
    parser.add_argument("--output", type=Path, required=True,
                        help="file to write (.onnx); its name is the system's in results.csv")
    args = parser.parse_args(argv)
    try:
        export_unquantised(args.checkpoint, args.output)
    except (DataError, ExportError, ValueError, OSError) as error:
        print(f"export_unquantised: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
