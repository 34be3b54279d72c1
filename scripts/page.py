# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of docs/ and README.md from the templates in templates/, which hold every sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters["thousands"] = "{:,}".format


def render(template: str, **facts: Any) -> str:
    """The text of a template, with one empty line at most between two others.

    Raises jinja2.TemplateError, for a fact that the template asks for and is not given too."""
    text = ENVIRONMENT.get_template(template).render(facts)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def join_names(names: list[str]) -> str:
    """Names with commas, the last one after "and"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
