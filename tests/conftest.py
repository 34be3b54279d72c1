# SPDX-License-Identifier: GPL-3.0-or-later
"""What several tests share."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from other_user import AS_NOBODY, run
from PIL import Image
from vqdeepsc.cli import main
from vqdeepsc.codec import DEFAULT_MODEL, Codec, find_model
from vqdeepsc.images.files import load_image


def run_command(*arguments, **options) -> subprocess.CompletedProcess:
    """The command line in a process of its own, as the installed script starts it."""
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    options = {"timeout": 120} | options
    return subprocess.run(command, capture_output=True, text=True, **options)


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


@pytest.fixture(scope="module")
def two_images(tmp_path_factory, photograph) -> Path:
    """A folder with an image of one region and one of two."""
    path = tmp_path_factory.mktemp("images")
    for name, size in (("a.png", (128, 128)), ("b.png", (200, 100))):
        Image.fromarray(photograph).resize(size).save(path / name)
    return path


@pytest.fixture(scope="module")
def decoded(two_images, codec) -> list[np.ndarray]:
    """What a receiver decodes of them without any error."""
    images = [load_image(path) for path in sorted(two_images.iterdir())]
    return [
        codec.decode_bits(codec.encode_bits(image), image.shape[1], image.shape[0])
        for image in images
    ]


@pytest.fixture(scope="module")
def recording(two_images, tmp_path_factory) -> Path:
    """Samples of the two images, three bursts."""
    path = tmp_path_factory.mktemp("recording") / "bursts.cf32"
    command = ("transmit", two_images, "--radio", "file", "--device", path, "--first-image", 0)
    done = run_command(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("2 images sent\n")
    return path


@pytest.fixture(scope="module")
def transmission(tmp_path_factory, photograph) -> np.ndarray:
    """Samples of an image of one region, complex64, with the noise of a receiver around."""
    folder = tmp_path_factory.mktemp("transmission")
    image, path = folder / "a.png", folder / "bursts.cf32"
    Image.fromarray(photograph).resize((128, 128)).save(image)
    sent = run_command("transmit", image, "--radio", "file", "--device", path)
    assert sent.returncode == 0, sent.stderr
    samples = np.fromfile(path, np.complex64)[:60_001]
    random = np.random.default_rng(1)
    noise = random.normal(size=(samples.size, 2)) @ [0.01, 0.01j]
    return (samples + noise).astype(np.complex64)


@pytest.fixture
def shared(photograph):
    """A folder for everybody with an image, where another user can run commands."""
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root becomes another user")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    image = folder / "a.png"
    Image.fromarray(photograph).resize((128, 128)).save(image)
    image.chmod(0o644)
    if run(["models"], folder, None, AS_NOBODY).returncode:
        shutil.rmtree(folder)
        pytest.skip("the build is not readable for everybody")
    yield folder
    shutil.rmtree(folder)
