# SPDX-License-Identifier: GPL-3.0-or-later
"""The photograph that the demonstration and the examples send when none is named."""

from importlib.util import find_spec
from pathlib import Path

from .files import ImageError


def sample_image(name: str = "coffee.png") -> str:
    """Path of a photograph that scikit-image ships.

    Raises ImageError where scikit-image or the image is missing.
    """
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise ImageError("scikit-image, whose image is the default, is not installed")
    path = Path(package.origin).parent / "data" / name
    if not path.is_file():
        raise ImageError(f"the installed scikit-image has no image '{name}'")
    return str(path)
