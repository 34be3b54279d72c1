# SPDX-License-Identifier: GPL-3.0-or-later
"""Unequal error protection of a model's scales: profiles by name."""

from __future__ import annotations

PLAIN = "plain"
"""No profile: all scales are coded alike, as one transport block."""

PROFILES: dict[str, dict[int, tuple[float, ...]]] = {
    "balanced": {4: (9, 8, 3.5), 3: (4, 4)},
    "broadcast": {4: (7, 7, 7), 3: (6, 6)},
}
"""Coded bits for each payload bit of every scale but the finest, coarse first, by the number of
scales, where the whole has rate 1/3. `bench/images/protection.py` finds them: the highest mean SSIM
from -2 to 6 dB that has full quality at 4 dB (balanced) or at 6 dB (broadcast)."""

DEFAULT_PROTECTION = "balanced"
"""Of `transmit`, `demo` and the examples."""


def profile_factors(name: str, scales: int, expansion: float) -> tuple[float, ...]:
    """Coded bits for each payload bit of every scale but the finest; none: all are coded alike.

    name: of PROFILES; scales: their number; expansion: coded bits for each payload bit of the whole
    frame, 3 for rate 1/3."""
    return tuple(factor * expansion / 3 for factor in PROFILES[name].get(scales, ()))
