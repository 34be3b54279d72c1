# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws flowgraphs as GNU Radio Companion does and says what lies on top of what.

python canvas.py FOLDER FLOWGRAPH... on a display draws each flowgraph into the folder and prints a
JSON object: for each of them, the wires that cross blocks and the blocks that cover one another.
"""

import itertools
import json
import math
import sys
from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("PangoCairo", "1.0")
import gnuradio.grc.gui.Platform  # noqa: E402 # first: the others import it half-made
from gi.repository import Gtk  # noqa: E402
from gnuradio import gr  # noqa: E402
from gnuradio.grc.gui import Actions, Utils  # noqa: E402
from gnuradio.grc.gui.canvas import flowgraph as companion  # noqa: E402

# Pixels between a wire and the blocks that it passes, and between two blocks; fonts differ.
MARGIN = 6


def areas(block):
    """Rectangles of a block and its ports on the canvas: left, top, right, bottom, in pixels."""
    x, y = block.coordinate
    width, height = block.width, block.height
    if block.is_vertical():
        width, height = height, width
    yield x, y, x + width, y + height
    for port in block.active_ports():
        left, top, right, bottom = port.get_extents()
        yield x + left, y + top, x + right, y + bottom
    if block.comment:
        yield block.get_extents_comment()


def wire(connection):
    """Points of a wire that has been drawn, at most a pixel apart."""
    x, y = connection.coordinate
    path = [points for _, points in connection._line_path_cr.copy_path_flat() if points]
    for (x0, y0), (x1, y1) in itertools.pairwise(path):
        steps = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0)))
        for step in range(1, steps):
            share = step / steps
            yield x + x0 + share * (x1 - x0), y + y0 + share * (y1 - y0)


def inside(point, area, margin):
    x, y = point
    left, top, right, bottom = area
    return left - margin < x < right + margin and top - margin < y < bottom + margin


def apart(one, other):
    return (
        one[2] + MARGIN <= other[0]
        or other[2] + MARGIN <= one[0]
        or one[3] + MARGIN <= other[1]
        or other[3] + MARGIN <= one[1]
    )


def overlaps(graph):
    """Sentences about a drawn flowgraph, none when everything is apart."""
    blocks = [block for block in graph.blocks if block.is_block]
    for connection in graph.connections:
        ends = (connection.source_block, connection.sink_block)
        points = list(wire(connection))
        for block in blocks:
            margin = 0 if block in ends else MARGIN
            if any(inside(point, area, margin) for area in areas(block) for point in points):
                yield f"the wire {ends[0].name} to {ends[1].name} crosses {block.name}"
    for one, other in itertools.combinations(blocks, 2):
        if not all(apart(*pair) for pair in itertools.product(areas(one), areas(other))):
            yield f"{one.name} and {other.name} cover one another"


def main(folder, *paths):
    # A flowgraph asks the application for its main window, for the menu of the right mouse button.
    application = Gtk.Application(application_id="org.example.canvas")
    application.register(None)
    application.set_default()
    companion._ContextMenu = lambda _window: None
    platform = gnuradio.grc.gui.Platform.Platform(
        version=gr.version(),
        version_parts=(gr.major_version(), gr.api_version(), gr.minor_version()),
        prefs=gr.prefs(),
        install_prefix=gr.prefix(),
    )
    platform.build_library()
    # What a new user of Companion sees: labels of ports, no identifiers, comments, variables.
    for name in Actions.get_actions():
        action = Actions.actions[name]
        if getattr(action, "preference_name", None):
            action.set_active(bool(action.default))
    said = {}
    for path in map(Path, paths):
        graph = platform.make_flow_graph(str(path))
        graph.update()
        Utils.make_screenshot(graph, str(Path(folder) / f"{path.stem}.png"))
        said[path.stem] = list(overlaps(graph))
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
