# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and regions as GNU Radio messages and tags.

An image PDU is (dictionary with ``image``, ``width``, ``height``; u8vector with RGB in raster
order). A region PDU is (dictionary with the fields of a frame header; u8vector with one payload bit
per item or f32vector with their LLRs); the dictionary may have ``copies``, how many copies of the
region went into the LLRs, ``block_errors``, how many of its code blocks failed, and of its burst
``redundancy_version``, ``snr_db`` and ``decoded``, when it was decoded (seconds as of
time.monotonic()). On a stream, the first item of a region carries a tag ``frame`` whose value is
the same dictionary. The value names nothing that depends on the rate of the stream, so the tag
means the same before and after coding and mapping.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pmt
from gnuradio import gr
from numpy.typing import ArrayLike, NDArray

from vqdeepsc.allocation import (
    NO_BUDGET,
    Budget,
    check_budget,
    check_frame_bits,
    encode_frames,
)
from vqdeepsc.codec import Codec
from vqdeepsc.errors import Error, ParameterError
from vqdeepsc.kernels import FrameHeader
from vqdeepsc.limits import MAXIMUM_PIXELS, MAXIMUM_SIDE, pixels_error

from ..vqdeepsc_python import array_to_u8vector, u8vector_to_array

FRAME_TAG = "frame"
IMAGE_IDS = 1 << 16
SESSIONS = 1 << 32
RANDOM = -1
"""In place of the number of a session or of its first image: a random one."""
# Certain, yet far from overflow when LLRs of several copies are added.
CERTAIN_LLR = 100.0


class FrameError(Error):
    """A message or tag that is not what this module sends."""


def _integer(dictionary: pmt.pmt_base, key: str, low: int, high: int) -> int:
    value = pmt.dict_ref(dictionary, pmt.intern(key), pmt.PMT_NIL)
    if not pmt.is_integer(value):
        raise FrameError(f"the dictionary has no integer '{key}'")
    number: int = pmt.to_long(value)
    if not low <= number <= high:
        raise FrameError(f"'{key}' is {number}, outside {low} to {high}")
    return number


def _size(dictionary: pmt.pmt_base, max_pixels: int) -> tuple[int, int]:
    """(width, height) of the image that a dictionary names."""
    width = _integer(dictionary, "width", 1, MAXIMUM_SIDE)
    height = _integer(dictionary, "height", 1, MAXIMUM_SIDE)
    if error := pixels_error(width, height, max_pixels):
        raise FrameError(f"the image {error}")
    return width, height


def header_to_pmt(header: FrameHeader) -> pmt.pmt_base:
    """The fields of a frame header as a PMT dictionary."""
    dictionary = pmt.make_dict()
    for name in FrameHeader.FIELDS:
        value = pmt.from_long(getattr(header, name))
        dictionary = pmt.dict_add(dictionary, pmt.intern(name), value)
    return dictionary


def header_from_pmt(dictionary: pmt.pmt_base, max_pixels: int = MAXIMUM_PIXELS) -> FrameHeader:
    """The inverse of header_to_pmt(); raises FrameError for an entry that is missing or wrong.

    max_pixels: width times height of the largest image of which regions are taken.
    """
    if not pmt.is_dict(dictionary):
        raise FrameError("the frame has no dictionary")
    fields = {name: _integer(dictionary, name, 0, SESSIONS - 1) for name in FrameHeader.FIELDS}
    try:
        header = FrameHeader(**fields)
    except ValueError as error:
        raise FrameError(str(error)) from error
    if reason := pixels_error(header.width, header.height, max_pixels):
        raise FrameError(f"the image {reason}")
    return header


def take_session(session: int = RANDOM) -> int:
    """The number of a sender's run, 0 to 2^32 - 1, or RANDOM; raises ParameterError for another.

    Receivers put an image together from frames of one session alone."""
    if not RANDOM <= session < SESSIONS:
        raise ParameterError(
            f"session is {session}, but must be 0 to {SESSIONS - 1}, or -1 for a random one"
        )
    return secrets.randbelow(SESSIONS) if session == RANDOM else int(session)


class ImageNumbers:
    """Numbers of the images of one sender, each the one after the last, modulo 65536.

    first: number of the first image, 0 to 65535, or RANDOM. Raises ParameterError for another.
    """

    def __init__(self, first: int = RANDOM) -> None:
        if not RANDOM <= first < IMAGE_IDS:
            raise ParameterError(
                f"first_image is {first}, but must be 0 to {IMAGE_IDS - 1}, or -1 for a random one"
            )
        self._next = secrets.randbelow(IMAGE_IDS) if first == RANDOM else int(first)

    def take(self, number: int | None = None) -> int:
        """The number of the next image; an image that brings its own number keeps it."""
        taken = self._next if number is None else number
        self._next = (taken + 1) % IMAGE_IDS
        return taken


REDUNDANCY_VERSIONS = (0, 2, 3, 1)
"""Of an image's copies, in turn: each brings as much news as it can (3GPP TS 38.214 §5.1.2.1)."""

VERSION_KEY = pmt.intern("redundancy_version")
"""Entry of a frame's dictionary for any other redundancy version than the LDPC encoder's."""

END_OF_IMAGES = pmt.PMT_EOF
"""In place of an image PDU: no more will come."""


def combined_copies(dictionary: pmt.pmt_base) -> int:
    """How many copies went into the LLRs of a region PDU with that dictionary."""
    if not pmt.dict_has_key(dictionary, pmt.intern("copies")):
        return 1
    return _integer(dictionary, "copies", 1, 2**31 - 1)


def block_errors(dictionary: pmt.pmt_base) -> int | None:
    """How many code blocks of a region PDU with that dictionary failed; None if it does not say."""
    if not pmt.dict_has_key(dictionary, pmt.intern("block_errors")):
        return None
    return _integer(dictionary, "block_errors", 0, 2**31 - 1)


def redundancy_version(dictionary: pmt.pmt_base) -> int:
    """The redundancy version of the burst of a region PDU with that dictionary, 0 without any."""
    if not pmt.dict_has_key(dictionary, VERSION_KEY):
        return 0
    return _integer(dictionary, "redundancy_version", 0, len(REDUNDANCY_VERSIONS) - 1)


@dataclass(frozen=True)
class Burst:
    """What a region PDU says of its burst: SNR in dB, and time.monotonic() when it was decoded."""

    snr_db: float
    decoded_at: float

    @classmethod
    def from_pmt(cls, dictionary: pmt.pmt_base) -> "Burst | None":
        """Read the dictionary of a region PDU; None where it has no burst."""
        values = [
            pmt.dict_ref(dictionary, pmt.intern(key), pmt.PMT_NIL) for key in ("snr_db", "decoded")
        ]
        return cls(*map(pmt.to_double, values)) if all(map(pmt.is_real, values)) else None


def image_to_pdu(
    image: NDArray[np.uint8], number: int, pixels: pmt.pmt_base | None = None
) -> pmt.pmt_base:
    """An image PDU of image, uint8 [H, W, 3]; pixels: its values, where a PMT has them already."""
    height, width = image.shape[:2]
    dictionary = pmt.make_dict()
    for key, value in (("image", number), ("width", width), ("height", height)):
        dictionary = pmt.dict_add(dictionary, pmt.intern(key), pmt.from_long(value))
    return pmt.cons(dictionary, array_to_u8vector(image) if pixels is None else pixels)


def publish_image(
    block: gr.basic_block,
    port: pmt.pmt_base,
    image: NDArray[np.uint8],
    number: int,
    pixels: pmt.pmt_base | None = None,
) -> None:
    """Publish an image at a message port of the block, if anybody listens there.

    Most receivers need an image for its file alone. pixels: as at image_to_pdu()."""
    if pmt.is_pair(block.message_subscribers(port)):
        block.message_port_pub(port, image_to_pdu(image, number, pixels))


class NumberedImage(NamedTuple):
    """An image, uint8 [H, W, 3], and its number, None for one that has none."""

    image: NDArray[np.uint8]
    number: int | None = None


class Frame(NamedTuple):
    """Header and payload bits, uint8 [bits of a frame], of a region or other blocks."""

    header: FrameHeader
    bits: NDArray[np.uint8]


def pdu_to_image(pdu: pmt.pmt_base, max_pixels: int = MAXIMUM_PIXELS) -> NumberedImage:
    """The image of an image PDU; raises FrameError.

    The image reads the PDU's own bytes, and cannot be written.
    max_pixels: width times height of the largest image that is taken.
    """
    if not pmt.is_pair(pdu) or not pmt.is_dict(pmt.car(pdu)) or not pmt.is_u8vector(pmt.cdr(pdu)):
        raise FrameError("an image PDU is a pair of a dictionary and a u8vector")
    dictionary = pmt.car(pdu)
    width, height = _size(dictionary, max_pixels)
    size = pmt.length(pmt.cdr(pdu))
    if size != width * height * 3:
        raise FrameError(f"{size} bytes are no RGB image of {width}x{height} pixels")
    pixels = u8vector_to_array(pmt.cdr(pdu))
    known = pmt.dict_has_key(dictionary, pmt.intern("image"))
    number = _integer(dictionary, "image", 0, IMAGE_IDS - 1) if known else None
    return NumberedImage(pixels.reshape(height, width, 3), number)


def frames_of_image(
    codec: Codec, frame_bits: int, frames: int, bits_per_pixel: float, quality: float
) -> tuple[int, Budget]:
    """Bits of each frame, and the budget of an image, of the parameters that blocks have for them.

    frame_bits: 0 for those of a region; frames: of each image; quality: PSNR in dB; of the last
    three one alone may be above 0. Raises ParameterError for what the model does not take."""
    length = check_frame_bits(codec, int(frame_bits))
    budget = Budget(float(bits_per_pixel), int(frames) * length, float(quality))
    check_budget(codec, budget)
    return length, budget


def image_to_frames(
    codec: Codec,
    image: NDArray[np.uint8],
    number: int,
    session: int,
    frame_bits: int = 0,
    budget: Budget = NO_BUDGET,
) -> Iterator[Frame]:
    """The frames of an image: one for each region, or as many as a budget allows.

    frame_bits: of each frame, 0 for those of a region. Raises ParameterError as
    :func:`.encode_frames` does."""
    height, width = image.shape[:2]
    allocation = encode_frames(codec, image, budget, frame_bits=frame_bits or codec.bits_per_region)
    for run, bits in zip(allocation.runs, allocation.bits, strict=True):
        header = FrameHeader(
            model=codec.model_id,
            session=session,
            image=number,
            width=width,
            height=height,
            first_block=run.first_block,
            block_bits=run.block_bits if codec.layout.embedded else 0,
        )
        yield Frame(header, bits)


def check_copies(copies: int) -> None:
    """Raises ParameterError unless copies, how often each region is sent, is at least 1."""
    if copies < 1:
        raise ParameterError(f"copies is {copies}, but must be at least 1")


def bits_to_llrs(bits: ArrayLike) -> NDArray[np.float32]:
    """LLRs ln P(1)/P(0) of decided bits, float32."""
    return np.where(np.asarray(bits) & 1, CERTAIN_LLR, -CERTAIN_LLR).astype(np.float32)
