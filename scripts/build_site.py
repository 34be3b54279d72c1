# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages the documents, generates pages and builds the site with MkDocs: build/site.

Pages keep their places in the tree, so that links among them hold. Pages of blocks come from grc/,
the command line's from argparse and Python's from the docstrings.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from site_cpp import cpp_page

ROOT = Path(__file__).resolve().parents[1]
STAGED = ROOT / "build" / "site-source"
SUFFIXES = (".md", ".png", ".jpg", ".svg")
PYTHON_MODULES = (
    *("vqdeepsc.codec", "vqdeepsc.codec.providers", "vqdeepsc.images.files"),
    *("vqdeepsc.images.metrics", "vqdeepsc.images.baselines", "vqdeepsc.link"),
    *("vqdeepsc.simulation.plan", "vqdeepsc.simulation.run", "vqdeepsc.kernels"),
)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)]*)?\)")


def stage() -> None:
    """Copies what the pages consist of; links to files that are no pages become plain text."""
    shutil.rmtree(STAGED, ignore_errors=True)
    listed = subprocess.run(
        # the checkout may be another user's, as it is in a container
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "*.md", "docs", "training/results"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    names = {
        name
        for name in listed
        if name.endswith(SUFFIXES)
        and not name.startswith((".", "MANIFEST", "python", "tests"))
        and "/templates/" not in name
    }
    for name in sorted(names):
        target = STAGED / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".md"):
            text = (ROOT / name).read_text(encoding="utf-8")
            target.write_text(_without_foreign_links(text, name, names), encoding="utf-8")
        else:
            shutil.copy(ROOT / name, target)


def _without_foreign_links(text: str, page: str, pages: set[str]) -> str:
    def keep(match: re.Match) -> str:
        label, target = match[1], match[2]
        if ":" in target:
            return match[0]
        path = os.path.normpath(os.path.join(os.path.dirname(page), target))  # noqa: PTH118, PTH120
        if path in pages:
            return match[0]
        if not (ROOT / path).exists():
            sys.exit(f"{page} links to {target}, which does not exist")
        return f"{label} (`{path}`)"

    return _LINK.sub(keep, text)


def block_page(file: Path) -> tuple[str, str]:
    """Name and Markdown of the page of a block."""
    block = yaml.safe_load(file.read_text(encoding="utf-8"))
    category = block["category"].replace("[VQ-DeepSC]/", "")
    lines = [f"# {block['label']}", "", f"`{block['id']}`, in VQ-DeepSC / {category}", ""]
    for part in re.split(r"\n\n+", block["documentation"].strip()):
        heading, _, rest = part.partition("\n")
        if rest and re.fullmatch(r"[A-Z][\w ()]*:", heading):
            lines += [f"## {heading[:-1]}", ""]
            for line in rest.splitlines():
                name, colon, meaning = line.strip().partition(": ")
                lines.append(f"- **{name}**: {meaning}" if colon else f"- {line.strip()}")
        else:
            lines.append(part)
        lines.append("")
    lines += ["## In Python and Companion", "", "| parameter | label | default |", "|---|---|---|"]
    for parameter in block.get("parameters", []):
        default = str(parameter.get("default", "")).replace("|", "\\|")
        lines.append(f"| `{parameter['id']}` | {parameter['label']} | `{default or ' '}` |")
    templates = block["templates"]
    make = templates.get("make", templates.get("var_make", "")).rstrip()
    lines += ["", "```python", templates["imports"].rstrip(), "", make, "```", ""]
    return block["label"], "\n".join(lines)


def help_of(command: str, *words: str) -> str:
    """What a command prints with --help."""
    usage = subprocess.run(
        [command, *words, "--help"],
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if usage.returncode:
        sys.exit(f"{command} {' '.join(words)} --help ended with: {usage.stderr}")
    return usage.stdout.rstrip()


def subcommands(text: str) -> list[str]:
    """Their names, in what the command itself prints with --help."""
    return re.findall(r"^    (\w+) ", text, re.MULTILINE)


def generate(command: str) -> None:
    """The pages that are made from the code."""
    folder = STAGED / "generated"
    blocks = folder / "blocks"
    blocks.mkdir(parents=True)
    index = ["# Blocks", ""]
    for file in sorted((ROOT / "grc").glob("*.block.yml")):
        label, text = block_page(file)
        name = file.name.replace(".block.yml", ".md")
        (blocks / name).write_text(text, encoding="utf-8")
        index.append(f"- [{label}]({name})")
    (blocks / "index.md").write_text("\n".join(index) + "\n", encoding="utf-8")

    text = "# Command line\n\nWhat `vqdeepsc COMMAND --help` prints.\n"
    for name in subcommands(help_of(command)):
        text += f"\n## {name}\n\n```text\n{help_of(command, name)}\n```\n"
    (folder / "command-line.md").write_text(text, encoding="utf-8")

    text = "# Python\n\nThe package `vqdeepsc`, from its docstrings.\n"
    text += "".join(f"\n::: {name}\n" for name in PYTHON_MODULES)
    (folder / "python.md").write_text(text, encoding="utf-8")

    headers = sorted((ROOT / "include" / "gnuradio" / "vqdeepsc").glob("*.h"))
    (folder / "cpp.md").write_text(cpp_page(headers), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--command", default=str(ROOT / "prefix" / "bin" / "vqdeepsc"))
    args = parser.parse_args()
    stage()
    generate(args.command)
    build = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    # what Material says of its own future is no warning about the site
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    sys.exit(subprocess.run(build, cwd=ROOT, env=environment).returncode)


if __name__ == "__main__":
    main()
