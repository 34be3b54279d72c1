# SPDX-License-Identifier: GPL-3.0-or-later
"""The upper bound as one graph."""

import numpy as np
import onnxruntime
import torch
from conftest import SMALL_PAPER

from vqdeepsc_training.checkpoint import write_checkpoint
from vqdeepsc_training.export_unquantised import main
from vqdeepsc_training.networks import build_network


def test_the_graph_is_the_network_without_quantisation(tmp_path, capsys):
    torch.manual_seed(2)
    network = build_network(SMALL_PAPER).eval()
    state = {"configuration": {"network": SMALL_PAPER, "quantised": False},
             "average": network.state_dict()}
    checkpoint, output = tmp_path / "checkpoint.pt", tmp_path / "bound.onnx"
    write_checkpoint(state, checkpoint)
    arguments = ["--checkpoint", str(checkpoint), "--output", str(output)]
    assert main(arguments) == 0
    session = onnxruntime.InferenceSession(output)
    assert [node.name for node in session.get_inputs()] == ["image"]
    assert [node.name for node in session.get_outputs()] == ["image_out"]
    image = torch.rand(1, 3, 48, 80)
    with torch.no_grad():
        expected = network(image, quantised=False)[0].numpy()
    found = session.run(None, {"image": image.numpy()})[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)

    state["configuration"] = {"network": SMALL_PAPER}
    write_checkpoint(state, checkpoint)
    assert main(arguments) == 2
    assert "trained with quantisation" in capsys.readouterr().err
    assert main(["--checkpoint", str(tmp_path / "none"), "--output", str(output)]) == 2
