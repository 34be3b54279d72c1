# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the repository stays small, and its pages link to what is there (CONTRIBUTING.md)."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000
LARGEST_NETWORKS, LARGEST_OTHERS = 60 * MEGABYTE, 15 * MEGABYTE
LARGEST_SVG = 100_000


@pytest.fixture(scope="module")
def sizes() -> dict[Path, int]:
    """Bytes of each file of the repository, by its path from the root."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    files = [Path(name) for name in listed.decode().split("\0") if name]
    return {path: (ROOT / path).stat().st_size for path in files if (ROOT / path).is_file()}


def test_the_checkout_stays_small(sizes):
    others = {path: size for path, size in sizes.items() if path.suffix != ".onnx"}
    largest = sorted(others, key=sizes.__getitem__)[-5:]
    assert sum(others.values()) <= LARGEST_OTHERS, largest
    assert sum(sizes.values()) - sum(others.values()) <= LARGEST_NETWORKS


def test_no_figure_is_a_large_svg(sizes):
    """A PNG shows the same in fewer bytes."""
    assert not [path for path in sizes if path.suffix == ".svg" and sizes[path] > LARGEST_SVG]


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """What a link may have after `#`: headings as GitHub makes anchors of them."""
    headings = HEADING.findall(re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S))
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in headings}


def test_links_of_pages_lead_somewhere(sizes):
    pages = [path for path in sizes if path.suffix == ".md" and path.parent.name != "templates"]
    assert len(pages) > 15
    links = 0
    for page in pages:
        for target in LINK.findall(CODE.sub("", (ROOT / page).read_text())):
            if re.match(r"\w+:", target):
                continue
            links += 1
            name, _, anchor = target.partition("#")
            found = (ROOT / page.parent / name).resolve() if name else ROOT / page
            assert found.exists(), f"{page} links to {target}"
            if anchor:
                assert anchor in anchors(found), f"{page} links to {target}"
    assert links > 50
