# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Pillow decodes files that were cut short: a flag of the whole process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import ImageFile

DECODING = threading.RLock()
"""Held while Pillow decodes pixels, so that no thread sees the flag of another."""


@contextmanager
def truncated_allowed() -> Iterator[None]:
    """Images that are decoded here may have been cut short."""
    with DECODING:
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before
