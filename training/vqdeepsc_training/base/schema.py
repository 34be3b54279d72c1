# SPDX-License-Identifier: GPL-3.0-or-later
"""Frozen dataclasses that are read from JSON and written as it, with one sentence for a mistake."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import ConfigurationError

KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    dict: "an object",
}
LARGEST = 10**12
"""Of any number: what is computed with a seed then still fits into 64 bits."""
T = TypeVar("T", bound="Table")


def entry(
    default: Any = dataclasses.MISSING,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
    multiple: int | None = None,
    key: str | None = None,
) -> Any:
    """A field of a table.

    low, high: smallest and largest value, of each number if it is a list; above: what it must be
    larger than; multiple: of what it must be a multiple; key: name in JSON, where Python
    cannot have it.
    """
    return dataclasses.field(
        default=default,
        metadata={"low": low, "high": high, "above": above, "multiple": multiple, "key": key},
    )


class Table:
    """Base of the frozen dataclasses; their fields are annotated with JSON's types, and tables.

    Raises ConfigurationError where a value lies out of the range of its `entry`.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_range(field, getattr(self, field.name), _key(field))

    @classmethod
    def read(cls: type[T], values: object, name: str = "") -> T:
        """The table of a JSON object; name: its own one within the file, for errors.

        Raises ConfigurationError for keys that are not known or missing, and for wrong values.
        """
        if not isinstance(values, Mapping):
            raise ConfigurationError(f"{name or 'the file'} holds no JSON object")
        prefix = f"{name}." if name else ""
        fields = {_key(field): field for field in dataclasses.fields(cls)}
        if unknown := [key for key in values if key not in fields]:
            raise ConfigurationError(
                f"{prefix}{unknown[0]} is not known; there are {', '.join(fields)}"
            )
        missing = [
            prefix + key
            for key, field in fields.items()
            if key not in values and field.default is field.default_factory is dataclasses.MISSING
        ]
        if missing:
            raise ConfigurationError(f"{', '.join(missing)} must be given")
        hints = get_type_hints(cls)
        given = {}
        for key, value in values.items():
            field = fields[key]
            given[field.name] = _value(hints[field.name], value, prefix + key)
            _check_range(field, given[field.name], prefix + key)
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """What `read` reads again: every value that is not None, in JSON's types."""
        return {
            _key(field): _plain(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if getattr(self, field.name) is not None
        }


def read_one_of(tables: Sequence[type[Table]], values: object, name: str) -> Any:
    """The table of a JSON object whose `type` is the default that one of `tables` has for it.

    Where they have none, it is the first that has all keys of the object.
    Raises ConfigurationError as `Table.read`, and for another type.
    """
    if not all(hasattr(table, "type") for table in tables):
        given = set(values) if isinstance(values, Mapping) else set()
        fitting = [one for one in tables if given <= set(map(_key, dataclasses.fields(one)))]
        return (fitting or tables)[0].read(values, name)
    by_type = {table.type: table for table in tables}
    kind = values.get("type") if isinstance(values, Mapping) else None
    if not isinstance(kind, str) or kind not in by_type:
        raise ConfigurationError(f"{name}.type is {kind!r}, but must be {' or '.join(by_type)}")
    return by_type[kind].read(values, name)


def _key(field: dataclasses.Field) -> str:
    return field.metadata.get("key") or field.name


def _plain(value: Any) -> Any:
    if isinstance(value, Table):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _value(hint: Any, value: Any, name: str) -> Any:
    """A value of JSON as the type of a field."""
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None and NoneType in options:
            return None
        others = [option for option in options if option is not NoneType]
        return read_one_of(others, value, name) if others[1:] else _value(others[0], value, name)
    if origin is Literal:
        if value not in options:
            names = " or ".join(map(str, options))
            raise ConfigurationError(f"{name} is {value!r}, but must be {names}")
        return value
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{name} is {value!r}, but must be {KINDS[dict]}")
        return {key: _value(options[1], one, f"{name}.{key}") for key, one in value.items()}
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigurationError(f"{name} is {value!r}, but must be a list")
        return tuple(_value(options[0], one, f"an entry of {name}") for one in value)
    if issubclass(hint, Table):
        return hint.read(value, name)
    if type(value) is int and abs(value) > LARGEST:
        raise ConfigurationError(f"{name} must lie between -{LARGEST:g} and {LARGEST:g}")
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise ConfigurationError(f"{name} is {value!r}, but must be {KINDS[hint]}")
    return value


def _check_range(field: dataclasses.Field, value: Any, name: str) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    for number in numbers:
        if not isinstance(number, int | float) or isinstance(number, bool) or not field.metadata:
            continue
        low, high, above = (field.metadata[key] for key in ("low", "high", "above"))
        if not (abs(number) <= LARGEST and low <= number <= high and number > above):
            bounds = [f"at least {low:g}"] * math.isfinite(low)
            bounds += [f"above {above:g}"] * math.isfinite(above)
            bounds += [f"at most {min(high, LARGEST):g}"]
            raise ConfigurationError(f"{name} is {number!r}, but must be {' and '.join(bounds)}")
        multiple = field.metadata["multiple"]
        if multiple is not None and number % multiple:
            raise ConfigurationError(f"{name} is {number!r}, but must be a multiple of {multiple}")
