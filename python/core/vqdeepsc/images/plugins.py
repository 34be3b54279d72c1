# SPDX-License-Identifier: GPL-3.0-or-later
"""Image formats that Pillow reads with a package beside it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"mif1", b"msf1")


@dataclass(frozen=True)
class Plugin:
    """format: its name; package: on PyPI; module: what it is imported as; suffixes: of files;
    decodes_parts: whether something can be decoded of a file that was cut short."""

    format: str
    package: str
    module: str
    suffixes: tuple[str, ...]
    decodes_parts: bool = True

    @property
    def is_installed(self) -> bool:
        return find_spec(self.module) is not None

    def load(self) -> None:
        """Let Pillow read the format from now on; raises ImportError where it is missing."""
        module = import_module(self.module)
        if self is HEIF:
            module.register_heif_opener()


HEIF = Plugin("HEIC", "pillow-heif", "pillow_heif", (".heic", ".heif", ".hif"))
JPEG_XL = Plugin("JPEG XL", "pillow-jxl-plugin", "pillow_jxl", (".jxl",), decodes_parts=False)
PLUGINS = (HEIF, JPEG_XL)


def plugin_for(content: bytes) -> Plugin | None:
    """The plug-in that reads a file with this content, if it is one of theirs."""
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return HEIF
    if content[:2] == b"\xff\x0a" or content[4:12] == b"JXL \r\n\x87\n":
        return JPEG_XL
    return None
