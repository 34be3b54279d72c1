# SPDX-License-Identifier: GPL-3.0-or-later
"""How images become bursts: what both ends of a radio have to agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from vqdeepsc.allocation import check_frame_bits
from vqdeepsc.codec import Codec
from vqdeepsc.errors import ParameterError, refused_parameters
from vqdeepsc.link import DEFAULT_PROTECTION, PLAIN, PROFILES, TransportBlocks

from ..blocks.burst_receiver import ALL_SESSIONS, DEFAULT_LARGEST_CFO, burst_receiver
from ..blocks.burst_transmitter import burst_transmitter
from ..blocks.protection import (
    burst_transport_blocks,
    known_uep_profiles,
    profile_transport_blocks,
)
from ..vqdeepsc_python import burst_modulator

BURST_PROFILES = ("static", "pedestrian", "vehicular")
"""Names of the burst profiles, in the order of their numbers in a burst's header."""


@dataclass(frozen=True)
class Reception:
    """What a receiver takes; session, formats, largest_cfo, whiten: as at burst_receiver."""

    session: int = ALL_SESSIONS
    formats: tuple[tuple[int, str], ...] = ()
    largest_cfo: float = DEFAULT_LARGEST_CFO
    whiten: bool = True


DEFAULT_RECEPTION = Reception()


@dataclass(frozen=True)
class BurstParameters:
    """Parameters of bursts; both ends need the same fft_size and cyclic_prefix.

    fft_size, cyclic_prefix, bits_per_symbol, code_rate: as at burst_transmitter; amplitude: root
    mean square of the samples; protection: PLAIN, one of PROFILES, which every receiver knows, or
    coded bits for each bit of every scale but the finest, coarse first, such as 6/6/4 (of a
    progressive model, of the first one to six of seven parts), which the receiver must be told
    together with bits_per_symbol and code_rate;
    profile: one of BURST_PROFILES, for channels that fade more or less quickly; frame_bits: payload
    of a burst, 0 for the bits of a region, else of a progressive model 64 to 65,535.
    Raises ParameterError for values out of range."""

    fft_size: int = 256
    cyclic_prefix: int = 32
    bits_per_symbol: int = 4
    code_rate: str = "1/3"
    amplitude: float = 0.2
    protection: str = DEFAULT_PROTECTION
    profile: str = BURST_PROFILES[0]
    frame_bits: int = 0

    def __post_init__(self) -> None:
        if self.profile not in BURST_PROFILES:
            raise ParameterError(
                f"profile is {self.profile!r}, must be one of {', '.join(BURST_PROFILES)}"
            )
        # the modulator knows what is allowed, whatever the payload
        self._modulator(1000, 0)

    def _modulator(self, payload_bits: int, burst_profile: int) -> burst_modulator:
        with refused_parameters():
            return burst_modulator(
                payload_bits,
                self.bits_per_symbol,
                self.code_rate,
                self.fft_size,
                self.cyclic_prefix,
                self.amplitude,
                burst_profile=burst_profile,
            )

    def samples(self, payload_bits: int, logged: Mapping[str, Any]) -> int:
        """Samples of a burst of a line of the log, or of our longest where its header is unknown.

        payload_bits: of our bursts. Raises ParameterError."""
        known = {key: logged[key] for key in ("bits_per_symbol", "code_rate") if key in logged}
        burst = replace(self, **known)
        bits = logged.get("payload_bits", payload_bits)
        profiles = (
            [logged["burst_profile"]] if "burst_profile" in logged else range(len(BURST_PROFILES))
        )
        lengths: list[int] = [
            burst._modulator(bits, profile).burst_samples() for profile in profiles
        ]
        return max(lengths)

    def transport_blocks(self, codec: Codec) -> TransportBlocks:
        """The transport blocks of bursts of a model.

        Raises BundleError, and ParameterError for protection that does not fit the model."""
        return burst_transport_blocks(
            codec.bundle.manifest.directory,
            self.protection,
            self.bits_per_symbol,
            self.code_rate,
            self.payload_bits(codec),
        )

    def payload_bits(self, codec: Codec) -> int:
        """Payload of a burst of a model; raises ParameterError for frame_bits that do not fit."""
        return check_frame_bits(codec, self.frame_bits)

    def transmitter(self, codec: Codec) -> burst_transmitter:
        """What makes bursts of frames of a model; raises as transport_blocks() does."""
        with refused_parameters():
            return burst_transmitter(
                self.payload_bits(codec),
                self.bits_per_symbol,
                self.code_rate,
                self.fft_size,
                self.cyclic_prefix,
                self.amplitude,
                transport_blocks=self.transport_blocks(codec),
                burst_profile=BURST_PROFILES.index(self.profile),
            )

    def receiver_parameters(
        self, codec: Codec, reception: Reception = DEFAULT_RECEPTION
    ) -> dict[str, Any]:
        """Parameters of burst_receiver for the bursts of a model; raises as transport_blocks()."""
        known = profile_transport_blocks(codec.bundle.manifest.directory)
        profiles = known_uep_profiles() if codec.layout.embedded else []
        if self.protection not in (PLAIN, *PROFILES):
            blocks = self.transport_blocks(codec)
            if codec.layout.embedded:
                factors = tuple(map(float, self.protection.split("/")))
                profiles.append((factors, False))
            else:
                known.append(blocks)
        return {
            "fft_size": self.fft_size,
            "cyclic_prefix": self.cyclic_prefix,
            "model": codec.model_id,
            # of a progressive model the sender chooses, and the header says it
            "payload_bits": 0 if codec.layout.embedded else codec.bits_per_region,
            # pairs, as a recording keeps them; those on strong bits follow from uep_profiles
            "transport_blocks": [list(blocks) for blocks in known],
            "uep_profiles": profiles,
            **asdict(reception),
        }

    def receiver(
        self, codec: Codec, sample_rate: float, reception: Reception = DEFAULT_RECEPTION
    ) -> burst_receiver:
        """What finds the bursts of a model; raises as transport_blocks() does, and ParameterError.

        sample_rate: in Hz; only scales offsets in the log."""
        with refused_parameters():
            parameters = self.receiver_parameters(codec, reception)
            return burst_receiver(sample_rate=sample_rate, **parameters)


DEFAULT_BURST = BurstParameters()
