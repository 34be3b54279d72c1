# SPDX-License-Identifier: GPL-3.0-or-later
"""Code, images and weights in one small folder, for a machine that has PyTorch and nothing of ours.

The folder holds `run.py`, which starts `session`; `code/`; `data/` and `validation/`, tar files of
AVIF and lossless WebP images; `weights/`; and `pack.json`, which says what is what.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import vqdeepsc.errors
from numpy.typing import NDArray
from PIL import Image

import vqdeepsc_training

from ..base.errors import DataError
from ..base.files import whole_file, whole_folder, write_whole
from ..base.repository import ROOT
from ..data.images import evaluation_images, fit, read_images, short_name
from ..networks.rounding import packed_state
from ..trainer.checkpoint import PACKED, RESUMING, read_checkpoint, untuned
from .plan import Plan
from .record import PackedImages, PackManifest
from .session import MANIFEST, VERSION

MEGABYTE = 10**6
TAR_BLOCK = 512
ROOMS = ("base", "data", "networks", "objectives", "trainer", "gpu", "tools")
LAUNCHER = '''# SPDX-License-Identifier: GPL-3.0-or-later
"""Train what this folder holds: python3 run.py --seconds N --output FOLDER (--help says more)."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "code"))

from vqdeepsc_training.command import main  # noqa: E402

status = main(["gpu", "run", "--pack", str(HERE), *sys.argv[1:]])
sys.stdout.flush()
sys.stderr.flush()
# Python takes its time to take PyTorch down, and all is written.
os._exit(status)
'''


def compressed(image: NDArray[np.uint8], quality: int, sides: tuple[int, int]) -> bytes:
    """An image uint8 [H, W, 3] as AVIF; sides: smallest and largest shorter side in pixels."""
    buffer = io.BytesIO()
    fitted = fit(Image.fromarray(image), *sides)
    fitted.save(buffer, "AVIF", quality=quality, speed=6)
    return buffer.getvalue()


def lossless(image: NDArray[np.uint8]) -> bytes:
    """An image uint8 [H, W, 3] as lossless WebP."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", lossless=True, quality=50, method=4)
    return buffer.getvalue()


def write_tar(path: Path, contents: Sequence[bytes], ending: str) -> None:
    """A tar file of files 00000.ENDING and so on."""
    with whole_file(path) as file, tarfile.open(fileobj=file, mode="w") as archive:
        for number, content in enumerate(contents):
            member = tarfile.TarInfo(f"{number:05}.{ending}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def fitting(path: Path, budget: float, quality: int, sides: tuple[int, int]) -> list[bytes]:
    """Images of a data set in shuffled order, compressed, as many as fit into a number of bytes.

    sides: smallest and largest shorter side in pixels. Raises DataError if none fits.
    """
    contents, total = [], TAR_BLOCK * 20
    for _, image in read_images(path, seed=0):
        content = compressed(image, quality, sides)
        total += TAR_BLOCK * (1 + -(-len(content) // TAR_BLOCK))
        if total > budget:
            break
        contents.append(content)
    if not contents:
        raise DataError(f"{budget / MEGABYTE:.3g} MB are too little for an image of {path}.")
    return contents


def pack(
    folder: Path,
    plan: Plan,
    data: Mapping[Path, float],
    validation: Sequence[Path],
    *,
    megabytes: float,
    quality: int,
    largest_side: int,
    validation_images: int,
) -> PackManifest:
    """Write a pack; returns what is in it.

    folder: replaced, when all is written, if it holds a pack; data: folders or tar files of images,
    and the share of each in a batch and of the bytes; validation: of each, the first
    `validation_images`; megabytes: 10^6 bytes that the images to train on may take, as many as fit;
    quality: of AVIF, 0 to 100 (70: about 38 dB on small photographs of cars); largest_side: of the
    shorter side of an image, in pixels.
    Raises TrainingError in one sentence.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise DataError(f"{folder} holds something that is no pack.")
    crop = max(run.configuration.crop for run in plan.runs.values())
    sets = {
        path: fitting(
            path,
            megabytes * MEGABYTE * share / sum(data.values()),
            quality,
            (crop, max(crop, largest_side)),
        )
        for path, share in data.items()
    }
    weights = {
        run.name: _start(run.weights) for run in plan.runs.values() if run.weights is not None
    }
    with whole_folder(folder) as new:
        for name in ("code", "data", "validation", "weights"):
            (new / name).mkdir()
        packed, validating, started = [], [], {}
        for number, (path, contents) in enumerate(sets.items()):
            file = f"data/{number}.tar"
            write_tar(new / file, contents, "avif")
            packed.append(PackedImages(file, short_name(path), len(contents), data[path]))
        for number, path in enumerate(validation):
            images = evaluation_images(path, crop, validation_images)
            file = f"validation/{number}.tar"
            write_tar(new / file, [lossless(image) for image in images], "webp")
            validating.append(PackedImages(file, short_name(path), len(images)))
        for name, state in weights.items():
            file = f"weights/{name}.pt"
            with whole_file(new / file) as out:
                torch.save(state, out)
            started[name] = file
        _copy_code(new / "code")
        write_whole(new / "run.py", LAUNCHER)
        hashes = {
            str(path.relative_to(new)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(new.rglob("*"))
            if path.is_file()
        }
        manifest = PackManifest(
            VERSION, plan.to_json(), tuple(packed), tuple(validating), started, hashes
        )
        write_whole(new / MANIFEST, json.dumps(manifest.to_json(), indent=1) + "\n")
    return manifest


def folder_bytes(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _start(weights: str) -> dict:
    """What a run needs of the weights that it begins at: a bundle of models/, or a path."""
    bundle = ROOT / "models" / weights
    state = untuned(read_checkpoint(bundle if bundle.is_dir() else Path(weights)))
    state = {key: value for key, value in state.items() if key not in RESUMING}
    return state | {key: packed_state(state[key]) for key in PACKED if key in state}


def _copy_code(folder: Path) -> None:
    """The rooms that `session` needs."""
    source = Path(vqdeepsc_training.__file__).parent
    target = folder / "vqdeepsc_training"
    target.mkdir()
    # The package's own says something to onnxruntime, which is not there.
    write_whole(target / "__init__.py", f'"""{vqdeepsc_training.__doc__}"""\n')
    shutil.copyfile(source / "command.py", target / "command.py")
    for room in ROOMS:
        shutil.copytree(source / room, target / room, ignore=shutil.ignore_patterns("__pycache__"))
    # Of the core package, which needs more than a bare machine has, the errors alone.
    core = folder / "vqdeepsc"
    core.mkdir()
    write_whole(core / "__init__.py", '"""What training needs of the core package."""\n')
    shutil.copyfile(vqdeepsc.errors.__file__, core / "errors.py")
