# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where training reaches the rest of the repository: bundles and picture measures."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Here the package is imported from the source tree, without GNU Radio, as `vqdeepsc`.
if str(ROOT / "python") not in sys.path:
    sys.path.insert(0, str(ROOT / "python"))

from vqdeepsc.codec import Codec, read_bundle, write_manifest  # noqa: E402
from vqdeepsc.metrics import psnr, ssim  # noqa: E402

__all__ = ["ROOT", "Codec", "psnr", "read_bundle", "ssim", "write_manifest"]
