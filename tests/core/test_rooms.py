# SPDX-License-Identifier: GPL-3.0-or-later
"""Which room imports which: no circle, nothing upwards, no room too large (CONTRIBUTING.md)."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "vqdeepsc": ROOT / "python" / "core" / "vqdeepsc",
    "gnuradio.vqdeepsc": ROOT / "python" / "vqdeepsc",
    "vqdeepsc_training": ROOT / "training" / "vqdeepsc_training",
}

FLOORS = [
    {"vqdeepsc.kernels"},
    {"vqdeepsc.codec"},
    {"vqdeepsc.allocation"},
    {"vqdeepsc.images", "vqdeepsc.link"},
    {"vqdeepsc.simulation"},
    {"vqdeepsc.cli"},
    {"gnuradio.vqdeepsc.blocks"},
    {"gnuradio.vqdeepsc.radio"},
    {"gnuradio.vqdeepsc.demonstration"},
    {"gnuradio.vqdeepsc.commands"},
    {"vqdeepsc_training.base"},
    {"vqdeepsc_training.data", "vqdeepsc_training.networks"},
    {"vqdeepsc_training.objectives"},
    {"vqdeepsc_training.trainer"},
    {"vqdeepsc_training.gpu"},
    {"vqdeepsc_training.reports"},
    {"vqdeepsc_training.bundles"},
    {"vqdeepsc_training.tools"},
    {"vqdeepsc_training.command"},
]
"""A room imports from the floors below its own; of the core alone, if it is one of training."""

LARGEST_FILE = 400
LARGEST_ROOM = 15
INSTRUCTION_SETS = re.compile("_(portable|simd|sse41|avx2|avx512|neon)$")


def packages():
    for name, root in PACKAGES.items():
        for path in root.rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            yield path, ".".join([name, *parts]).removesuffix(".__init__")


def imported(path, module, nodes=None):
    """Absolute names of the modules and packages that a file imports, or some nodes of it."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())) if nodes is None else nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            yield base
            # It may be a module, too.
            yield from (f"{base}.{alias.name}" for alias in node.names)


def room_of(module):
    """The room of a module of ours, "" for a root and for what is not ours."""
    for floor in FLOORS:
        for room in floor:
            if module == room or module.startswith(room + "."):
                return room
    return ""


def floor_of(room):
    return next(i for i, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("path, module", list(packages()), ids=lambda value: str(value)[-40:])
def test_rooms_import_only_from_below(path, module):
    room = room_of(module)
    for name in imported(path, module):
        other = room_of(name)
        if not room or not other or other == room:
            continue
        below = floor_of(other) < floor_of(room)
        if module.startswith("vqdeepsc_training"):
            below = below and not other.startswith("gnuradio")
        assert below, f"{module} imports {name}"


def test_no_module_waits_for_itself():
    """No circle among the imports that are done while a module is loaded."""
    modules = {module: path for path, module in packages()}
    arrows = {}
    for module, path in modules.items():
        names = set(imported(path, module, ast.parse(path.read_text()).body)) & modules.keys()
        # Packages are loaded before what is in them, whoever asks.
        arrows[module] = {name for name in names if not f"{module}.".startswith(f"{name}.")}
    assert len(arrows) > 150 and sum(map(len, arrows.values())) > 300
    TopologicalSorter(arrows).prepare()  # raises CycleError


def test_a_script_imports_its_neighbours_alone():
    """Scripts of bench/ are run by their path, so those of other rooms are not found."""
    scripts = {path.stem: path for path in (ROOT / "bench").rglob("*.py")}
    assert len(scripts) == sum(1 for _ in (ROOT / "bench").rglob("*.py"))
    for path in scripts.values():
        for name in imported(path, path.stem):
            if name in scripts:
                assert scripts[name].parent == path.parent, f"{path} imports {name}"


def test_the_core_never_imports_gnu_radio():
    for path, module in packages():
        if module.split(".")[0] == "vqdeepsc":
            for name in imported(path, module):
                assert name.split(".")[0] not in ("gnuradio", "pmt"), f"{module} imports {name}"


def test_blocks_are_named_as_gnu_radio_names_them():
    """In snake case; flowgraphs and all else in the case of Python's classes."""
    bases: dict[str, set[str]] = {}
    for path, module in packages():
        if module.startswith("gnuradio."):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    bases[node.name] = {ast.unparse(base) for base in node.bases}
    kinds = {"gr.basic_block", "gr.sync_block", "gr.hier_block2"}
    while more := {name for name, above in bases.items() if above & kinds} - kinds:
        kinds |= more
    blocks = kinds & set(bases)
    assert len(blocks) > 15
    assert [name for name in sorted(blocks) if name != name.lower()] == []
    assert [name for name in sorted(set(bases) - blocks) if name == name.lower()] == []


FOLDERS = ("bench", "examples", "include", "lib", "python", "scripts", "tests", "training")


def sources():
    """What people wrote in Python and C++."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            parts = path.relative_to(ROOT).parts
            if path.suffix in (".py", ".pyi", ".cc", ".h") and not {".venv", "runs"} & set(parts):
                yield path


def test_files_stay_small():
    for path in sources():
        lines = len(path.read_text().splitlines())
        if not path.stem.endswith("_tables"):
            assert lines <= LARGEST_FILE, f"{path} has {lines} lines"


def test_folders_stay_small():
    rooms: dict[Path, set[str]] = {}
    for path in sources():
        if path.name != "__init__.py":
            # The variants of one algorithm for several instruction sets are one module.
            rooms.setdefault(path.parent, set()).add(INSTRUCTION_SETS.sub("", path.stem))
    assert len(rooms) > 40
    for folder, modules in rooms.items():
        assert len(modules) <= LARGEST_ROOM, f"{folder} has {len(modules)} modules"
