# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network without quantisation says of its training."""

import json
from pathlib import Path

import pytest
from tiny_bundle import make_upper_bound
from vqdeepsc import Error
from vqdeepsc.simulation.upper_bound import UpperBound, UpperBoundTraining

SHIPPED = sorted((Path(__file__).parents[3] / "training" / "results").glob("*-unquantised.onnx"))


def test_the_record_of_the_training_is_read(tmp_path):
    history = [{"run": "first"}, {"until_step": 3, "configuration": {}}, {"run": "second"}]
    record = {"images": 24, "hours": 0.5, "history": history, "steps": 3}
    bound = UpperBound(make_upper_bound(tmp_path / "bound.onnx", training=record))
    assert bound.training == UpperBoundTraining(images=24, hours=0.5, begun_at="second")
    assert UpperBoundTraining.parse(json.dumps(record | {"history": []})).begun_at == ""
    assert UpperBound(make_upper_bound(tmp_path / "bound.onnx")).training is None


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_networks_say_how_they_were_trained(path):
    training = UpperBound(path).training
    assert training is not None and training.images > 1000
    name = path.stem.removesuffix("-unquantised").replace("-", "_")
    model = json.loads(path.with_name(f"{name}.json").read_text())
    assert training.begun_at == model["configuration"]["name"]


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ({"images": 24, "hours": 0.5}, "without images, hours or history"),
        ({"images": 24, "hours": "long", "history": []}, "without images, hours or history"),
        ({"images": 24, "hours": 0.5, "history": [3]}, "without images, hours or history"),
        ({"images": -1, "hours": 0.5, "history": []}, "impossible numbers"),
        (["images"], "without images, hours or history"),
    ],
)
def test_a_record_that_cannot_be_used_is_refused(tmp_path, record, what):
    path = make_upper_bound(tmp_path / "bound.onnx", training=record)
    with pytest.raises(Error, match=what) as caught:
        UpperBound(path)
    assert str(caught.value).startswith(f"{path} has a record of training ")
