# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc transmit`: images out over a radio."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import pmt
from gnuradio import gr

from vqdeepsc.allocation import NO_BUDGET, Budget
from vqdeepsc.codec import DEFAULT_MODEL, find_model, read_manifest
from vqdeepsc.codec.providers import DEFAULT_PROVIDER
from vqdeepsc.errors import Error, ParameterError
from vqdeepsc.images.files import ImageError, crop_square
from vqdeepsc.images.search import NO_SEARCH, Search
from vqdeepsc.limits import pixels_error
from vqdeepsc.messages import complain

from ..blocks.frames import END_OF_IMAGES, RANDOM, ImageNumbers, image_to_pdu
from ..blocks.message_sink import message_sink
from ..blocks.requests import Request
from ..blocks.semantic_source import semantic_source
from .asking import NO_ANSWERS, Answering, RequestSocket
from .bursts import DEFAULT_BURST, BurstParameters
from .devices import make_transmitter
from .session import EventLog, run_flowgraph
from .settings import RadioError, RadioSettings
from .sources import Item

_WAIT_SECONDS = 0.1
_WAITING_REQUESTS = 64


class _sent_images(message_sink):
    """Calls back with the number of each image that goes out."""

    def __init__(self, callback: Callable[[int], None]) -> None:
        message_sink.__init__(self, "sent_images", "images")
        self._callback = callback

    def _take(self, message: pmt.pmt_base) -> None:
        header = pmt.car(message)
        self._callback(pmt.to_long(pmt.dict_ref(header, pmt.intern("image"), pmt.PMT_NIL)))


class Transmitter(gr.top_block):
    """Images, source coding, bursts and one end of a radio.

    settings: the radio
    model: name of a model or path of a bundle
    burst: its bursts
    interval: seconds from the beginning of one image to that of the next
    copies: how often each image is sent
    first_image: id of the first image, 0 to 65,535, or -1 for a random one
    session: number of this run, 0 to 2^32 - 1, or -1 for a random one
    search: for better indices, before each image begins to go out
    budget: of the bits of an image, of a progressive model
    image_seconds: that an image takes on the air at most, with all its copies, 0 for none; in place
        of a budget
    provider: what the encoder runs on
    answering: whether frames are kept for receivers that ask
    on_sent: called with (id, name) when an image begins to go out
    Raises Error for parameters out of range and for a radio that is not there.
    """

    def __init__(
        self,
        settings: RadioSettings,
        model: str,
        burst: BurstParameters = DEFAULT_BURST,
        interval: float = 0.0,
        copies: int = 1,
        first_image: int = RANDOM,
        session: int = RANDOM,
        search: Search = NO_SEARCH,
        budget: Budget = NO_BUDGET,
        image_seconds: float = 0.0,
        provider: str = DEFAULT_PROVIDER,
        answering: Answering = NO_ANSWERS,
        on_sent: Callable[[int, str], None] = lambda number, name: None,
    ) -> None:
        gr.top_block.__init__(self, "vqdeepsc transmit")
        self._on_sent = on_sent
        self._names: deque[str] = deque()
        self._numbers = ImageNumbers(first_image)
        # One image is on its way and the next one waits, so that a camera's is never old.
        self._room = threading.Semaphore(1)
        self.source = semantic_source(
            model=model,
            interval=interval,
            copies=copies,
            session=session,
            search=search.seconds,
            search_for=search.goal,
            search_steps=search.steps,
            provider=provider,
            frame_bits=burst.frame_bits,
            frames=self._frames(settings, model, burst, copies, image_seconds),
            bits_per_pixel=budget.bits_per_pixel,
            quality=budget.psnr_db,
            kept_images=answering.kept_images if answering.address else 0,
            answer_seconds=answering.answer_seconds,
        )
        self.bursts = burst.transmitter(self.source.codec)
        self.radio = make_transmitter(settings)
        self.answering = answering
        self.sent = _sent_images(self._note_sent)
        self.connect(self.source, self.bursts, self.radio.block)
        self.msg_connect((self.source, "sent"), (self.sent, "images"))

    @staticmethod
    def _frames(
        settings: RadioSettings,
        model: str,
        burst: BurstParameters,
        copies: int,
        image_seconds: float,
    ) -> int:
        """Bursts of each copy of an image that takes so long, 0 for as many as there are."""
        if not image_seconds:
            return 0
        payload_bits = burst.frame_bits or read_manifest(find_model(model)).bits_per_region
        samples = burst.samples(payload_bits, {})
        samples += 0 if settings.is_device else settings.gap
        frames = int(image_seconds * settings.sample_rate / (samples * copies))
        if not frames:
            least = samples * copies / settings.sample_rate
            raise ParameterError(
                f"an image of {image_seconds:g} s has no time for a burst of {payload_bits:,} "
                f"bits in {copies} copies, which takes {least:.3g} s"
            )
        return frames

    @property
    def unsent(self) -> int:
        """How many of the images that were handed to the source have not begun to go out."""
        return len(self._names)

    def _note_sent(self, number: int) -> None:
        self._room.release()
        self._on_sent(number, self._names.popleft())

    def feed(
        self,
        images: Iterable[Item],
        ended: threading.Event,
        on_error: Callable[[str], None],
        limit: int = 0,
        side: int = 0,
    ) -> None:
        """Send the images until there are no more, limit is reached (0: none) or ended is set.

        An image that cannot be read is reported to on_error and skipped. side: of the square
        that is cut from the centre, or 0 for images as they are.
        """
        posted = 0
        for item in images:
            if ended.is_set():
                break
            if item is None:
                continue
            name, image = item
            try:
                if isinstance(image, Error):
                    raise image
                image = crop_square(image, side) if side else image
                # The source would refuse it and never say that it went out.
                if problem := pixels_error(image.shape[1], image.shape[0]):
                    raise ImageError(f"{name} {problem}")
            except Error as error:
                on_error(str(error))
                continue
            while not self._room.acquire(timeout=_WAIT_SECONDS):
                if ended.is_set():
                    return
            self._names.append(name)
            self._post(image_to_pdu(image, self._numbers.take()))
            posted += 1
            if posted == limit:
                break
        self._post(END_OF_IMAGES)

    def _post(self, message: pmt.pmt_base) -> None:
        self.source.to_basic_block()._post(pmt.intern("images"), message)

    def ask(self, request: Request) -> None:
        """Hand a receiver's request to the source, unless many wait there."""
        port = pmt.intern("requests")
        if self.source.to_basic_block().nmsgs(port) < _WAITING_REQUESTS:
            self.source.to_basic_block()._post(port, request.to_pmt())


class Outcome(NamedTuple):
    """How many images went out, and how many that were asked for did not.

    missing: those that could not be read or are too large; none where somebody ended sending."""

    sent: int
    missing: int


def transmit(
    images: Iterable[Item],
    settings: RadioSettings,
    model: str = DEFAULT_MODEL,
    burst: BurstParameters = DEFAULT_BURST,
    *,
    interval: float = 0.0,
    copies: int = 1,
    first_image: int = RANDOM,
    session: int = RANDOM,
    search: Search = NO_SEARCH,
    budget: Budget = NO_BUDGET,
    image_seconds: float = 0.0,
    provider: str = DEFAULT_PROVIDER,
    answering: Answering = NO_ANSWERS,
    limit: int = 0,
    side: int = 0,
    log: str | os.PathLike[str] = "",
    control: str = "",
    secret: bytes = b"",
    seconds: float = 0.0,
    on_image: Callable[[str], None] = lambda sentence: None,
) -> Outcome:
    """Send images over a radio.

    images: as the iterators of .sources give them; settings, model, burst, interval, copies,
    first_image, session, search, budget, image_seconds, provider: as at Transmitter; answering:
    where receivers ask for what is missing. limit: most images, 0 for all; side: of the square that
    is cut from the centre, 0 for images as they are; log: file of events, "" for none; control:
    ZeroMQ address that takes gain and frequency; secret: that others then need, as those who ask
    do; seconds: after which it ends, 0 for never; on_image: called with a sentence for each image
    that begins to go out. Raises as send() does.
    """
    make = partial(
        Transmitter,
        settings,
        model,
        burst,
        interval=interval,
        copies=copies,
        first_image=first_image,
        session=session,
        search=search,
        budget=budget,
        image_seconds=image_seconds,
        provider=provider,
        answering=answering,
    )
    with EventLog(log) as events:
        return send(images, make, events, limit, side, control, secret, seconds, on_image)


def send(
    images: Iterable[Item],
    transmitter: Callable[..., Transmitter],
    log: EventLog,
    limit: int = 0,
    side: int = 0,
    control: str = "",
    secret: bytes = b"",
    seconds: float = 0.0,
    on_image: Callable[[str], None] = lambda sentence: None,
) -> Outcome:
    """Send the images.

    transmitter: makes the flowgraph when called with on_sent; the others are as at transmit().
    Raises Error for what is wrong with an image source, a radio or an address, if no image could be
    sent and if sending ended early, OSError where what was sent cannot be logged.
    """
    ended = threading.Event()
    errors: list[Exception] = []
    sent = refused = 0

    def on_sent(number: int, name: str) -> None:
        nonlocal sent
        sent += 1
        try:
            log.write("sent", image=number, name=name)
            on_image(f"{name}: sent as image {number}")
        except (OSError, Error) as error:
            # The scheduler swallows what a handler raises, and the block would take no more.
            errors.append(error)
            ended.set()

    def on_error(sentence: str) -> None:
        nonlocal refused
        refused += 1
        log.write("not sent", reason=sentence)
        complain(sentence)

    def feed() -> None:
        try:
            top.feed(images, ended, on_error, limit, side)
        except Exception as error:
            # Without an end of the images the flowgraph would wait for ever.
            errors.append(error)
            top.feed((), ended, on_error)

    top = transmitter(on_sent=on_sent)
    feeding = threading.Thread(target=feed, daemon=True)
    feeding.start()
    address = top.answering.address
    try:
        with RequestSocket(address, top.ask, secret) if address else nullcontext():
            was_ended = run_flowgraph(
                top,
                top.radio,
                log,
                control,
                secret,
                seconds,
                ended.is_set,
                finish=top.sent.finish,
                abandon=top.source.codec.bundle.stop,
            )
    finally:
        ended.set()
        feeding.join(timeout=1.0)
        if isinstance(images, Generator) and not feeding.is_alive():
            images.close()  # the camera or the socket that they come from
        log.write("end", images=sent, **({"answers": top.source.answers} if address else {}))
    if errors:
        raise errors[0]
    if top.source.error and not was_ended:
        raise top.source.error
    if not was_ended and (feeding.is_alive() or top.unsent):
        raise RadioError(f"the radio took no more samples after {sent} images")
    if refused and not sent:
        raise ImageError("no image could be sent")
    if address:
        on_image(f"{top.source.answers} bursts sent again")
    enough = was_ended or (limit and sent >= limit)
    return Outcome(sent, 0 if enough else refused)
