# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of JSON: tables by name, defaults, and one sentence for a mistake."""

from dataclasses import dataclass, field

import pytest

from vqdeepsc_training.base.errors import ConfigurationError
from vqdeepsc_training.base.schema import Table


@dataclass(frozen=True)
class Inner(Table):
    value: float
    note: str | None = None


@dataclass(frozen=True)
class Outer(Table):
    tables: dict[str, dict[str, Inner]]
    lists: dict[str, tuple[int, ...]] = field(default_factory=dict)


def test_tables_by_name_are_read_and_written():
    values = {"tables": {"a": {"b": {"value": 1.5}}}, "lists": {"c": [1, 2]}}
    table = Outer.read(values)
    assert table == Outer({"a": {"b": Inner(1.5)}}, {"c": (1, 2)})
    assert table.to_json() == values
    assert Outer.read({"tables": {}}).lists == {}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "tables must be given"),
        ({"tables": []}, "tables is \\[\\], but must be an object"),
        ({"tables": {"a": {"b": {"value": "x"}}}}, "tables.a.b.value is 'x'"),
        ({"tables": {"a": {"b": {"valeu": 1}}}}, "tables.a.b.valeu is not known"),
        ({"tables": {}, "lists": {"c": [0.5]}}, "lists.c is 0.5, but must be a whole number"),
    ],
)
def test_mistakes_name_the_entry(values, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        Outer.read(values)
