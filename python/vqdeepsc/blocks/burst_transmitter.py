# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of payload bits in, the samples of bursts out."""

from collections.abc import Sequence

from gnuradio import gr

from vqdeepsc.link import TransportBlocks

from ..vqdeepsc_python import burst_modulator, ldpc_encoder
from .frames import FRAME_TAG


class burst_transmitter(gr.hier_block2):
    """LDPC encoder and burst modulator: what goes to a radio.

    Input: bytes with one payload bit each; the first of a frame carries the tag ``frame`` of
    :mod:`.frames`. Output: samples, the first of each burst tagged ``tx_sob``
    and the last ``tx_eob``; nothing comes between bursts. The receiver reads bits_per_symbol,
    code_rate, payload_bits and burst_profile from the header of a burst; fft_size and
    cyclic_prefix it has to know.

    :param payload_bits: bits of a frame, 1 to 65,535
    :param bits_per_symbol: 2 (QPSK), 4 or 6 (16-, 64-QAM)
    :param code_rate: "1/3", "1/2", "2/3" or "3/4"
    :param fft_size: 64, 128, 256, 512 or 1,024
    :param cyclic_prefix: samples, 8 to fft_size / 2
    :param amplitude: root mean square of the samples, above 0
    :param peak: largest magnitude of a sample, above 0; what is larger is cut
    :param transport_blocks: as burst_transport_blocks() gives them, or (payload bits, coded bits)
        of each; their number is in the header, and the receiver has to know them; empty for one
    :param burst_profile: how quickly the channel may fade: 0 (static), 1 (pedestrian) or 2
        (vehicular), which have more pilots or shorter OFDM symbols
    :raises ValueError: for a parameter out of range
    """

    def __init__(
        self,
        payload_bits: int,
        bits_per_symbol: int = 4,
        code_rate: str = "1/3",
        fft_size: int = 256,
        cyclic_prefix: int = 32,
        amplitude: float = 0.3,
        peak: float = 1.0,
        transport_blocks: TransportBlocks | Sequence[tuple[int, int]] = (),
        burst_profile: int = 0,
    ) -> None:
        gr.hier_block2.__init__(
            self,
            "burst_transmitter",
            gr.io_signature(1, 1, gr.sizeof_char),
            gr.io_signature(1, 1, gr.sizeof_gr_complex),
        )
        self._modulator = burst_modulator(
            payload_bits,
            bits_per_symbol,
            code_rate,
            fft_size,
            cyclic_prefix,
            amplitude,
            peak,
            transport_blocks,
            burst_profile,
        )
        self._encoder = ldpc_encoder(
            payload_bits,
            self._modulator.coded_bits(),
            bits_per_symbol,
            frame_tag=FRAME_TAG,
            transport_blocks=transport_blocks,
        )
        self.connect(self, self._encoder, self._modulator, self)

    def burst_samples(self) -> int:
        """Samples of one burst."""
        samples: int = self._modulator.burst_samples()
        return samples

    def set_amplitude(self, amplitude: float) -> None:
        """Change the root mean square of the samples from the next burst on."""
        self._modulator.set_amplitude(amplitude)

    def set_peak(self, peak: float) -> None:
        """Change the largest magnitude of a sample from the next burst on."""
        self._modulator.set_peak(peak)
