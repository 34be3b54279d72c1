# SPDX-License-Identifier: GPL-3.0-or-later
"""The ends of a radio by name: UHD, SoapySDR, IIO, a file of samples, ZeroMQ.

A transmitting end takes complex samples of bursts tagged ``tx_sob`` and ``tx_eob`` with peaks
up to 1, full scale of the converter; a receiving end gives complex samples. What a driver or a
device lacks is said in one sentence when the end is made.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from gnuradio import gr

from vqdeepsc.messages import complain

from ..vqdeepsc_python import zero_fill
from .exchange import ExchangeError
from .recordings.blocks import recording_sink, recording_source
from .recordings.formats import RecordingError
from .recordings.opening import open_recording
from .recordings.reader import SampleReader
from .recordings.writer import SampleWriter
from .sample_socket import sample_socket
from .settings import DEFAULT_ADDRESS, RadioError, RadioSettings

# A HackRF's driver keeps up to 15 buffers of 131,072 samples; zeros push the last burst out.
_SOAPY_TAIL = 16 * 131_072
_IIO_BUFFER = 32_768
_IIO_TAIL = 8 * _IIO_BUFFER
# A receiver that filters and transforms blocks of samples wants some more after the last burst.
_FILE_TAIL = 16_384
# What ZeroMQ holds in its queues when the sender leaves is lost; better zeros than the last burst.
_ZMQ_QUEUE = 4
_ZMQ_BUFFER = 8192
_ZMQ_TAIL = 4 * _ZMQ_QUEUE * _ZMQ_BUFFER
_RECEIVER_GAIN = 30.0
_IIO_TRANSMITTER_GAIN = (-89.75, 0.0)


def _no_setting(value: float) -> None:
    raise RadioError("neither a file nor ZeroMQ has a frequency or gain to change")


@dataclass
class RadioEnd:
    """One end of a radio.

    block: takes or gives the complex samples
    set_frequency (Hz), set_gain (dB): change it while it runs; raise RadioError
    finish: call it when the flowgraph has ended; raises RecordingError for what could not be kept
    sample_rate: that of a recording that knows it, else the one that was asked for
    """

    block: gr.basic_block
    sample_rate: float
    set_frequency: Callable[[float], None] = _no_setting
    set_gain: Callable[[float], None] = _no_setting
    finish: Callable[[], None] = lambda: None


def make_transmitter(settings: RadioSettings) -> RadioEnd:
    """The end that bursts go into; raises RadioError, or RecordingError for a file."""
    return _TRANSMITTERS[settings.radio](settings)


def make_receiver(settings: RadioSettings) -> RadioEnd:
    """The end that samples come from; raises RadioError, or RecordingError for a file."""
    return _RECEIVERS[settings.radio](settings)


class _chain(gr.hier_block2):
    """Blocks in a row as one block, with a stream of complex samples at one end."""

    def __init__(self, name: str, *row: gr.basic_block, transmits: bool) -> None:
        samples = gr.io_signature(1, 1, gr.sizeof_gr_complex)
        nothing = gr.io_signature(0, 0, 0)
        ends = (samples, nothing) if transmits else (nothing, samples)
        gr.hier_block2.__init__(self, name, *ends)
        # A Python block that nothing refers to is collected.
        self._row = row
        self.connect(*([self, *row] if transmits else [*row, self]))


def _driver(radio: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(f"gnuradio.{module}")
    except ImportError as error:
        raise RadioError(f"GNU Radio here has no support for the radio {radio}: {error}") from error


@contextmanager
def _in_one_sentence(settings: RadioSettings) -> Iterator[None]:
    """What drivers throw has many lines and no name of the device."""
    try:
        yield
    except RadioError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        device = settings.device or "any device"
        reason = " ".join(str(error).split())[:200]
        raise RadioError(f"radio {settings.radio}, {device}: {reason}") from error


def _tunable(
    settings: RadioSettings,
    block: gr.basic_block,
    sample_rate: float,
    tune: Callable[[float], object],
    amplify: Callable[[float], object],
    usual_gain: float = _RECEIVER_GAIN,
) -> RadioEnd:
    """An end whose settings change in one sentence, tuned as the settings say.

    usual_gain: where the settings name none."""

    def set_frequency(frequency: float) -> None:
        with _in_one_sentence(settings):
            tune(frequency)

    def set_gain(gain: float) -> None:
        with _in_one_sentence(settings):
            amplify(gain)

    set_frequency(settings.frequency)
    set_gain(usual_gain if settings.gain is None else settings.gain)
    return RadioEnd(block, sample_rate, set_frequency, set_gain)


def _uhd_end(settings: RadioSettings, transmits: bool) -> RadioEnd:
    uhd = _driver("uhd", "uhd")
    with _in_one_sentence(settings):
        kind = uhd.usrp_sink if transmits else uhd.usrp_source
        # The tags tx_sob and tx_eob switch a USRP's transmitter, so nothing is filled in.
        block = kind(settings.device, uhd.stream_args(cpu_format="fc32", channels=[0]))
        block.set_samp_rate(settings.sample_rate)
        if settings.antenna:
            block.set_antenna(settings.antenna)
        if settings.bandwidth:
            block.set_bandwidth(settings.bandwidth)
        end = _tunable(
            settings,
            block,
            block.get_samp_rate(),
            _within(
                "frequency", "Hz", lambda: _uhd_range(block.get_freq_range()), block.set_center_freq
            ),
            _within("gain", "dB", lambda: _uhd_range(block.get_gain_range()), block.set_gain),
            _uhd_range(block.get_gain_range())[0] if transmits else _RECEIVER_GAIN,
        )
    _check_rate(settings, end)
    return end


def _uhd_transmitter(settings: RadioSettings) -> RadioEnd:
    return _uhd_end(settings, transmits=True)


def _uhd_receiver(settings: RadioSettings) -> RadioEnd:
    return _uhd_end(settings, transmits=False)


def _soapy_end(settings: RadioSettings, transmits: bool) -> RadioEnd:
    soapy = _driver("soapy", "soapy")
    with _in_one_sentence(settings):
        kind = soapy.sink if transmits else soapy.source
        radio = kind(settings.device, "fc32", 1, "", "", [""], [""])
        radio.set_sample_rate(0, settings.sample_rate)
        if settings.antenna:
            radio.set_antenna(0, settings.antenna)
        if settings.bandwidth:
            radio.set_bandwidth(0, settings.bandwidth)
        if not transmits and radio.has_gain_mode(0):
            # Gain that moves within a burst spoils its amplitudes.
            radio.set_gain_mode(0, False)
        block: gr.basic_block = radio
        if transmits:
            fill = zero_fill(continuous=True, tail=_SOAPY_TAIL)
            block = _chain("soapy_transmitter", fill, radio, transmits=True)
        end = _tunable(
            settings,
            block,
            radio.get_sample_rate(0),
            _within(
                "frequency",
                "Hz",
                lambda: _soapy_range(*radio.get_frequency_range(0)),
                lambda frequency: radio.set_frequency(0, frequency),
            ),
            _within(
                "gain",
                "dB",
                lambda: _soapy_range(radio.get_gain_range(0)),
                lambda gain: radio.set_gain(0, gain),
            ),
            _soapy_range(radio.get_gain_range(0))[0] if transmits else _RECEIVER_GAIN,
        )
    _check_rate(settings, end)
    return end


def _soapy_transmitter(settings: RadioSettings) -> RadioEnd:
    return _soapy_end(settings, transmits=True)


def _soapy_receiver(settings: RadioSettings) -> RadioEnd:
    return _soapy_end(settings, transmits=False)


def _uhd_range(allowed: Any) -> tuple[float, float]:
    return allowed.start(), allowed.stop()


def _soapy_range(*allowed: Any) -> tuple[float, float]:
    return min(part.minimum() for part in allowed), max(part.maximum() for part in allowed)


def _within(
    name: str,
    unit: str,
    allowed: Callable[[], tuple[float, float]],
    change: Callable[[float], object],
) -> Callable[[float], None]:
    """Refuses what drivers only warn of, cut off, or take in silence."""

    def set_value(value: float) -> None:
        lowest, highest = allowed()
        if not lowest <= value <= highest:
            raise RadioError(
                f"the {name} is {value:g} {unit}, but must be {lowest:g} to {highest:g} {unit}"
            )
        change(value)

    return set_value


def _check_rate(settings: RadioSettings, end: RadioEnd) -> None:
    """Both ends must run at one rate; a thousandth of a per cent is the receiver's business."""
    if abs(end.sample_rate - settings.sample_rate) > 1e-5 * settings.sample_rate:
        raise RadioError(
            f"radio {settings.radio} runs at {end.sample_rate:g} samples/s, "
            f"not at {settings.sample_rate:g}"
        )


def _iio_transmitter(settings: RadioSettings) -> RadioEnd:
    iio = _driver("iio", "iio")
    with _in_one_sentence(settings):
        uri = settings.device or iio.get_pluto_uri()
        radio = iio.fmcomms2_sink_fc32(uri, [True, True], _IIO_BUFFER, False)
        radio.set_len_tag_key("")
        radio.set_bandwidth(int(settings.bandwidth or settings.sample_rate))
        radio.set_samplerate(int(settings.sample_rate))
        radio.set_filter_params("Auto", "", 0, 0)
        fill = zero_fill(continuous=True, tail=_IIO_TAIL)
        return _tunable(
            settings,
            _chain("iio_transmitter", fill, radio, transmits=True),
            settings.sample_rate,
            lambda frequency: radio.set_frequency(int(frequency)),
            _within(
                "gain",
                "dB",
                lambda: _IIO_TRANSMITTER_GAIN,
                lambda gain: radio.set_attenuation(0, -gain),
            ),
            _IIO_TRANSMITTER_GAIN[0],
        )


def _iio_receiver(settings: RadioSettings) -> RadioEnd:
    if settings.bandwidth:
        raise RadioError("the radio iio has no bandwidth to set when it receives")
    iio = _driver("iio", "iio")
    with _in_one_sentence(settings):
        uri = settings.device or iio.get_pluto_uri()
        radio = iio.fmcomms2_source_fc32(uri, [True, True], _IIO_BUFFER)
        radio.set_len_tag_key("")
        radio.set_samplerate(int(settings.sample_rate))
        radio.set_gain_mode(0, "manual")
        radio.set_quadrature(True)
        radio.set_rfdc(True)
        radio.set_bbdc(True)
        radio.set_filter_params("Auto", "", 0, 0)
        return _tunable(
            settings,
            radio,
            settings.sample_rate,
            lambda frequency: radio.set_frequency(int(frequency)),
            lambda gain: radio.set_gain(0, gain),
        )


def _file_transmitter(settings: RadioSettings) -> RadioEnd:
    writer = SampleWriter(
        settings.device, settings.sample_rate, settings.frequency, settings.format
    )
    fill = zero_fill(continuous=False, gap=settings.gap, tail=_FILE_TAIL)
    sink = recording_sink(writer)

    def finish() -> None:
        if sink.error:
            raise sink.error
        writer.finish()

    block = _chain("file_transmitter", fill, sink, transmits=True)
    return RadioEnd(block, settings.sample_rate, finish=finish)


def _file_receiver(settings: RadioSettings) -> RadioEnd:
    recording = open_recording(settings.device, settings.format, settings.channel, settings.follow)
    try:
        source = recording_source(SampleReader(recording, settings.follow))
    except OSError as error:
        raise RecordingError(f"{recording.name}: {error.strerror}") from error

    def finish() -> None:
        if source.error:
            raise RecordingError(f"{recording.name}: {source.error.strerror}")

    rate = settings.recording_rate or recording.sample_rate or settings.sample_rate
    return RadioEnd(source, rate, finish=finish)


def _zmq_transmitter(settings: RadioSettings) -> RadioEnd:
    zeromq = _driver("zmq", "zeromq")
    with _in_one_sentence(settings):
        sink = zeromq.push_sink(
            gr.sizeof_gr_complex, 1, settings.device or DEFAULT_ADDRESS, hwm=_ZMQ_QUEUE
        )
    fill = zero_fill(continuous=False, gap=settings.gap, tail=_ZMQ_TAIL)
    fill.set_max_output_buffer(_ZMQ_BUFFER)
    return RadioEnd(_chain("zmq_transmitter", fill, sink, transmits=True), settings.sample_rate)


def _zmq_receiver(settings: RadioSettings) -> RadioEnd:
    try:
        source = sample_socket(settings.device or DEFAULT_ADDRESS, _ZMQ_QUEUE, complain)
    except ExchangeError as error:
        raise RadioError(f"radio zmq, {error}") from error
    return RadioEnd(source, settings.sample_rate)


_TRANSMITTERS = {
    "uhd": _uhd_transmitter,
    "soapy": _soapy_transmitter,
    "iio": _iio_transmitter,
    "file": _file_transmitter,
    "zmq": _zmq_transmitter,
}
_RECEIVERS = {
    "uhd": _uhd_receiver,
    "soapy": _soapy_receiver,
    "iio": _iio_receiver,
    "file": _file_receiver,
    "zmq": _zmq_receiver,
}
