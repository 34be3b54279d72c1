# SPDX-License-Identifier: GPL-3.0-or-later
# What mypy knows of GNU Radio, which has no stubs; vqdeepsc beside this file is our module.
from typing import Any

def __getattr__(name: str) -> Any: ...
