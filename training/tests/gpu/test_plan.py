# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan that is shipped can be trained, and mistakes get one sentence."""

import json

import pytest

from vqdeepsc_training.base.errors import ConfigurationError
from vqdeepsc_training.base.repository import ROOT
from vqdeepsc_training.gpu.plan import merged, plan_of, read_plan
from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.tools.gpu import PLAN

CONFIGS = ROOT / "training" / "configs"


def test_shipped_plan_goes_from_todays_width_to_the_papers():
    plan = read_plan(PLAN, CONFIGS)
    names = [[one.run for one in plan.schedule(60 * minutes).runs] for minutes in (10, 25, 100)]
    assert names[0] == ["vqdeepsc-4s", "vqdeepsc-3s"]
    assert names[1][:2] == names[2][:2] == names[0]
    assert "wide-4s" in names[1]
    assert [name for name in names[2] if name.startswith("paper")]
    assert plan.schedule(30) == plan.schedules[0]
    assert plan.schedule(10**5) == plan.schedules[-1]
    for run in plan.runs.values():
        assert run.configuration.name == run.name.replace("-", "_")
        assert run.weights is None or (ROOT / "models" / run.weights).is_dir()
        # Epochs and steps would end a run before its time is over.
        assert run.configuration.epochs is None
        assert run.configuration.optimiser.schedule == "cosine"
    widths = [plan.runs[name].configuration.network.widths for name in ("vqdeepsc-4s", "wide-4s")]
    assert widths[0] < widths[1]
    again = plan_of(json.loads(json.dumps(plan.to_json())))
    assert again.runs == plan.runs | {
        name: run for name, run in again.runs.items() if run.configuration.steps is not None
    }
    assert again.schedules == plan.schedules


def test_networks_of_the_plan_can_be_built():
    for run in read_plan(PLAN, CONFIGS).runs.values():
        if run.configuration.network.type == "conditional":
            assert sum(p.numel() for p in build_network(run.configuration.network).parameters())


def test_changes_reach_into_tables_and_null_removes():
    values = {"network": {"width": 1.0, "type": "paper"}, "epochs": 200, "seed": 1}
    changed = merged(values, {"network": {"width": 0.5}, "epochs": None, "zoom": 2.0})
    assert changed == {"network": {"width": 0.5, "type": "paper"}, "seed": 1, "zoom": 2.0}
    assert values["epochs"] == 200


RUN = {"name": "small", "configuration": "demo"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([], "cannot be used"),
        ({"runs": [RUN]}, "'schedules' is missing"),
        ({"runs": [RUN], "schedules": []}, "no schedule"),
        ({"runs": [RUN], "schedules": [{"minutes": 1, "runs": []}]}, "no runs"),
        (
            {"runs": [RUN], "schedules": [{"minutes": 1, "runs": [{"run": "x", "share": 1}]}]},
            "no run x; there are small",
        ),
        (
            {"runs": [RUN], "schedules": [{"minutes": 1, "runs": [{"run": "small", "share": 0}]}]},
            "share",
        ),
        ({"runs": [RUN | {"configuration": "none"}], "schedules": []}, "none.json"),
        ({"runs": [RUN | {"changes": {"crop": 17}}], "schedules": []}, "multiple of 16"),
    ],
)
def test_mistakes_get_one_sentence(values, sentence):
    with pytest.raises(ConfigurationError, match=sentence) as error:
        plan_of(values, CONFIGS)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_plan(tmp_path):
    for path in (tmp_path / "none.json", tmp_path / "text.json"):
        with pytest.raises(ConfigurationError, match="is no plan"):
            read_plan(path, CONFIGS)
        (tmp_path / "text.json").write_text("not JSON")
