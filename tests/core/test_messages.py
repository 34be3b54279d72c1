# SPDX-License-Identifier: GPL-3.0-or-later
"""What reaches terminals, logs and other programs."""

import json
import os
import sys

import pytest
from vqdeepsc.messages import complain, printable, say, to_json

NAMES = {
    "plain ä 猫.png": "plain ä 猫.png",
    "\x1b[31mred\x07": "\\x1b[31mred\\x07",
    "two\nlines\r\t": "two\\nlines\\r\\t",
    "\x9bC1 \x7f": "\\x9bC1 \\x7f",
    "left\u202eright\u2028": "left\\u202eright\\u2028",
    os.fsdecode(b"latin \xe4.png"): "latin \\xe4.png",
    "half \ud83d": "half \\ud83d",
    "\U000e0001": "\\U000e0001",
}


@pytest.mark.parametrize(("name", "shown"), NAMES.items())
def test_names_become_one_line_that_a_terminal_may_see(name, shown):
    assert printable(name) == shown
    assert printable(shown) == shown
    assert shown.isprintable() and shown.encode()


@pytest.mark.parametrize("name", NAMES)
def test_json_is_strict_and_shows_nothing_to_a_terminal(name):
    text = to_json({"name": name, name: [name, (name,)]})
    assert text.isprintable()
    assert "\n" in to_json([name], indent=2)

    def refuse(constant):
        raise AssertionError(constant)

    read = json.loads(text.encode(), parse_constant=refuse)
    # the name itself wherever it is text
    expected = name if name.encode(errors="replace").decode() == name else printable(name)
    assert read == {"name": expected, expected: [expected, [expected]]}


def test_json_has_no_nan():
    values = {"a": float("nan"), "b": [float("inf"), (1, -float("inf"))], "c": {"d": 2.5}}
    assert to_json(values) == '{"a": null, "b": [null, [1, null]], "c": {"d": 2.5}}'


def test_sentences(capsys, monkeypatch):
    say("a\x1b")
    complain("b\nc")
    assert capsys.readouterr() == ("a\\x1b\n", "vqdeepsc: b\\nc\n")
    monkeypatch.setattr(sys, "stderr", None)
    complain("there is no terminal")
    assert capsys.readouterr().out == ""
