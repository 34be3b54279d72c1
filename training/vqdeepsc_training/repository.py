# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where training reaches the rest of the repository: the package `vqdeepsc`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Here the package is imported from the source tree, without GNU Radio, as `vqdeepsc`.
if str(ROOT / "python") not in sys.path:
    sys.path.insert(0, str(ROOT / "python"))

from vqdeepsc.baselines import BASELINES, compress, decompress, mid_grey  # noqa: E402
from vqdeepsc.codec import Codec, Indices, read_bundle, region_count, write_manifest  # noqa: E402
from vqdeepsc.codec.bits import BitLayout  # noqa: E402
from vqdeepsc.codec.scales import Scale  # noqa: E402
from vqdeepsc.metrics import psnr, ssim  # noqa: E402
from vqdeepsc.sample import sample_picture  # noqa: E402

__all__ = ["BASELINES", "ROOT", "BitLayout", "Codec", "Indices", "Scale", "compress", "decompress",
           "mid_grey", "psnr", "read_bundle", "region_count", "sample_picture", "ssim",
           "write_manifest"]
