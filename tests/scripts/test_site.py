# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of the site that are made from the code."""

import re

from build_site import subcommands
from documented import ROOT
from site_cpp import cpp_page
from vqdeepsc.cli import SUBCOMMANDS
from vqdeepsc.cli.command import build_parser

HEADERS = sorted((ROOT / "include" / "gnuradio" / "vqdeepsc").glob("*.h"))


def test_every_class_of_the_headers_is_on_the_page():
    page = cpp_page(HEADERS)
    sections = re.findall(r"^## (\w+)$", page, re.MULTILINE)
    classes = {
        name
        for header in HEADERS
        for name in re.findall(r"class VQDEEPSC_API (\w+)", header.read_text())
    }
    assert len(classes) >= 12
    assert set(sections) == classes | {"TransportBlock", "TransportBlocks"}
    assert page.count("static sptr make(") == len(classes)


def test_parameters_and_methods_have_their_text():
    page = cpp_page([ROOT / "include" / "gnuradio" / "vqdeepsc" / "burst_modulator.h"])
    assert "#include <gnuradio/vqdeepsc/burst_modulator.h>" in page
    make = page[page.index("static sptr make(") :]
    declaration, _, rest = make.partition("```")
    names = re.findall(r"(\w+)(?: = [^,)]+)?[,)]", declaration)
    assert names[0] == "payload_bits" and len(names) == 9
    for name in names:
        assert re.search(rf"^- `{name}`: \S", rest, re.MULTILINE)
    assert "virtual size_t coded_bits() const = 0;\n```\n\nBits that a frame has.\n" in page
    setter = (
        "virtual void set_amplitude(float amplitude) = 0;\n```\n\nTakes effect at the next burst."
    )
    assert setter in page
    assert "\\" not in page and "*/" not in page


def test_the_page_of_the_command_line_has_every_subcommand():
    assert subcommands(build_parser().format_help()) == list(SUBCOMMANDS)
