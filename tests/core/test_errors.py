# SPDX-License-Identifier: GPL-3.0-or-later
"""One base for all errors that a user can mend."""

import ast
import importlib
from pathlib import Path

import pytest
import vqdeepsc
from vqdeepsc import ChannelModel, Error, ParameterError, Scheme, Simulation
from vqdeepsc.errors import refused_parameters
from vqdeepsc.link import Link
from vqdeepsc.simulation import System

ROOT = Path(__file__).resolve().parents[2] / "python"


def plan(**changes):
    values = {"images": ["a"], "models": ["b"], "channels": [ChannelModel("awgn")], "snr_db": [1.0]}
    return Simulation(**values | changes)


def declared():
    """(module, name) of each class whose name ends as that of an error."""
    for folder, package in ((ROOT / "core" / "vqdeepsc", "vqdeepsc"), (ROOT / "vqdeepsc", "")):
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                    yield ".".join([package or "gnuradio.vqdeepsc", *parts]), node.name


@pytest.mark.parametrize("module, name", list(declared()))
def test_every_error_derives_from_the_one(module, name):
    assert issubclass(getattr(importlib.import_module(module), name), Error)
    assert vqdeepsc.Error is Error and issubclass(Error, ValueError)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ChannelModel.parse("rayleigh:2"),
        lambda: Scheme.parse("32qam"),
        lambda: Link(100, demapper="best"),
        lambda: Link(20, scheme=Scheme("qpsk", symbols=9)),
        lambda: Link(100, iterations=0),
        lambda: ChannelModel("fog"),
        lambda: ChannelModel("rician", -1.0),
        lambda: ChannelModel("rician", 1.2345678),
        lambda: ChannelModel("awgn", block_length=0),
        lambda: Scheme("8psk"),
        lambda: Scheme(symbols=-1),
        lambda: Scheme(protection=(0.5,)),
        lambda: System("model", decision="maybe"),
        lambda: plan(snr_db=[101.0]),
        lambda: plan(snr_db=[1.0, 1.0]),
        lambda: plan(snr_db=[float("nan")]),
        lambda: plan(models="vqdeepsc-4s"),
        lambda: plan(models=["a", "a"]),
        lambda: plan(baselines=["gif"]),
        lambda: plan(decisions=["maybe"]),
        lambda: plan(schemes=[Scheme(), Scheme()]),
        lambda: plan(seed=-1),
        lambda: plan(limit=-1),
    ],
)
def test_wrong_parameters(make):
    with pytest.raises(ParameterError):
        make()


def test_a_bug_inside_is_not_taken_for_a_parameter():
    with pytest.raises(TypeError), refused_parameters():
        raise TypeError
