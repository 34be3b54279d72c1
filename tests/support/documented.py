# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that the documents show, in blocks of shell lines and within sentences."""

import re
import shlex
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), ROOT / "training/README.md")
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(
    r"(sudo |\w+=\S+ |\S*python3? (-m )?)*"
    r"((\S*/)?vqdeepsc [a-z-]|make [a-z]|vqdeepsc_training |(bench|scripts)/\S*\w( |$))"
)
_BEFORE = re.compile(r"sudo|\w+=.*|(\S*/)?python3?|-m")
_BETWEEN = re.compile(r"[|&;()]+")


@dataclass(frozen=True)
class Command:
    """words: from the program's name on, as the shell gives them to it; whole: can be run as it is
    shown, with no part left out and with a value for every name."""

    page: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def in_blocks(page: Path) -> list[Command]:
    """The commands of a page's blocks of shell lines, in their order."""
    blocks = (text for kind, text in FENCE.findall(page.read_text("utf-8")) if kind == "sh")
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [command for line in lines for command in _commands(page, line, whole=True)]


def in_sentences(page: Path) -> list[Command]:
    """The commands that sentences and tables show, of which some are only named."""
    spans = _SPAN.findall(FENCE.sub("", page.read_text("utf-8")))
    shown = [span for span in spans if _COMMAND.match(span)]
    return [command for span in shown for command in _commands(page, span, whole=False)]


def _commands(page: Path, line: str, *, whole: bool) -> list[Command]:
    found = []
    for words in shell_commands(line):
        left_out = any(re.fullmatch(r"\.\.\.|[A-Z]", word) for word in words)
        found.append(Command(str(page.relative_to(ROOT)), words, whole and not left_out))
    return found


def shell_commands(line: str) -> list[tuple[str, ...]]:
    """The words of each command of a line, without what starts it."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()")
    lexer.whitespace_split = True
    found = []
    for between, group in groupby(lexer, lambda word: bool(_BETWEEN.fullmatch(word))):
        words = tuple(group)
        while words and _BEFORE.fullmatch(words[0]):
            words = words[1:]
        if words and not between:
            name = Path(words[0]).name if "bin/" in words[0] else words[0]
            found.append((name, *words[1:]))
    return found
