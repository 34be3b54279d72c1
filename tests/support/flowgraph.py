# SPDX-License-Identifier: GPL-3.0-or-later
"""What several flowgraph tests share."""

import numpy as np
import pmt
from gnuradio import gr, vqdeepsc
from PIL import Image
from vqdeepsc.images.files import load_image

MODELS = ("vqdeepsc-4s", "vqdeepsc-3s")
"""One of each number of scales that is shipped."""


def photograph(width: int, height: int) -> np.ndarray:
    """uint8 [height, width, 3]."""
    image = Image.fromarray(load_image(vqdeepsc.sample_image()))
    return np.asarray(image.resize((width, height)))


def make_tag(offset: int, key: str, value: pmt.pmt_base) -> gr.tag_t:
    """A tag for the sources that take a list of them."""
    tag = gr.tag_t()
    tag.offset = offset
    tag.key = pmt.intern(key)
    tag.value = value
    return tag
