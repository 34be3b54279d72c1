# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's page of the C++ interface, from the comments of the headers that are installed."""

import re
import textwrap
from pathlib import Path

_COMMENT = r"/\*!(?P<{0}>(?:(?!\*/).)*)\*/\s*"
_TYPE = re.compile(
    _COMMENT.format("text")
    + r"(?:class VQDEEPSC_API|struct) (?P<name>\w+)[^{;]*\{\n(?P<body>.*?)^\};",
    re.DOTALL | re.MULTILINE,
)
_MEMBER = re.compile(
    rf"(?:{_COMMENT.format('long')}|(?P<short>(?:[ ]*//! [^\n]*\n)+))?"
    r"(?P<declaration>^[ ]+(?:[^;{}/\"]|\{\}|\"[^\"]*\")+;)",
    re.DOTALL | re.MULTILINE,
)
_MARKS = re.compile(r"^[ ]*(?:\*|//!)[ ]?", re.MULTILINE)


def cpp_page(headers: list[Path]) -> str:
    """Markdown with a section for each type that has a comment, in the order of the headers."""
    lines = [
        "# C++",
        "",
        "The classes of `gnuradio-vqdeepsc`, from the comments of their headers. "
        "`tests/packaging/` is a project that finds the module by CMake and by pkg-config.",
        "",
    ]
    for header in headers:
        for found in _TYPE.finditer(header.read_text(encoding="utf-8")):
            lines += [
                f"## {found['name']}",
                "",
                f"`#include <gnuradio/vqdeepsc/{header.name}>`",
                "",
            ]
            lines += _described(found["text"]) + _members(found["body"])
    return "\n".join(lines)


def _members(body: str) -> list[str]:
    lines: list[str] = []
    for found in _MEMBER.finditer(re.sub(r"^(public|protected):\n", "", body, flags=re.M)):
        declaration = textwrap.dedent(found["declaration"]).strip("\n")
        if declaration.startswith("using "):
            continue
        described = _described(found["long"] or found["short"] or "")
        if not described and lines and lines[-2] == "```":
            lines[-2:] = [declaration, "```", ""]
        else:
            lines += ["```cpp", declaration, "```", "", *described]
    return lines


def _described(comment: str) -> list[str]:
    """Lines of Markdown: paragraphs, then a list of the parameters."""
    text = _MARKS.sub("", comment).strip()
    text, *parameters = re.split(r"^\\param ", text, flags=re.MULTILINE)
    text = re.sub(r"\\brief |^\\ingroup .*$", "", text, flags=re.MULTILINE).strip()
    lines = [text, ""] if text else []
    for parameter in parameters:
        name, _, meaning = " ".join(parameter.split()).partition(" ")
        lines.append(f"- `{name}`: {meaning}")
    return [*lines, ""] if parameters else lines
