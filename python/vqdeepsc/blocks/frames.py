# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and regions as GNU Radio messages and tags.

A picture PDU is (dictionary with ``picture``, ``width``, ``height``; u8vector with RGB in
raster order). A region PDU is (dictionary of a :class:`FrameHeader`; u8vector with one payload
bit per item or f32vector with their LLRs); the dictionary may have ``copies``, how many copies
of the region went into the LLRs, ``block_errors``, how many of its code blocks failed, and of its
burst ``snr_db`` and ``decoded``, when it was decoded (seconds as of time.monotonic()). On a
stream, the first item of a region carries a tag ``frame`` whose value is the same dictionary. The
value names nothing that depends on the rate of the stream, so the tag means the same before and
after coding and mapping.
"""

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pmt
from gnuradio import gr

from vqdeepsc.codec import Codec
from vqdeepsc.codec.regions import region_count
from vqdeepsc.limits import MAXIMUM_PIXELS, MAXIMUM_SIDE, pixels_fault

FRAME_TAG = "frame"
IMAGE_IDS = 1 << 16
RANDOM_IMAGE = -1
"""In place of the first image's number: one that is drawn."""
# Certain, yet far from overflow when LLRs of several copies are added.
CERTAIN_LLR = 100.0


class FrameError(ValueError):
    """A message or tag that is not what this module sends."""


def _integer(dictionary: pmt.pmt_base, key: str, low: int, high: int) -> int:
    value = pmt.dict_ref(dictionary, pmt.intern(key), pmt.PMT_NIL)
    if not pmt.is_integer(value):
        raise FrameError(f"the dictionary has no integer '{key}'")
    number = pmt.to_long(value)
    if not low <= number <= high:
        raise FrameError(f"'{key}' is {number}, outside {low} to {high}")
    return number


def _size(dictionary: pmt.pmt_base, max_pixels: int) -> tuple[int, int]:
    """(width, height) of the image that a dictionary tells of."""
    width = _integer(dictionary, "width", 1, MAXIMUM_SIDE)
    height = _integer(dictionary, "height", 1, MAXIMUM_SIDE)
    if fault := pixels_fault(width, height, max_pixels):
        raise FrameError(f"the image {fault}")
    return width, height


@dataclass(frozen=True)
class FrameHeader:
    """What a receiver must know of one 128x128 region.

    picture: 0 to 65535, width and height in pixels of the whole picture, region: place in
    raster order, model: 16-bit id of the codebooks.
    """

    picture: int
    width: int
    height: int
    region: int
    model: int

    def to_pmt(self) -> pmt.pmt_base:
        """The header as a PMT dictionary."""
        dictionary = pmt.make_dict()
        for key, value in self.__dict__.items():
            dictionary = pmt.dict_add(dictionary, pmt.intern(key), pmt.from_long(value))
        return dictionary

    @classmethod
    def from_pmt(cls, dictionary: pmt.pmt_base, max_pixels: int = MAXIMUM_PIXELS) -> "FrameHeader":
        """Read a dictionary; raises FrameError for a missing entry or one out of range.

        max_pixels: width times height of the largest picture of which regions are taken.
        """
        if not pmt.is_dict(dictionary):
            raise FrameError("the frame has no dictionary")
        picture = _integer(dictionary, "picture", 0, IMAGE_IDS - 1)
        width, height = _size(dictionary, max_pixels)
        region = _integer(dictionary, "region", 0, region_count(width, height) - 1)
        return cls(picture, width, height, region, _integer(dictionary, "model", 0, 65535))


class ImageNumbers:
    """Numbers of the images of one sender, each the one after the last, modulo 65536.

    They begin at a random one, for a receiver takes regions of one number and size for one image,
    also where its sender was started again in between.

    first: number of the first image, 0 to 65535, or RANDOM_IMAGE. Raises ValueError for another.
    """

    def __init__(self, first: int = RANDOM_IMAGE) -> None:
        if not RANDOM_IMAGE <= first < IMAGE_IDS:
            raise ValueError(
                f"first_image is {first}, but must be 0 to {IMAGE_IDS - 1}, or -1 for a random one"
            )
        self._next = secrets.randbelow(IMAGE_IDS) if first == RANDOM_IMAGE else int(first)

    def take(self, number: int | None = None) -> int:
        """The number of the next image; an image that brings its own number keeps it."""
        taken = self._next if number is None else number
        self._next = (taken + 1) % IMAGE_IDS
        return taken


END_OF_IMAGES = pmt.PMT_EOF
"""In place of a picture PDU: no more will come."""


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


@dataclass(frozen=True)
class Burst:
    """What a region PDU tells of its burst: SNR in dB, and time.monotonic() when it was decoded."""

    snr_db: float
    decoded: float

    @classmethod
    def from_pmt(cls, dictionary: pmt.pmt_base) -> "Burst | None":
        """Read the dictionary of a region PDU; None where it tells of no burst."""
        values = [
            pmt.dict_ref(dictionary, pmt.intern(key), pmt.PMT_NIL) for key in ("snr_db", "decoded")
        ]
        return cls(*map(pmt.to_double, values)) if all(map(pmt.is_real, values)) else None


def image_to_pdu(image: np.ndarray, picture: int) -> pmt.pmt_base:
    """A picture PDU of image, uint8 [H, W, 3]."""
    height, width = image.shape[:2]
    dictionary = pmt.make_dict()
    for key, value in (("picture", picture), ("width", width), ("height", height)):
        dictionary = pmt.dict_add(dictionary, pmt.intern(key), pmt.from_long(value))
    return pmt.cons(dictionary, u8vector(image))


def publish_image(
    block: gr.basic_block, port: pmt.pmt_base, image: np.ndarray, picture: int
) -> None:
    """Publish an image at a message port of the block, if anybody listens there.

    A PDU takes many times the memory of an image, which most receivers need for files alone."""
    if pmt.is_pair(block.message_subscribers(port)):
        block.message_port_pub(port, image_to_pdu(image, picture))


def u8vector(values: np.ndarray) -> pmt.pmt_base:
    """A PMT of uint8 values; pmt itself takes an array ten times slower than a list."""
    return pmt.init_u8vector(values.size, values.reshape(-1).tolist())


def pdu_to_image(
    pdu: pmt.pmt_base, max_pixels: int = MAXIMUM_PIXELS
) -> tuple[np.ndarray, int | None]:
    """(uint8 [H, W, 3], picture id or None) of a picture PDU; raises FrameError.

    max_pixels: width times height of the largest picture that is taken.
    """
    if not pmt.is_pair(pdu) or not pmt.is_dict(pmt.car(pdu)) or not pmt.is_u8vector(pmt.cdr(pdu)):
        raise FrameError("a picture PDU is a pair of a dictionary and a u8vector")
    dictionary = pmt.car(pdu)
    width, height = _size(dictionary, max_pixels)
    size = pmt.length(pmt.cdr(pdu))
    if size != width * height * 3:
        raise FrameError(f"{size} bytes are no RGB picture of {width}x{height} pixels")
    pixels = np.array(pmt.to_python(pmt.cdr(pdu)), np.uint8)
    known = pmt.dict_has_key(dictionary, pmt.intern("picture"))
    picture = _integer(dictionary, "picture", 0, IMAGE_IDS - 1) if known else None
    return pixels.reshape(height, width, 3), picture


def image_to_frames(
    codec: Codec, image: np.ndarray, picture: int
) -> Iterator[tuple[FrameHeader, np.ndarray]]:
    """Header and payload bits, uint8 [bits_per_region], of each region of image."""
    height, width = image.shape[:2]
    for region, bits in enumerate(codec.encode_bits(image)):
        yield FrameHeader(picture, width, height, region, codec.model_id), bits


@dataclass(frozen=True)
class ReceivedImage:
    """A decoded picture: uint8 [H, W, 3], its id, and how many of its regions arrived.

    snr_db: mean of its bursts, decoded: when the last of them was (time.monotonic()); None where
    the regions did not tell.
    """

    image: np.ndarray
    picture: int
    regions: int
    received: int
    snr_db: float | None = None
    decoded: float | None = None


class ImageAssembler:
    """Collects regions until a picture is complete or the next one begins.

    copies: how often each region is sent, at least 1; a picture is complete with so many of each.
    """

    def __init__(self, codec: Codec, copies: int = 1) -> None:
        check_copies(copies)
        self._codec = codec
        self._copies = copies
        self._header: FrameHeader | None = None
        # Of each region that has arrived, for a header may claim any number of them.
        self._llrs: dict[int, np.ndarray] = {}
        self._received: Counter[int] = Counter()
        self._sure: set[int] = set()
        self._complete = 0
        self._bursts = 0
        self._snr_sum = 0.0
        self._decoded: float | None = None

    @property
    def has_begun(self) -> bool:
        """Whether some regions of a picture have arrived and the picture is not drawn."""
        return self._header is not None

    def add(
        self,
        header: FrameHeader,
        llrs: np.ndarray,
        combined: int = 1,
        errors: int | None = None,
        burst: Burst | None = None,
    ) -> list[ReceivedImage]:
        """Take LLRs float [bits_per_region] of one region; return the pictures that are done.

        LLRs of a region that comes twice are added, unless the later ones stem from several
        copies already (combined > 1): then they take the place of the earlier ones. A region
        without errors (errors: of its code blocks, None if unknown) stays as it is, whatever
        comes after it. Raises FrameError for a region of another model or of another length.
        """
        codec = self._codec
        if header.model != codec.model_id:
            raise FrameError(
                f"the frame is of model {header.model:04x}, the codebooks here are "
                f"{codec.model_id:04x}"
            )
        if llrs.shape != (codec.bits_per_region,):
            raise FrameError(f"a region has {codec.bits_per_region} bits, not {llrs.size}")
        done = []
        current = self._header
        if current and (current.picture, current.width, current.height) != (
            header.picture,
            header.width,
            header.height,
        ):
            done = self.flush()
        if self._header is None:
            self._header = header
        region = header.region
        if region not in self._sure:
            if errors == 0 or combined > 1 or region not in self._llrs:
                self._llrs[region] = np.array(llrs, np.float32)
            else:
                self._llrs[region] += llrs
            if errors == 0:
                self._sure.add(region)
        self._received[region] += 1
        if burst:
            self._bursts += 1
            self._snr_sum += burst.snr_db
            self._decoded = burst.decoded
        self._complete += self._received[region] == self._copies
        if self._complete == region_count(header.width, header.height):
            done += self.flush()
        return done

    def flush(self) -> list[ReceivedImage]:
        """Draw what has arrived of the current picture, if any."""
        header, self._header = self._header, None
        if header is None:
            return []
        llrs, self._llrs = self._llrs, {}
        decoded, self._decoded = self._decoded, None
        snr_db = self._snr_sum / self._bursts if self._bursts else None
        self._bursts, self._snr_sum = 0, 0.0
        self._received.clear()
        self._sure.clear()
        self._complete = 0
        image = self._codec.decode_received(llrs, header.width, header.height)
        regions = region_count(header.width, header.height)
        return [ReceivedImage(image, header.picture, regions, len(llrs), snr_db, decoded)]


def check_copies(copies: int) -> None:
    """Raises ValueError unless copies, how often each region is sent, is at least 1."""
    if copies < 1:
        raise ValueError(f"copies is {copies}, but must be at least 1")


def bits_to_llrs(bits: np.ndarray) -> np.ndarray:
    """LLRs ln P(1)/P(0) of decided bits, float32."""
    return np.where(np.asarray(bits) & 1, CERTAIN_LLR, -CERTAIN_LLR).astype(np.float32)
