# SPDX-License-Identifier: GPL-3.0-or-later
"""Which room imports which: no circle, nothing upwards, no room or file too large."""

import ast
from pathlib import Path

import pytest

import vqdeepsc_training

ROOT = Path(vqdeepsc_training.__file__).parent
FLOORS = ["base", "data", "networks", "objectives", "trainer", "gpu", "reports", "bundles", "tools"]
"""A room imports from itself and from those before it."""

LARGEST_FILE, LARGEST_ROOM = 400, 15
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT)


def imported(path):
    """Modules and packages of ours that a file imports, as parts of their names."""
    package = path.relative_to(ROOT.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            for alias in node.names:
                yield tuple(part for part in (*base, alias.name) if part)[1:]


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rooms_import_only_from_below(path):
    room = FLOORS.index(path.relative_to(ROOT).parts[0])
    for name in imported(path):
        assert name[0] in FLOORS, f"{name_of(path)} imports {'.'.join(name)}"
        assert FLOORS.index(name[0]) <= room, f"{name_of(path)} imports {'.'.join(name)}"


def test_modules_import_in_no_circle():
    names = {name_of(path): path for path in MODULES}
    left = {
        name: {".".join(parts[:2]) for parts in imported(path)} & names.keys()
        for name, path in names.items()
    }
    while left:
        free = {name for name, needed in left.items() if not needed}
        assert free, f"these import each other: {sorted(left)}"
        left = {name: needed - free for name, needed in left.items() if name not in free}


def test_files_and_rooms_stay_small():
    tests = Path(__file__).parent
    for path in (*ROOT.rglob("*.py"), *tests.rglob("*.py")):
        lines = len(path.read_text().splitlines())
        assert lines <= LARGEST_FILE, f"{path} has {lines} lines"
    for room in (ROOT, *(ROOT / name for name in FLOORS)):
        modules = [path for path in room.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= LARGEST_ROOM, room


def test_tests_mirror_the_rooms():
    rooms = {path.parent.name for path in Path(__file__).parent.glob("*/test_*.py")}
    assert rooms == set(FLOORS)
