# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and model cards from the templates in templates/, which hold every sentence."""

from __future__ import annotations

import json
import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

ENVIRONMENT = Environment(
    loader=PackageLoader("vqdeepsc_training.reports"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters["thousands"] = "{:,}".format
ENVIRONMENT.filters["percent"] = "{:.0%}".format
ENVIRONMENT.filters["json"] = json.dumps


def render(template: str, **facts: Any) -> str:
    """The text of a template, with one empty line at most between two others.

    Raises jinja2.TemplateError, for a fact that the template asks for and is not given too.
    """
    text = ENVIRONMENT.get_template(template).render(facts)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
