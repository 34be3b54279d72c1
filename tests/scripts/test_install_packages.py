# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems without apt go on where all is there, and Debian installs only what is missing."""

import shutil
import subprocess

import pytest
from documented import ROOT

PROGRAMS = ("cmake", "c++", "gnuradio-config-info")


@pytest.fixture
def installed(tmp_path):
    """Runs the script where only some programs are: sh's, and those whose text is given."""

    def run(**programs):
        for name in ("sh", "grep", "dirname", "id", "mktemp", "rm", "tail"):
            (tmp_path / name).symlink_to(shutil.which(name))
        for name, text in programs.items():
            path = tmp_path / name.replace("_", "-")
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)
        return subprocess.run(
            [ROOT / "scripts" / "install-packages"],
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    return run


def test_a_system_without_apt_goes_on_where_all_is_there(installed):
    done = installed(**{name.replace("-", "_"): "" for name in PROGRAMS})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("missing", PROGRAMS)
def test_a_system_without_apt_is_told_what_is_missing(installed, missing):
    present = {name.replace("-", "_"): "" for name in PROGRAMS if name != missing}
    done = installed(**present)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"has no apt and lacks {missing}:" in done.stderr


def test_nothing_is_asked_where_all_packages_are_installed(installed):
    done = installed(dpkg_query="echo installed", apt_get="exit 1", sudo="exit 1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_end_of_what_apt_said_is_shown(installed):
    apt_get = "echo no network; exit 100"
    done = installed(dpkg_query="exit 1", apt_get=apt_get, sudo='exec "$@"')
    assert done.returncode == 2
    assert done.stdout.startswith("Installing Debian packages: cmake g++ ")
    assert "no network\napt-get could not install:" in done.stderr
