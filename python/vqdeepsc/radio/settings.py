# SPDX-License-Identifier: GPL-3.0-or-later
"""Which radio and how it is set; without GNU Radio, so that the command line starts soon."""

from __future__ import annotations

from dataclasses import dataclass

from vqdeepsc.errors import Error

RADIOS = ("uhd", "soapy", "iio", "file", "zmq")
DEFAULT_ADDRESS = "tcp://127.0.0.1:5550"
"""Where samples go by ZeroMQ: this machine alone."""

DEFAULT_SAMPLE_RATE = 1e6


class RadioError(Error):
    """A radio that is not there or does not do what is asked, in one sentence."""


@dataclass(frozen=True)
class RadioSettings:
    """Which radio, and how it is set.

    radio: one of RADIOS
    device: arguments of UHD ("type=b200") or SoapySDR ("driver=hackrf"), URI of IIO
        ("ip:192.168.2.1"), path of a recording, or - for standard input or output,
        address of ZeroMQ; "" for the first
        device found, or for DEFAULT_ADDRESS
    frequency: of the carrier in Hz
    sample_rate: complex samples per second
    gain: in dB as the driver counts it; of an IIO transmitter 0 is full power and -89.75 the
        least. None: the least of a transmitter, 30 dB of a receiver
    antenna: name of the port, "" for the driver's choice
    bandwidth: of the analogue filter in Hz, 0 for the driver's choice
    gap: zeros between bursts in a file or over ZeroMQ
    offset: where the signal is that is received, in Hz from the middle of the samples
    resample: whether a recording of another rate is brought to sample_rate; else its own holds
    recording_rate: of a recording, whatever it tells itself; None for that
    format: of the samples of a file (see recordings.formats), "" for what its name tells
    channel: of a recording that has several, from 0
    follow: whether more samples may come behind the end of a recording
    """

    radio: str
    device: str = ""
    frequency: float = 0.0
    sample_rate: float = DEFAULT_SAMPLE_RATE
    gain: float | None = None
    antenna: str = ""
    bandwidth: float = 0.0
    gap: int = 1000
    offset: float = 0.0
    resample: bool = False
    recording_rate: float | None = None
    format: str = ""
    channel: int = 0
    follow: bool = False

    def __post_init__(self) -> None:
        if self.radio not in RADIOS:
            raise RadioError(f"there is no radio {self.radio!r}: choose {', '.join(RADIOS)}")
        # drivers take UTF-8
        texts = (self.antenna,) if self.radio == "file" else (self.device, self.antenna)
        if not all(text.isprintable() for text in texts):
            raise RadioError("device and antenna must consist of characters that can be printed")
        if not self.sample_rate > 0:
            raise RadioError(f"the sample rate is {self.sample_rate:g}, but must be above 0")
        if self.frequency < 0:
            raise RadioError(f"the frequency is {self.frequency:g} Hz, but must not be below 0")
        if self.gap < 0:
            raise RadioError(f"the gap is {self.gap} samples, but must be at least 0")
        if self.recording_rate is not None and not self.recording_rate > 0:
            raise RadioError("the rate of the recording must be above 0")
        if self.channel < 0:
            raise RadioError(f"the channel is {self.channel}, but must be at least 0")
        if not self.is_device and (self.antenna or self.bandwidth or self.gain is not None):
            raise RadioError(f"the radio {self.radio} has no gain, antenna or bandwidth to set")
        of_files = self.format or self.channel or self.follow or self.recording_rate is not None
        if self.radio != "file" and of_files:
            raise RadioError(
                f"the radio {self.radio} has no format, channel, rate of a recording or end to "
                "follow: files have"
            )
        if self.radio == "iio" and self.antenna:
            raise RadioError("the radio iio has no antenna to choose")
        if self.is_device and not self.frequency:
            raise RadioError(f"the radio {self.radio} needs a frequency")
        if self.radio == "file" and not self.device:
            raise RadioError("the radio file needs the name of a file as its device")

    @property
    def is_device(self) -> bool:
        """Whether the samples come and go at the pace of a converter."""
        return self.radio in ("uhd", "soapy", "iio")

    @property
    def has_end(self) -> bool:
        """Whether the samples that are received may come to an end."""
        return self.radio == "file"
