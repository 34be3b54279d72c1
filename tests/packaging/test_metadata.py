# SPDX-License-Identifier: GPL-3.0-or-later
"""What catalogues, desktops and packagers read says what is so."""

import configparser
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml
from documented import ROOT, shell_commands
from jinja2 import Environment

VERSION = re.search(
    r"project\(gr-vqdeepsc VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()
)[1]
DESKTOP_ENTRY = ROOT / "packaging" / "vqdeepsc-companion.desktop.in"
METAINFO = ROOT / "packaging" / "org.gnuradio.vqdeepsc.metainfo.xml"


def checked_by(program: str, *arguments: object) -> None:
    """Runs a program that checks a file, where it is installed."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_manifest_is_one_for_cgran():
    head, _, description = (ROOT / "MANIFEST.md").read_text().partition("\n---\n")
    fields = yaml.safe_load(head)
    # unquoted, YAML reads 3.1
    assert fields["gr_supported_version"] == "3.10"
    for name in ("title", "brief", "license"):
        assert isinstance(fields[name], str) and fields[name]
    for name in ("tags", "author", "copyright_owner", "dependencies"):
        assert fields[name] and all(isinstance(value, str) for value in fields[name])
    assert len(description.split()) > 30


def test_the_desktop_entry_starts_what_there_is():
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str
    entry.read(DESKTOP_ENTRY)
    fields = entry["Desktop Entry"]
    assert fields["Type"] == "Application" and fields["Name"] and fields["Categories"].endswith(";")
    started = re.fullmatch(r'gnuradio-companion "@EXAMPLES@/(.*)"', fields["Exec"])[1]
    assert (ROOT / "examples" / started).is_file()


def test_the_desktop_entry_is_valid(tmp_path):
    entry = tmp_path / "vqdeepsc-companion.desktop"
    entry.write_text(
        DESKTOP_ENTRY.read_text().replace("@EXAMPLES@", "/usr/share/vqdeepsc/examples")
    )
    checked_by("desktop-file-validate", entry)


def test_software_centres_find_the_desktop_entry():
    component = ElementTree.parse(METAINFO).getroot()
    # AppStream 1.0 warns of another name, and of a component without a page
    assert METAINFO.name == component.find("id").text + ".metainfo.xml"
    assert component.find("url[@type='homepage']").text.startswith("https://")
    launched = component.find("launchable[@type='desktop-id']").text
    assert launched == DESKTOP_ENTRY.name.removesuffix(".in")
    assert f'"${{CMAKE_CURRENT_BINARY_DIR}}/{launched}"' in (ROOT / "CMakeLists.txt").read_text()


def test_software_centres_read_the_description():
    checked_by("appstreamcli", "validate", "--no-net", METAINFO)


def conda_recipe() -> dict:
    """The recipe as conda-build renders it on Linux, with what only other systems need."""
    functions = {
        "compiler": lambda language: f"{language}-compiler",
        "target_platform": "linux-64",
    }
    text = (ROOT / ".conda" / "recipe" / "meta.yaml").read_text()
    return yaml.safe_load(Environment(autoescape=False).from_string(text).render(functions))


def test_the_conda_recipe_is_that_of_this_version():
    recipe = conda_recipe()
    assert recipe["package"] == {"name": "gnuradio-vqdeepsc", "version": VERSION}
    assert (ROOT / ".conda" / "recipe" / recipe["source"]["path"]).resolve() == ROOT
    assert (ROOT / recipe["about"]["license_file"]).is_file()
    for command in recipe["test"]["commands"]:
        if block := re.search(r"grc/blocks/(\S+)", command):
            assert (ROOT / "grc" / block[1]).is_file()


def names(requirements: list[str]) -> set[str]:
    """Of packages as conda has them."""
    found = {re.match(r"[\w.-]+", line)[0] for line in requirements}
    return {name.replace("matplotlib-base", "matplotlib") for name in found}


def test_the_conda_recipe_installs_what_the_core_package_wants():
    text = (ROOT / "pyproject.toml").read_text()
    (wanted,) = re.findall(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    wanted = set(re.findall(r'"([\w-]+)', wanted))
    assert len(wanted) >= 5
    assert wanted <= names(conda_recipe()["requirements"]["run"])


def test_the_conda_environment_has_what_the_tests_want():
    environment = yaml.safe_load((ROOT / ".conda" / "environment.yml").read_text())
    lines = (ROOT / "scripts" / "requirements.txt").read_text().splitlines()
    wanted = names([line for line in lines if re.match(r"\w", line)])
    assert wanted - names(environment["dependencies"]) == {"clang-format", "ruff"}


def test_the_pybombs_recipe_depends_on_what_there_is():
    folder = ROOT / "packaging" / "pybombs"
    recipes = {path.stem: yaml.safe_load(path.read_text()) for path in folder.glob("*.lwr")}
    module = recipes.pop("gr-vqdeepsc")
    assert module["inherit"] == "cmake" and module["category"] == "common"
    # GNU Radio has recipes of these
    known = {"gnuradio", "fftw", "pybind11", "numpy", "python-matplotlib", "python-zmq"}
    assert set(module["depends"]) == known | set(recipes)
    for recipe in recipes.values():
        assert recipe["category"] == "baseline" and "pip" in recipe["satisfy"]
    (option,) = re.findall(r"-D(\w+)=", module["vars"]["config_opt"])
    assert option in (ROOT / "CMakeLists.txt").read_text()


def test_a_wheel_is_tested_with_tests_that_are_there():
    text = (ROOT / "pyproject.toml").read_text()
    (command,) = re.findall(r'^test-command = "(.*)"$', text, re.MULTILINE)
    tests = re.findall(r"\{project\}/(\S+)", command)
    assert len(tests) >= 3
    assert all((ROOT / name).is_file() for name in tests)
    # they run in a checkout, whose helpers no wheel has
    (folders,) = re.findall(r'^pythonpath = \["(.*)"\]$', text, re.MULTILINE)
    assert (ROOT / folders / "other_user.py").is_file()


def test_the_debian_packages_are_of_this_version():
    first = (ROOT / "debian" / "changelog").read_text().split("\n")[0]
    assert first.startswith(f"gr-vqdeepsc ({VERSION})")


def test_workflows_run_what_there_is():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    steps = [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]
    commands = [command for step in steps for command in shell_commands(step)]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    ours = [words for words in commands if words[0] == "make" or words[0].startswith("scripts/")]
    assert len(ours) >= 12
    for words in ours:
        if words[0] == "make":
            assert set(words[1:]) <= set(targets)
        else:
            assert (ROOT / words[0]).stat().st_mode & 0o111


def test_a_container_takes_nothing_that_was_built_here():
    """Its own environment and build have other paths."""
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    built = {Path(line).parts[1] for line in ignored if line.startswith("/")}
    assert len(built) >= 5
    assert built <= set((ROOT / ".dockerignore").read_text().splitlines())
