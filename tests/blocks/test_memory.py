# SPDX-License-Identifier: GPL-3.0-or-later
"""What flowgraphs and messages leave behind, each in a process of its own."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

MEASURE = """
import gc
import resource

import numpy as np
from gnuradio import blocks, gr, vqdeepsc


def resident():
    gc.collect()
    fields = dict(line.split(":") for line in open("/proc/self/status") if line.startswith("VmRSS"))
    return int(fields["VmRSS"].split()[0]) / 1024


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
"""


def megabytes(program: str, seconds: float = 600) -> float:
    """The number that a program prints within some seconds; MEASURE comes before it."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout.splitlines()[-1])


def test_a_receiver_leaves_nothing_behind():
    """A hier block that owned itself kept 0.35 MB of each flowgraph."""
    grown = megabytes("""
    def run():
        top, source = gr.top_block(), blocks.vector_source_c([0j] * 1000)
        receiver, store = vqdeepsc.burst_receiver(), blocks.message_debug()
        top.connect(source, receiver)
        for port in ("regions", "log", "symbols"):
            top.msg_connect((receiver, port), (store, "store"))
        top.run()


    for _ in range(50):
        run()
    before = resident()
    for _ in range(150):
        run()
    print(resident() - before)
    """)
    assert grown < 2


def test_an_image_crosses_as_a_buffer():
    """As lists of Python objects 36 MB of pixels took 350; they are copied once."""
    taken = megabytes("""
    from gnuradio.vqdeepsc.blocks.frames import image_to_pdu, pdu_to_image

    image = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), np.uint8)
    before = peak()
    again, number = pdu_to_image(image_to_pdu(image, 7))
    assert number == 7 and np.array_equal(again, image)
    print(peak() - before)
    """)
    # to compare them takes as much again
    assert taken < 36 * 2.3


def test_the_largest_image_takes_the_memory_that_is_stated():
    """40 megapixels that arrive whole; docs/radios.md states it in GB."""
    document = Path(__file__).parents[2] / "docs" / "radios.md"
    (stated,) = re.findall(r"^\| arrived whole \| ([\d.]+) GB", document.read_text(), re.M)
    program = """
    from vqdeepsc.codec import Codec, Run, region_count
    from vqdeepsc.limits import MAXIMUM_PIXELS

    codec = Codec(networks=("decoder",))
    width, height = 6400, MAXIMUM_PIXELS // 6400
    region = np.random.default_rng(1).normal(0, 20, codec.bits_per_region).astype(np.float32)
    regions = range(region_count(width, height))
    llrs = {Run(64 * number, 64, 313): region.copy() for number in regions}
    assert codec.decode_received(llrs, width, height).shape == (height, width, 3)
    print(peak())
    """
    # a minute of two cores, which a busy machine may not give
    taken = megabytes(program, seconds=3000)
    assert taken * 2**20 < 1.05 * float(stated) * 1e9
