# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a generated Qt flowgraph of examples/ by itself: move its sliders and see what arrives.

Prints a JSON object with the SSIM of an image received in each state of the channel, and
can save the window as an image. Wants a display (xvfb-run makes one).
"""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pmt
from gnuradio import blocks, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import IMAGE_IDS, pdu_to_image
from PyQt5 import Qt
from vqdeepsc.images.files import load_image
from vqdeepsc.images.metrics import ssim

# What each flowgraph is put through: the block that decodes, and values of its variables.
EXAMPLES = {
    "awgn_loopback": (
        "sink",
        {
            "awgn, 8 dB": {"kind": "awgn", "snr_db": 8.0},
            "awgn, 0 dB": {"kind": "awgn", "snr_db": 0.0},
            "rayleigh, 10 dB": {"kind": "rayleigh", "snr_db": 10.0},
        },
    ),
    "live_loopback": (
        "decoder",
        {
            "20 dB": {"snr_db": 20.0},
            "-40 kHz, -20 ppm, echo 0.5": {
                "offset_hz": -40e3,
                "clock_ppm": -20.0,
                "echo": 0.5,
                "delay": 20,
            },
            "1 dB": {"snr_db": 1.0, "echo": 0.0},
        },
    ),
}
# Word that an image goes out may come after the image itself has begun.
IMAGES_BETWEEN = 2
# The constellation and the image want a moment to be drawn.
SETTLE_MILLISECONDS = 700


def load_flowgraph(path: Path) -> type:
    """The top block class of a script that grcc made."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, path.stem)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("flowgraph", type=Path, help="script that grcc built from an example")
    parser.add_argument("--screenshot", type=Path, help="file for an image of the window")
    parser.add_argument("--size", default="1500x560", help="of the window (default: %(default)s)")
    arguments = parser.parse_args(argv)
    application = Qt.QApplication(sys.argv[:1])
    decoder, states = EXAMPLES[arguments.flowgraph.stem]
    top = load_flowgraph(arguments.flowgraph)()
    received, sent_images = blocks.message_debug(), blocks.message_debug()
    top.msg_connect((getattr(top, decoder), "images"), (received, "store"))
    top.msg_connect((top.source, "sent"), (sent_images, "store"))
    top.source.set_interval(0.05)
    top.resize(*map(int, arguments.size.split("x")))
    top.start()
    top.show()

    sent = load_image(vqdeepsc.sample_image())
    waiting = iter(states.items())
    shown: dict[str, np.ndarray] = {}

    def next_state() -> None:
        name, values = next(waiting, (None, None))
        if name is None:
            application.quit()
            return
        for variable, value in values.items():
            getattr(top, f"set_{variable}")(value)
        # Images that went out before the channel changed are not counted, however many wait.
        first = sent_images.num_messages() + IMAGES_BETWEEN
        looked_at = received.num_messages()
        timer = Qt.QTimer(application)

        def look() -> None:
            nonlocal looked_at
            while looked_at < received.num_messages():
                image, number = pdu_to_image(received.get_message(looked_at))
                looked_at += 1
                # Numbers begin at a random one.
                begin = pmt.car(sent_images.get_message(0))
                begun = pmt.to_long(pmt.dict_ref(begin, pmt.intern("image"), pmt.PMT_NIL))
                if (number - begun) % IMAGE_IDS >= first:
                    shown[name] = image
                    timer.stop()
                    Qt.QTimer.singleShot(SETTLE_MILLISECONDS, finish)
                    return

        def finish() -> None:
            if arguments.screenshot and name == next(iter(states)):
                top.grab().save(str(arguments.screenshot))
            next_state()

        timer.timeout.connect(look)
        timer.start(50)

    Qt.QTimer.singleShot(0, next_state)
    application.exec_()
    top.stop()
    top.wait()
    print(json.dumps({name: float(ssim(sent, image)) for name, image in shown.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
