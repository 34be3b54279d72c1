# SPDX-License-Identifier: GPL-3.0-or-later
"""What several tests share."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from vqdeepsc.cli import main
from vqdeepsc.codec import DEFAULT_MODEL, Codec, find_model
from vqdeepsc.images.files import load_image


def run_command(*arguments, **options) -> subprocess.CompletedProcess:
    """The command line in a process of its own, as the installed script starts it."""
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def run_here(capfd, *arguments) -> subprocess.CompletedProcess:
    """The command line in this process, where it starts much sooner."""
    capfd.readouterr()
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as ended:
        status = ended.code
    return subprocess.CompletedProcess(arguments, status, *capfd.readouterr())


def assert_one_sentence(completed: subprocess.CompletedProcess, *words: str) -> None:
    """Bad input: exit 2 and one line on stderr that holds the words."""
    assert completed.returncode == 2, completed.stderr
    assert completed.stderr.startswith("vqdeepsc"), completed.stderr
    assert completed.stderr.count("\n") == 1, completed.stderr
    for word in words:
        assert word in completed.stderr


@pytest.fixture(scope="session")
def codec() -> Codec:
    return Codec()


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """uint8 [400, 600, 3]."""
    return load_image(Path(skimage.data.__file__).parent / "coffee.png")


@pytest.fixture
def bundle(tmp_path) -> Path:
    """A copy of the default model that a test may damage."""
    return shutil.copytree(find_model(DEFAULT_MODEL), tmp_path / "models" / DEFAULT_MODEL)
