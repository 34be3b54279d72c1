# SPDX-License-Identifier: GPL-3.0-or-later
"""Each command of training that the documents show is one that vqdeepsc-train takes."""

import re
import sys
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path

import pytest

from vqdeepsc_training.command import SUBCOMMANDS, build_parser
from vqdeepsc_training.tools import gpu

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "support"))
from documented import PAGES, ROOT, in_blocks, in_sentences

COMMANDS = {
    str(one): one
    for page in PAGES
    if page.name != "CHANGELOG.md"
    for one in (*in_blocks(page), *in_sentences(page))
    if one.words[0] == "vqdeepsc_training" and one.words[1] != "COMMAND"
}


def option_names(parser: ArgumentParser) -> set[str]:
    """Of a parser and of the parsers of its subcommands."""
    names = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action.choices, dict):
            names |= {name for child in action.choices.values() for name in option_names(child)}
    return names


def test_the_documents_show_commands() -> None:
    assert len(COMMANDS) > 15
    assert sum(one.whole for one in COMMANDS.values()) >= 9


@pytest.mark.parametrize("name", [name for name, one in COMMANDS.items() if one.whole])
def test_a_whole_command_is_parsed(name: str) -> None:
    one = COMMANDS[name]
    assert build_parser().parse_args(one.words[1:]).name == one.words[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command_are_its_own(name: str) -> None:
    words = COMMANDS[name].words
    assert words[1] in SUBCOMMANDS
    parser = ArgumentParser()
    module = words[1].replace("-", "_")
    import_module(f"vqdeepsc_training.tools.{module}").add_arguments(parser)
    shown = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert shown <= option_names(parser)


def test_the_configurations_are_there() -> None:
    text = (ROOT / "training" / "README.md").read_text()
    found = set(re.findall(r"--config ([\w./]+)", text))
    assert found and all((ROOT / "training" / name).is_file() for name in found)


def test_the_program_of_a_pack_takes_its_command() -> None:
    """It calls `gpu run`."""
    (one,) = (c for c in in_blocks(ROOT / "training/README.md") if c.words[0] == "gpu-pack/run.py")
    parser = ArgumentParser()
    gpu.add_arguments(parser)
    assert {word for word in one.words if word.startswith("--")} <= option_names(parser)
