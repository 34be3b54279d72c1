# SPDX-License-Identifier: GPL-3.0-or-later
"""The upper bound: training begun at a quantised network, and the result as one graph."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import SMALL_CONDITIONAL, SMALL_CONDITIONAL_3, SMALL_PAPER, tool

from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.trainer.checkpoint import averaged_network, read_checkpoint, write_checkpoint

main = tool("export-unquantised")
train = tool("train")

UNQUANTISED = Path(__file__).parents[2] / "configs" / "unquantised.json"


def written(settings: dict, folder: Path) -> Path:
    """Checkpoint of a network that has not learnt anything."""
    torch.manual_seed(2)
    configuration = json.loads(UNQUANTISED.read_text()) | {"network": settings}
    state = {
        "configuration": configuration,
        "average": build_network(settings).state_dict(),
        "step": 7,
        "images": 28,
        "seconds": 36.0,
        "curve": [],
    }
    write_checkpoint(state, folder / "checkpoint.pt")
    return folder / "checkpoint.pt"


@pytest.mark.parametrize("settings", [SMALL_PAPER, SMALL_CONDITIONAL, SMALL_CONDITIONAL_3])
def test_the_graph_is_the_network_without_quantisation(tmp_path, settings):
    checkpoint, output = written(settings, tmp_path), tmp_path / "bound.onnx"
    assert main(["--checkpoint", str(checkpoint), "--output", str(output)]) == 0
    session = onnxruntime.InferenceSession(output)
    assert [node.name for node in session.get_inputs()] == ["image"]
    assert [node.name for node in session.get_outputs()] == ["image_out"]
    image = torch.rand(1, 3, 48, 80)
    network = averaged_network(read_checkpoint(checkpoint))
    expected = network(image, quantised=False)[0].numpy()
    found = session.run(None, {"image": image.numpy()})[0]
    np.testing.assert_allclose(found, expected, atol=3e-3)
    assert np.abs(network(image)[0].numpy() - found).max() > 0.01
    (entry,) = onnx.load(output).metadata_props
    record = json.loads(entry.value)
    assert entry.key == "training"
    assert (record["steps"], record["images"], record["hours"]) == (7, 28, 0.01)


def test_a_run_without_quantisation_begins_at_a_quantised_network(
    tmp_path, image_tar, configuration, capsys
):
    configuration |= {"steps": 3, "noise": None}
    bound = json.loads(UNQUANTISED.read_text()) | {"crop": 32, "batch": 4, "steps": 2}
    shared = ["--data", str(image_tar), "--cache", str(tmp_path / "cache"), "--threads", "1"]
    for settings in (configuration, bound):
        config = tmp_path / f"{settings['name']}.json"
        config.write_text(json.dumps(settings))
        arguments = ["--config", str(config), "--folder", str(tmp_path / settings["name"]), *shared]
        if settings is bound:
            assert train(arguments) == 2
            assert "so --weights is needed" in capsys.readouterr().err
            arguments += ["--weights", str(tmp_path / "small" / "checkpoint.pt")]
        assert train(arguments) == 0
    first, checkpoint = (tmp_path / name / "checkpoint.pt" for name in ("small", "unquantised"))
    state = read_checkpoint(checkpoint)
    assert state["configuration"]["network"].items() >= configuration["network"].items()
    (entry,) = state["history"]
    assert (entry["run"], entry["fresh"]) == ("small", [])
    assert not torch.equal(
        state["network"]["stem.weight"], read_checkpoint(first)["average"]["stem.weight"]
    )
    output = tmp_path / "bound.onnx"
    assert main(["--checkpoint", str(checkpoint), "--output", str(output)]) == 0
    capsys.readouterr()
    assert main(["--checkpoint", str(first), "--output", str(output)]) == 2
    assert "trained with quantisation" in capsys.readouterr().err
    assert main(["--checkpoint", str(tmp_path / "none"), "--output", str(output)]) == 2
