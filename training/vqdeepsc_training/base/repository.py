# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the checkout is whose models, results and documents training writes."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
