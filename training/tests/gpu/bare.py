# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a script as on a machine that has PyTorch, NumPy and Pillow, and nothing else of ours.

A pack brings a package vqdeepsc of its own, which hides what is installed.
"""

import runpy
import sys
from importlib.machinery import PathFinder

ABSENT = {
    "jinja2",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "scipy",
    "skimage",
    "tensorboard",
    "tqdm",
}
find_spec = PathFinder.find_spec


def without_absent(name, path=None, target=None):
    return None if name.partition(".")[0] in ABSENT else find_spec(name, path, target)


PathFinder.find_spec = without_absent
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
