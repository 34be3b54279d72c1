# SPDX-License-Identifier: GPL-3.0-or-later
"""How near decoded images are to the originals, as records and messages say it."""

from __future__ import annotations

from dataclasses import dataclass

from .schema import Table


@dataclass(frozen=True, kw_only=True)
class Quality(Table):
    """Of a decoded image, or the mean over several.

    ssim: Wang's, RGB; ciede2000: mean colour difference; ms_ssim: None where it is not defined,
    below 176 pixels a side.
    """

    ssim: float
    psnr_db: float
    ciede2000: float
    ms_ssim: float | None = None

    def __str__(self) -> str:
        text = f"SSIM {self.ssim:.4f}  PSNR {self.psnr_db:.2f} dB  CIEDE2000 {self.ciede2000:.2f}"
        return text if self.ms_ssim is None else f"{text}  MS-SSIM {self.ms_ssim:.4f}"
