# SPDX-License-Identifier: GPL-3.0-or-later
"""Pack what a machine with a GPU needs, and train there for so many seconds."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ..base.errors import DataError
from ..base.repository import ROOT
from .arguments import amount, count, side

# Each task imports what it needs: `run` works where nothing but PyTorch, NumPy and Pillow is.
GUARD_SECONDS = 1.0
"""Before the end of the time, at which a call that has not ended is cut short."""
EXIT_CUT_SHORT = 1
PLAN = ROOT / "training" / "gpu" / "plan.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the tasks and their options."""
    tasks = parser.add_subparsers(metavar="TASK", required=True)
    for name, text, add, task in (
        ("pack", "Write code, images and weights into a folder.", _add_pack, _pack),
        ("run", "Train what a folder holds; its run.py calls this.", _add_run, _run),
    ):
        child = tasks.add_parser(
            name,
            help=text,
            description=text,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        add(child)
        child.set_defaults(task=task)


def run(arguments: argparse.Namespace) -> None:
    """Do the task; what happens is printed."""
    arguments.task(arguments)


def end_at_once() -> None:
    """End the process, whatever it is doing: a compiler or a starved machine may take too long."""
    print("The time is over; what was saved last stays.", file=sys.stderr, flush=True)
    os._exit(EXIT_CUT_SHORT)


@contextlib.contextmanager
def _cut_short(seconds: float) -> Iterator[None]:
    """The process ends after so many seconds, unless this is left before, also by an error."""
    guard = threading.Timer(seconds, end_at_once)
    guard.daemon = True
    guard.start()
    try:
        yield
    finally:
        guard.cancel()


def process_age() -> float:
    """Seconds since this process began; 0 where the system does not say."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        began = ticks / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began)
    except (OSError, ValueError, LookupError, AttributeError):
        return 0.0


def _add_pack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders or tar files of images"
    )
    parser.add_argument(
        "--shares",
        type=amount,
        nargs="+",
        help="share of each data set in a batch and of the bytes (all the same if not given)",
    )
    parser.add_argument(
        "--validation", type=Path, nargs="+", required=True, help="folders or tar files of images"
    )
    parser.add_argument(
        "--validation-images", type=count, default=30, help="how many of each at most"
    )
    parser.add_argument("--plan", type=Path, default=PLAN, help="what to train, a JSON file")
    parser.add_argument("--megabytes", type=amount, default=20.0, help="of the images to train on")
    parser.add_argument("--quality", type=count, default=70, help="of the AVIF images, up to 100")
    parser.add_argument(
        "--largest-side", type=side, default=224, help="of an image's shorter side, in pixels"
    )


def _pack(arguments: argparse.Namespace) -> None:
    from ..gpu.pack import MEGABYTE, folder_bytes, pack
    from ..gpu.plan import read_plan

    shares = arguments.shares or [1.0] * len(arguments.data)
    if len(shares) != len(arguments.data):
        raise DataError(f"{len(arguments.data)} data sets are given, but {len(shares)} shares.")
    if arguments.quality > 100:
        raise DataError("The quality of AVIF is at most 100.")
    found = pack(
        arguments.output,
        read_plan(arguments.plan, ROOT / "training" / "configs"),
        dict(zip(arguments.data, shares, strict=True)),
        arguments.validation,
        megabytes=arguments.megabytes,
        quality=arguments.quality,
        largest_side=arguments.largest_side,
        validation_images=arguments.validation_images,
    )
    for one in found.data:
        print(f"{one.images} images of {one.name}")
    print(f"{arguments.output}: {folder_bytes(arguments.output) / MEGABYTE:.1f} MB")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pack", type=Path, required=True, help="folder that `gpu pack` wrote")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="folder for weights and record; what an earlier call has left there goes on",
    )
    parser.add_argument(
        "--seconds", type=amount, required=True, help="after which the call has ended"
    )
    parser.add_argument("--only", nargs="+", default=[], help="runs, instead of those of the plan")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda", help="what trains")
    parser.add_argument("--threads", type=count, help="processor threads (default: all)")
    parser.add_argument(
        "--largest-file", type=amount, default=16.0, help="of the files written, in MiB"
    )


def _run(arguments: argparse.Namespace) -> None:
    # PyTorch takes seconds to load, which count.
    started = time.monotonic() - process_age()
    import torch

    from ..base import distributed
    from ..gpu.session import Session
    from ..gpu.timed import Limits

    left = started + arguments.seconds - time.monotonic()
    with _cut_short(max(0.0, left - GUARD_SECONDS)):
        if arguments.threads is not None:
            torch.set_num_threads(arguments.threads)
        call = Session(
            arguments.pack,
            arguments.output,
            arguments.seconds,
            distributed.own_device(arguments.device),
            Limits(file_bytes=int(arguments.largest_file * 2**20)),
            arguments.only,
            started,
            lambda line: print(line, flush=True),
        ).train()
    print(f"Ended after {call.seconds} of {arguments.seconds:g} s", flush=True)
