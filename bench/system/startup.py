# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds from the start of a process to its first image: codec alone, and a flowgraph."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vqdeepsc.images.files import crop_square, load_image, save_image
from vqdeepsc.images.sample import sample_image

PROGRAMS = {
    "codec: import, load, encode, decode": """
import sys
from vqdeepsc.codec import Codec
from vqdeepsc.images.files import load_image
codec = Codec(sys.argv[1])
image = load_image(sys.argv[2])
codec.decode_bits(codec.encode_bits(image), image.shape[1], image.shape[0])
""",
    "flowgraph: import, build, one image over the link": """
import sys
from gnuradio import gr, vqdeepsc
from vqdeepsc.link import ChannelModel
from gnuradio.vqdeepsc.blocks.loopback import connect_link
top = gr.top_block()
source = vqdeepsc.semantic_source(sys.argv[2], sys.argv[1])
sink = vqdeepsc.semantic_sink(sys.argv[1])
connect_link(top, source, sink, 20032, ChannelModel("awgn"), 10.0)
top.run()
""",
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--model", default="vqdeepsc-4s", help="a model of four scales")
    parser.add_argument("--repeats", type=int, default=5, help="the median is printed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.png"
        save_image(image, crop_square(load_image(sample_image())))
        for name, program in PROGRAMS.items():
            times = []
            for _ in range(arguments.repeats):
                begin = time.perf_counter()
                command = [sys.executable, "-c", program, arguments.model, str(image)]
                subprocess.run(command, check=True)
                times.append(time.perf_counter() - begin)
            seconds[name] = statistics.median(times)
    if arguments.json:
        print(json.dumps({"repeats": arguments.repeats, "seconds": seconds}, indent=2))
        return 0
    for name, value in seconds.items():
        print(f"{name:<52} {value:6.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
