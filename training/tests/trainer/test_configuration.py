# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations: what exists can be read, and reading and writing fit together."""

import json
from pathlib import Path

import pytest

from vqdeepsc_training.base.errors import ConfigurationError
from vqdeepsc_training.base.repository import ROOT
from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.networks.settings import ConditionalSettings, PaperSettings
from vqdeepsc_training.objectives.losses import LossWeights
from vqdeepsc_training.trainer.checkpoint import averaged_network, read_checkpoint
from vqdeepsc_training.trainer.configuration import Configuration, Noise, read_configuration

CONFIGS = sorted((ROOT / "training" / "configs").glob("*.json"))
RECORDS = sorted((ROOT / "training" / "results").rglob("*.json"))
MODELS = sorted(path.parent for path in (ROOT / "models").glob("*/manifest.json"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configurations_keep_what_they_say(path):
    configuration = read_configuration(path)
    written = configuration.to_json()
    assert Configuration.read(json.loads(json.dumps(written))) == configuration
    for key, value in json.loads(path.read_text()).items():
        if isinstance(value, dict):
            assert written[key].items() >= value.items() or key == "adversarial"
        else:
            assert written[key] == value


def configurations_of(record):
    """Configurations that a record, or a manifest's `training`, has."""
    tuning = record.get("decoder_tuning", {})
    return [one["configuration"] for one in (record, tuning) if "configuration" in one]


def test_records_and_manifests_can_be_read():
    found = []
    for path in RECORDS:
        found += configurations_of(json.loads(path.read_text()))
    for path in MODELS:
        found += configurations_of(json.loads((path / "manifest.json").read_text())["training"])
    assert len(found) > 40
    for values in found:
        Configuration.read(values)


@pytest.mark.parametrize("bundle", MODELS, ids=lambda path: path.name)
def test_shipped_bundles_give_their_networks(bundle):
    checkpoint = read_checkpoint(bundle)
    configuration = Configuration.read(checkpoint["configuration"])
    network = averaged_network(checkpoint)
    sent = [space.codewords for space in network.spaces]
    # the paper's network has no second stage
    second = getattr(configuration.network, "second_codewords", 0)
    chosen = (second, *configuration.network.codewords)
    assert sent == [codewords for codewords in chosen if codewords]


def test_defaults_have_one_place():
    """A network of no arguments is the one of the dataclass's defaults."""
    for settings in (ConditionalSettings(widths=(8, 8, 8)), PaperSettings(width=1 / 32)):
        network = build_network(settings.to_json())
        assert [space.codewords for space in network.spaces] == [16, 8, 4, 2]


def test_values_are_checked_where_they_are_made():
    with pytest.raises(ConfigurationError, match=r"from is 1\.5, but must be at least 0"):
        Noise(1.5, 2)
    with pytest.raises(ConfigurationError, match=r"mae is -1\.0"):
        LossWeights(mae=-1.0)
    with pytest.raises(AttributeError):
        LossWeights(mae=1.0).mae = 2.0


def test_a_configuration_that_does_not_exist_is_said():
    with pytest.raises(ConfigurationError, match=r"none\.json does not exist\.$"):
        read_configuration(Path("none.json"))


def test_a_configuration_of_any_depth_is_said(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ConfigurationError, match=r"deep\.json is no configuration"):
        read_configuration(path)
