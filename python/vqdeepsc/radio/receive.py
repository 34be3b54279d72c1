# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc receive`: images in from a radio."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pmt
from gnuradio import gr

from vqdeepsc.codec import DEFAULT_MODEL
from vqdeepsc.codec.providers import DEFAULT_PROVIDER
from vqdeepsc.errors import Error
from vqdeepsc.images.files import ImageError
from vqdeepsc.limits import MAXIMUM_PIXELS
from vqdeepsc.messages import complain, printable

from ..blocks.assembler import ReceivedImage
from ..blocks.image_folder import ImageFolder
from ..blocks.message_sink import message_sink
from ..blocks.requests import NO_ASKING, Asking
from ..blocks.semantic_decoder import semantic_decoder
from .asking import request_sender
from .bursts import DEFAULT_BURST, DEFAULT_RECEPTION, BurstParameters, Reception
from .devices import make_receiver
from .exchange import ImagePublisher
from .front_end import front_end
from .recordings.failed_bursts import BurstFolder, burst_recorder
from .session import EventLog, run_flowgraph
from .settings import RadioError, RadioSettings
from .signal_meter import signal_meter


class burst_log(message_sink):
    """Writes what the message port ``log`` says of bursts into the event log.

    It has a thread of its own, so that it knows when a burst came even while an image is decoded.

    count: how many bursts came, received or not
    error: why the first that was refused was
    """

    def __init__(self, log: EventLog) -> None:
        message_sink.__init__(self, "burst_log", "log")
        self._log = log
        self.count = 0
        self.error = ""
        self._mirrored = False

    def _take(self, message: pmt.pmt_base) -> None:
        try:
            burst = pmt.to_python(message)
            self.count += 1
            self.error = self.error or burst.get("error", "")
            if burst.get("mirrored") and burst["header_ok"] and not self._mirrored:
                self._mirrored = True
                complain("I and Q come swapped; they are swapped back")
            self._log.write("burst", **burst)
        except Exception as error:
            # The scheduler swallows what a handler raises.
            self.logger.error(printable(f"burst not logged: {error}"))


class image_receiver(semantic_decoder):
    """A semantic_decoder that keeps what it decodes.

    Images go into the folder, to the publisher (if any) and, with what is known of their
    bursts, into the event log.

    on_image: called with a sentence for each image
    limit: how many images are decoded, 0 for no limit
    ended: set it, and what waits is left undecoded
    undecoded: how many regions that came were left
    error: what the event log or on_image raised first, if anything
    unwritten: how many images could not be written into the folder
    write_error: why the first of them could not, in words
    """

    def __init__(
        self,
        folder: ImageFolder,
        log: EventLog,
        publisher: ImagePublisher | None = None,
        on_image: Callable[[str], None] = lambda sentence: None,
        limit: int = 0,
        **parameters: Any,
    ) -> None:
        semantic_decoder.__init__(self, **parameters)
        self.bursts = burst_log(log)
        self.images = 0
        self.ended = threading.Event()
        self.undecoded = 0
        self._limit = limit
        self.error: Exception | None = None
        self.unwritten = 0
        self.write_error = ""
        self._folder = folder
        self._log = log
        self._publisher = publisher
        self._on_image = on_image

    def stop(self) -> bool:
        # The blocks before this one may still have regions; finish() takes them in.
        return True

    @property
    def has_enough(self) -> bool:
        """Whether as many images were decoded as the limit says."""
        return bool(self._limit) and self.images >= self._limit

    def _decode(self, pdu: pmt.pmt_base) -> None:
        # The scheduler hands on all that waits before it ends a block.
        if self.ended.is_set() or self.has_enough:
            self.undecoded += 1
        else:
            super()._decode(pdu)

    def _flush(self, seconds: float = 0.0) -> None:
        if not self.has_enough:
            super()._flush(seconds)

    def finish(self) -> None:
        """Decode, unless it has ended, and log what is left; call it after the flowgraph."""
        self.bursts.finish()
        super().finish()

    def _publish(self, images: Iterable[ReceivedImage]) -> None:
        for image in images:
            if self.has_enough:
                return
            self._keep(image)
            super()._publish([image])

    def _keep(self, image: ReceivedImage) -> None:
        height, width = image.image.shape[:2]
        known: dict[str, Any] = {
            "image": image.number,
            "regions": image.regions,
            "received": image.received,
        }
        sentence = f"{width}x{height} pixels, {image.received} of {image.regions} regions"
        if image.snr_db is not None:
            known["snr_db"] = image.snr_db
            sentence += f", SNR {known['snr_db']:.1f} dB"
        try:
            known["file"] = str(self._folder.write(image.image, image.number))
            sentence = f"{known['file']}: {sentence}"
        except OSError as error:
            self.logger.error(f"image {image.number} not written: {error}")
            known["error"] = str(error)
            self.unwritten += 1
            self.write_error = self.write_error or error.strerror or str(error)
        if self._publisher:
            self._publisher.publish(image.image, known)
        if image.decoded_at is not None:
            known["latency_ms"] = round(1000 * (time.monotonic() - image.decoded_at), 1)
        self.images += 1
        try:
            self._log.write("image", width=width, height=height, **known)
            self._on_image(sentence)
        except (OSError, Error) as error:
            self.error = self.error or error


class Receiver(gr.top_block):
    """One end of a radio, bursts, source decoding and images.

    settings: the radio
    decoder: what decodes and keeps the images
    burst: the bursts to receive
    record: folder for bursts that fail, "" for none
    Raises Error for parameters out of range and for a radio that is not there.
    """

    def __init__(
        self,
        settings: RadioSettings,
        decoder: image_receiver,
        burst: BurstParameters = DEFAULT_BURST,
        record: str | os.PathLike[str] = "",
        reception: Reception = DEFAULT_RECEPTION,
    ) -> None:
        gr.top_block.__init__(self, "vqdeepsc receive")
        self.settings = settings
        self.decoder = decoder
        self.radio = make_receiver(settings)
        # a device's rate is what the driver made of the one that was asked for
        resample = settings.resample and not settings.is_device
        rate = settings.sample_rate if resample else self.radio.sample_rate
        self._front_end = front_end(self.radio.sample_rate, rate, settings.offset)
        if rate != self.radio.sample_rate:
            complain(f"{self.radio.sample_rate:,.0f} samples/s are resampled to {rate:,.0f}")
        self.bursts = burst.receiver(decoder.codec, rate, reception)
        self.meter = signal_meter(self.radio.sample_rate)
        self.connect(self.radio.block, *self._front_end, self.bursts)
        self.connect(self.radio.block, self.meter)
        self.msg_connect((self.bursts, "regions"), (decoder, "frames"))
        self.msg_connect((self.bursts, "log"), (decoder.bursts, "log"))
        self.recorder: burst_recorder | None = None
        if record:
            parameters = burst.receiver_parameters(decoder.codec, reception)
            folder = BurstFolder(record, rate, settings.frequency, parameters)
            payload_bits = burst.payload_bits(decoder.codec)
            self.recorder = burst_recorder(folder, partial(burst.samples, payload_bits))
            self.connect((self._front_end or [self.radio.block])[-1], self.recorder)
            self.msg_connect((self.bursts, "log"), (self.recorder, "log"))

    @property
    def error(self) -> Exception | None:
        """What ended the reception, if anything."""
        return self.decoder.error or (self.recorder.error if self.recorder else None)

    def finish(self) -> None:
        """Work on what is left; call it when the flowgraph has ended."""
        if self.recorder:
            self.recorder.finish()
        self.decoder.finish()


def receive(
    output: str | os.PathLike[str],
    settings: RadioSettings,
    model: str = DEFAULT_MODEL,
    burst: BurstParameters = DEFAULT_BURST,
    *,
    copies: int = 1,
    timeout: float = 0.0,
    max_pixels: int = MAXIMUM_PIXELS,
    provider: str = DEFAULT_PROVIDER,
    limit: int = 0,
    log: str | os.PathLike[str] = "",
    publish: str = "",
    control: str = "",
    secret: bytes = b"",
    seconds: float = 0.0,
    view: bool = False,
    record: str | os.PathLike[str] = "",
    reception: Reception = DEFAULT_RECEPTION,
    ask: str = "",
    asking: Asking = NO_ASKING,
    on_image: Callable[[str], None] = lambda sentence: None,
    on_event: Callable[[dict[str, Any]], None] = lambda event: None,
) -> int:
    """Receive images from a radio into the folder output; returns how many came.

    settings, model, burst: the radio, the model and what its bursts are like; copies, timeout,
    max_pixels, provider: as at semantic_decoder; limit: most images, 0 for no limit; log: file of
    events, "" for none; publish: ZeroMQ address for other programs, control: one that takes gain
    and frequency, with the secret that others then need; seconds: after which it ends, 0 for never;
    view: whether a window shows the newest image; record: folder for the samples of bursts that
    fail, "" for none; reception: which bursts are taken; ask: ZeroMQ address of the transmitter
    that is asked for what is missing, as asking says, "" for none; on_image: called with a sentence
    for each image; on_event: called with each event of the log.
    Raises as collect() does, and ImageError where an image could not be written.
    """
    folder = ImageFolder(output)
    with ExitStack() as stack:
        events = stack.enter_context(EventLog(log, on_event))
        publisher = ImagePublisher(publish, secret) if publish else None
        if publisher:
            stack.callback(publisher.close)
        decoder = image_receiver(
            folder,
            events,
            publisher,
            on_image=on_image,
            limit=limit,
            model=model,
            copies=copies,
            timeout=timeout,
            max_pixels=max_pixels,
            provider=provider,
            most_requests=asking.most_requests if ask else 0,
            ask_after=asking.ask_after,
        )
        top = Receiver(settings, decoder, burst, record, reception)
        if ask:
            sender = request_sender(ask, secret)
            stack.callback(sender.close)
            top.msg_connect((decoder, "requests"), (sender, "requests"))
        received = collect(top, events, control, secret, seconds, view)
    if decoder.unwritten:
        raise ImageError(
            f"{decoder.unwritten} of {received} images could not be written to {output}: "
            f"{decoder.write_error}"
        )
    return received


def collect(
    top: Receiver,
    log: EventLog,
    control: str = "",
    secret: bytes = b"",
    seconds: float = 0.0,
    view: bool = False,
) -> int:
    """Receive until the samples or the seconds end, the decoder has enough, or a signal comes.

    Unless the samples ended, regions that wait are left, and a sentence on stderr says how many. An
    image that takes a second and more to decode after a signal is left too.
    view: whether a window shows the newest image. Returns how many images were decoded. Raises
    Error for an address or a window that cannot be had and for a radio that ends by itself,
    and what the event log or the decoder's on_image raised.
    """
    application = None
    if view:
        application = _open_window(top)
    try:
        was_ended = run_flowgraph(
            top,
            top.radio,
            log,
            control,
            secret,
            seconds,
            lambda: bool(top.decoder.has_enough or top.error),
            application,
            on_end=top.decoder.ended.set,
            finish=top.finish,
            abandon=top.decoder.codec.bundle.stop,
        )
    finally:
        top.decoder.ended.set()
        top.finish()
        if top.decoder.undecoded:
            complain(f"{top.decoder.undecoded} regions that waited were not decoded")
        log.write("end", images=top.decoder.images)
    if top.error:
        raise top.error
    if sentence := _why_nothing(top):
        complain(sentence)
    if not was_ended and not top.settings.has_end:
        raise RadioError(f"the radio {top.settings.radio} gives no more samples")
    return top.decoder.images


def _why_nothing(top: Receiver) -> str:
    """What came in place of images, in one sentence, or "" where images or nothing to say came."""
    bursts = top.decoder.bursts
    if top.decoder.images or top.decoder.undecoded:
        return ""
    if not bursts.count:
        return top.meter.report(top.settings)
    reason = bursts.error or top.decoder.refusal or "no region was whole"
    return f"{bursts.count} bursts came, but none could be used: {reason}"


def _open_window(top: Receiver) -> Any:
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, screens)):
        # Qt would end the process
        raise Error("there is no screen for the live view")
    try:
        from PyQt5 import Qt

        from ..blocks.image_display import image_display
    except ImportError as error:
        raise Error(f"the live view needs PyQt5: {error}") from error
    application = Qt.QApplication([])
    top.display = image_display("received")
    top.msg_connect((top.decoder, "images"), (top.display, "images"))
    window = top.display.qwidget()
    window.setWindowTitle("vqdeepsc receive")
    window.resize(640, 480)
    window.show()
    return application
