# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples in, region PDUs and a log out."""

from collections.abc import Sequence

from gnuradio import gr

from vqdeepsc.link import TransportBlocks

from ..vqdeepsc_python import (
    burst_decoder,
    burst_demodulator,
    burst_detector,
    connect_hier_output,
)
from .protection import known_transport_blocks, known_uep_profiles

DEFAULT_LARGEST_CFO = 0.117
LONGEST_WHITENING = 8
ALL_SESSIONS, FIRST_SESSION = -1, -2


class burst_receiver(gr.hier_block2):
    """Burst detector, demodulator and LDPC decoder: what stands behind a radio.

    Input: samples of any gain, with a frequency offset within largest_cfo.
    Message ``regions``: region PDUs of :mod:`.frames` with LLRs. Message
    ``log``: for each burst a dictionary with header_ok, offset (number of the burst's first
    sample), cfo (cycles per sample), cfo_hz, clock_offset_ppm, snr_db (mean Es/N0 of a carrier),
    evm_db, mirrored (I and Q came swapped); where the header is right also the
    fields of its frame header, payload_bits, bits_per_symbol, code_rate, uep_profile,
    redundancy_version, burst_profile, interrupted (another burst began in it), block_errors,
    blocks, iterations, copies; where it is not, error.
    Message ``symbols``: of each burst a PDU with the equalised data carriers of its last OFDM
    symbol, for a constellation display. While backlog regions wait at a block behind ``regions``,
    no more samples are taken: a file waits, and a radio's driver counts what it then loses.

    :param fft_size: as at the transmitter
    :param cyclic_prefix: as at the transmitter
    :param model: the only id of codebooks to receive, 0 to 65,535, or -1 for all
    :param payload_bits: the only length of frames to receive, 1 to 65,535, or 0 for all
    :param iterations: most iterations of an LDPC code block, 1 to 1,000
    :param sample_rate: in Hz; only scales cfo_hz
    :param transport_blocks: those that a burst's header may name, each as at the transmitter; None
        for those of the profiles of all installed models. Bursts without are received too
    :param backlog: regions that may wait, at least 1
    :param remove_dc: whether a constant in the samples (a carrier at 0 Hz) is taken away
    :param largest_cfo: frequency offset in cycles per sample that is found, 0.01 to 0.25
    :param whiten: whether narrow signals far above the rest, such as carriers, are filtered out;
        where there are such, echoes may be as much shorter as the filter is long: a quarter of the
        cyclic prefix, at most 8 samples
    :param session: the only sender's run to receive, 0 to 2**32 - 1, -1 for all, or -2 for the
        first that is heard
    :param formats: the only pairs of bits_per_symbol and code_rate to receive, or none for all
    :param uep_profiles: profiles that a burst of a progressive model may have, each with the coded
        bits for each payload bit of the first of its seven parts, and whether these hold at rate
        1/3 and change with the rate; None for balanced and broadcast
    :raises ValueError: for a parameter out of range
    """

    def __init__(
        self,
        fft_size: int = 256,
        cyclic_prefix: int = 32,
        model: int = -1,
        payload_bits: int = 0,
        iterations: int = 20,
        sample_rate: float = 1e6,
        transport_blocks: Sequence[TransportBlocks | Sequence[tuple[int, int]]] | None = None,
        backlog: int = 1024,
        remove_dc: bool = True,
        largest_cfo: float = DEFAULT_LARGEST_CFO,
        whiten: bool = True,
        session: int = ALL_SESSIONS,
        formats: Sequence[tuple[int, str]] = (),
        uep_profiles: Sequence[tuple[Sequence[float], bool]] | None = None,
    ) -> None:
        gr.hier_block2.__init__(
            self,
            "burst_receiver",
            gr.io_signature(1, 1, gr.sizeof_gr_complex),
            gr.io_signature(0, 0, 0),
        )
        self.message_port_register_hier_out("regions")
        self.message_port_register_hier_out("log")
        self.message_port_register_hier_out("symbols")
        self._detector = burst_detector(
            remove_dc=remove_dc,
            largest_cfo=largest_cfo,
            whitening=min(cyclic_prefix // 4, LONGEST_WHITENING) if whiten else 0,
        )
        self._demodulator = burst_demodulator(
            fft_size, cyclic_prefix, model, payload_bits, sample_rate, session, list(formats)
        )
        if transport_blocks is None:
            transport_blocks = known_transport_blocks()
        if uep_profiles is None:
            uep_profiles = known_uep_profiles()
        self._decoder = burst_decoder(iterations, transport_blocks, backlog, uep_profiles)
        self.connect(self, self._detector, self._demodulator, self._decoder)
        for block, port in (
            (self._decoder, "regions"),
            (self._decoder, "log"),
            (self._demodulator, "symbols"),
        ):
            connect_hier_output(self.to_hier_block2(), block.to_basic_block(), port)

    def set_iterations(self, iterations: int) -> None:
        """Change the most iterations of a code block from the next burst on."""
        self._decoder.set_iterations(iterations)

    def set_sample_rate(self, sample_rate: float) -> None:
        """Change the sample rate that scales cfo_hz."""
        self._demodulator.set_sample_rate(sample_rate)
