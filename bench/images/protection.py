#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the protection of a frame's parts that is best over a range of SNRs.

Simulated frames of random bits rate a protection, with how good images are of which only the first
parts arrived, the last of them perhaps with errors. From some protections the search goes to better
neighbours: those with a higher mean SSIM, all parts at the SNR of --full and, at each SNR of --ask,
as much SSIM as that asks for. The best are then sent over the simulated link with real images; the
table is of those transmissions and of the schemes of --scheme.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from image_link import Scores, add_arguments, read_images
from protection_search import (
    Aim,
    Frames,
    Measurements,
    Quality,
    Search,
    asked_ssim,
    information,
    starts,
)
from vqdeepsc.allocation import LINK_FRAME_BITS, Allocation, FrameEncoder
from vqdeepsc.cli.arguments import positive
from vqdeepsc.codec import Codec
from vqdeepsc.errors import Error, ParameterError
from vqdeepsc.link import ChannelModel, Link, Scheme, frame_part_bits
from vqdeepsc.simulation.identity import derive_seed
from vqdeepsc.simulation.plan import parse_snr

CERTAIN_LLR = 20.0
DEVIATIONS = (1.0, 1.75, 2.5)  # of LLRs with a mean of half their variance


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add_arguments(parser, "+", limit=20, snr="-2:6:1")
    parser.add_argument("--model", default="vqdeepsc-4s", help="name or directory of the bundle")
    parser.add_argument("--full", type=float, default=4.0, help="SNR at which all parts arrive")
    parser.add_argument(
        "--ask",
        type=asked_ssim,
        default={},
        metavar="SNR:SSIM,...",
        help="least mean SSIM by SNR in dB, such as --ask=-2:0.45,0:0.66",
    )
    parser.add_argument("--frames", type=positive, default=8, help="simulated at each SNR")
    parser.add_argument(
        "--start", nargs="*", default=[], metavar="SCHEME", help="with which the search begins, too"
    )
    parser.add_argument("--cache", type=Path, help="file for what was simulated, from run to run")
    parser.add_argument("--sent", type=int, default=5, help="best protections to be sent")
    parser.add_argument(
        "--scheme", nargs="*", default=["plain"], metavar="SCHEME", help="to be sent as well"
    )
    parser.add_argument(
        "--payload-bits",
        type=positive,
        default=LINK_FRAME_BITS,
        help="of a frame of a progressive model; other models send regions",
    )
    parser.add_argument(
        "--symbols", type=int, default=0, help="of a frame, 0: as 16-QAM at rate 1/3"
    )
    return parser.parse_args(argv)


class Sender:
    """Sends frames of images over the link."""

    def __init__(
        self,
        codec: Codec,
        images: dict[str, np.ndarray],
        channel: ChannelModel,
        payload_bits: int,
        seed: int,
    ) -> None:
        """payload_bits: of a frame of a progressive model."""
        self.payload_bits = payload_bits if codec.layout.embedded else codec.bits_per_region
        self.part_bits = frame_part_bits(codec.layout, self.payload_bits)
        self.codec = codec
        self._images = images
        self._channel = channel
        self._seed = seed
        self._frames = {
            name: FrameEncoder(codec, image).frames(frame_bits=self.payload_bits)
            for name, image in images.items()
        }

    def quality(self) -> Quality:
        """How good images are of which parts arrived, whole or in part."""
        ends = [0, *itertools.accumulate(self.part_bits)]
        generator = np.random.default_rng(self._seed)
        groups = list(itertools.combinations(range(len(ends)), 2))
        scores, known = Scores(), Scores()
        for name, frames in self._frames.items():
            signs = 2.0 * frames.bits.astype(np.float32) - 1
            for count, end in enumerate(ends):
                llrs = CERTAIN_LLR * signs
                llrs[:, end:] = 0
                scores.add_image(str(count), self._images[name], self._decode(frames, llrs))
            for start, end in groups:
                for deviation in DEVIATIONS:
                    part = slice(ends[start], ends[end])
                    llrs = CERTAIN_LLR * signs
                    llrs[:, ends[end] :] = 0
                    noise = generator.normal(deviation**2 / 2, deviation, llrs[:, part].shape)
                    llrs[:, part] = signs[:, part] * noise
                    key = f"{start}_{end}_{deviation}"
                    scores.add_image(key, self._images[name], self._decode(frames, llrs))
                    share = information(llrs[:, part], frames.bits[:, part])
                    known.add(**{key: share})
        ssim, shares = scores.means(), known.means()
        prefixes = [ssim[f"ssim_{count}"] for count in range(len(ends))]
        partial = {}
        for start, end in groups:
            keys = [f"{start}_{end}_{deviation}" for deviation in DEVIATIONS]
            partial[start, end] = (
                [0.0, *(shares[key] for key in keys), 1.0],
                [prefixes[start], *(ssim[f"ssim_{key}"] for key in keys), prefixes[end]],
            )
        return Quality(prefixes, partial)

    def send(self, scheme: Scheme, snr_db: float) -> dict[str, float]:
        """Mean SSIM and PSNR of the images after one transmission each."""
        link = Link(self.payload_bits, scheme=scheme, part_bits=self.part_bits)
        scores = Scores()
        for name, frames in self._frames.items():
            seed = derive_seed(
                self._seed, name, "protection", str(self._channel), snr_db, self.payload_bits
            )
            channel = self._channel.open(snr_db, seed)
            received = link.receive(link.modulate(frames.bits), channel, snr_db)
            scores.add_image("received", self._images[name], self._decode(frames, received.llrs))
        means = scores.means()
        return {"snr_db": snr_db, "ssim": means["ssim_received"], "psnr_db": means["psnr_received"]}

    def _decode(self, frames: Allocation, llrs: np.ndarray) -> np.ndarray:
        received = {run: row[: run.bits] for run, row in zip(frames.runs, llrs, strict=True)}
        return self.codec.decode_received(received, 128, 128)


def main(argv: list[str] | None = None) -> int:
    """Prints a line for each scheme that was sent: its mean, and the figures at each SNR."""
    arguments = parse_arguments(argv)
    lines: dict[Scheme, dict] = {}
    try:
        images = read_images(arguments.images, arguments.limit)
        channel = ChannelModel.parse(arguments.channel)
        snr_db = parse_snr(arguments.snr)
        sender = Sender(
            Codec(arguments.model), images, channel, arguments.payload_bits, arguments.seed
        )
        plain = Scheme(symbols=arguments.symbols)

        def send(scheme: Scheme, promised: float | None = None) -> float:
            if scheme not in lines:
                rows = [sender.send(scheme, snr) for snr in snr_db]
                means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
                line = {"ssim": means["ssim"], "psnr_db": means["psnr_db"], "rows": rows}
                lines[scheme] = {"scheme": str(scheme), "promised_ssim": promised, **line}
                if not arguments.json:
                    print_line(lines[scheme])
            return lines[scheme]["ssim"]

        for text in arguments.scheme:
            send(replace(Scheme.parse(text), symbols=arguments.symbols))
        if arguments.sent:
            measured = Measurements(arguments.cache)
            search = Search(
                Frames(
                    tuple(sender.part_bits),
                    plain,
                    channel,
                    tuple(snr_db),
                    arguments.frames,
                    arguments.seed,
                ),
                cached_quality(sender, measured, arguments),
                Aim(snr_db, arguments.ask),
                measured,
                arguments.full,
            )
            if missing := set(arguments.ask) - set(snr_db):
                raise ParameterError(f"--ask names {min(missing):g} dB, which --snr does not have")
            begin = [Scheme.parse(text).protection for text in arguments.start]
            for factors in (*begin, *starts(len(sender.part_bits) - 1)):
                if isinstance(factors, str):
                    raise ParameterError(f"--start takes numbers, not the profile {factors}")
                search.climb(factors)
            measured.save()
            for factors in search.best()[: arguments.sent]:
                promised = float(np.mean(search.promised(factors)))
                send(replace(plain, protection=factors), promised)
    except Error as error:
        print(f"protection: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps({"full_db": arguments.full, "schemes": list(lines.values())}))
    return 0


def cached_quality(
    sender: Sender, measured: Measurements, arguments: argparse.Namespace
) -> Quality:
    """sender.quality(), or what an earlier run found for the same model and images."""
    images = [arguments.images, arguments.limit, arguments.seed]
    key = json.dumps([sender.codec.name, sender.codec.model_id, sender.part_bits, *images])
    found = measured.get(key)
    if not isinstance(found, dict):
        found = sender.quality().save()
        measured.put(key, found)
        measured.save()
    return Quality.load(found)


def print_line(line: dict) -> None:
    """A scheme's mean SSIM, what was promised, mean PSNR, and both at each SNR."""
    by_snr = "  ".join(f"{row['ssim']:.3f}/{row['psnr_db']:.1f}" for row in line["rows"])
    promised = "" if line["promised_ssim"] is None else f" ({line['promised_ssim']:.4f})"
    mean = f"{line['ssim']:.4f}{promised} / {line['psnr_db']:.2f} dB"
    print(f"{line['scheme']:>30}  {mean:30}  {by_snr}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
