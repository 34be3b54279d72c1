# SPDX-License-Identifier: GPL-3.0-or-later
"""How much may be spent on an image."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vqdeepsc.errors import ParameterError

HIGHEST_PSNR_DB = 100.0


@dataclass(frozen=True)
class Budget:
    """How many bits an image gets, at most one of three; none of them: all that the model has.

    bits_per_pixel: source bits for each pixel of the image; bits: source bits of the image;
    psnr_db: as few bits as give this PSNR. 0 stands for none. Raises ParameterError for values out
    of range."""

    bits_per_pixel: float = 0.0
    bits: int = 0
    psnr_db: float = 0.0

    def __post_init__(self) -> None:
        for what, value in (
            ("bits for each pixel", self.bits_per_pixel),
            ("bits of an image", self.bits),
        ):
            if not 0 <= value < math.inf:
                raise ParameterError(f"the {what} must be above 0, got {value:g}")
        if not 0 <= self.psnr_db <= HIGHEST_PSNR_DB:
            raise ParameterError(
                f"a PSNR must be above 0 and at most {HIGHEST_PSNR_DB:g} dB, got {self.psnr_db:g}"
            )
        if sum(map(bool, (self.bits_per_pixel, self.bits, self.psnr_db))) > 1:
            raise ParameterError(
                "an image gets bits for each pixel, a number of bits or a quality, not two of them"
            )

    @property
    def wanted(self) -> bool:
        return bool(self.bits_per_pixel or self.bits or self.psnr_db)

    def bits_of(self, width: int, height: int) -> int:
        """Bits of an image of width x height pixels; 0 where its PSNR says how many."""
        return self.bits or int(self.bits_per_pixel * width * height)


NO_BUDGET = Budget()
