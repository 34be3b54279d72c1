# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends signals at random moments to the commands that write files, and looks at what is left.

    python tests/support/signals.py [--count 500] [--seed 1] [--grace 2]

Each time another command on a normal, a full or a vanishing disk gets SIGINT, SIGTERM or SIGHUP.
A fault is a file that is not whole, status 0 without the output, a traceback, or a process that is
left after the grace (seconds). The table says how the commands ended; faults are listed. Ctrl-C
ends it with what has been found.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from vqdeepsc.images.bitstream import read_bitstream
from vqdeepsc.images.files import ImageError, load_image, save_image
from vqdeepsc.simulation.results import read_results

PROGRAM = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DISKS = ("normal", "full", "vanishing")
FULL = 3000  # bytes that a file may have on a full disk
POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Case:
    """A command that writes into the folder OUT.

    arguments: of the command line; product: the file that there is where it ends with status 0, or
    "" for one that a signal ends with status 0 and what there is."""

    arguments: tuple[str, ...]
    product: str = ""


def cases(inputs: Path) -> dict[str, Case]:
    """The commands by name, and what they need in the folder inputs."""
    rng = np.random.default_rng(1)
    for number in range(6):
        noise = rng.integers(0, 256, (20, 24, 3), np.uint8)
        image = np.asarray(Image.fromarray(noise).resize((256, 200)))
        save_image(inputs / f"{number}.png", image)
    images, file = str(inputs), ("--radio", "file", "--device")
    one, samples = str(inputs / "0.png"), str(inputs / "bursts.cf32")
    run("transmit", one, str(inputs / "1.png"), *file, samples)
    run("encode", one, "-o", str(inputs / "0.vqd"))
    log = ("--log", "OUT/log.jsonl")
    return {
        "transmit": Case(("transmit", images, *file, "OUT/sent.sigmf-meta", *log)),
        "receive": Case(("receive", *file, samples, "--output", "OUT", *log)),
        "receive zmq": Case(
            ("receive", "--radio", "zmq", "--device", "ipc://OUT/air", "--output", "OUT", *log)
        ),
        "simulate": Case(
            (
                *("simulate", "--images", images, "--snr", "0:20:2", "--workers", "2"),
                *("--output", "OUT/results.csv", "--plot", "OUT/figure.png"),
            ),
            "figure.png",
        ),
        "encode": Case(("encode", one, "-o", "OUT/0.vqd"), "0.vqd"),
        "decode": Case(("decode", str(inputs / "0.vqd"), "-o", "OUT/0.png"), "0.png"),
        "demo": Case(("demo", "--image", one, "--output", "OUT"), "panel.png"),
    }


def command(case: Case, out: Path) -> list[str]:
    return [
        sys.executable,
        "-c",
        PROGRAM,
        *(argument.replace("OUT", str(out)) for argument in case.arguments),
    ]


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, *arguments], check=True, capture_output=True)


def check_json(path: Path) -> None:
    json.loads(path.read_text())


def check_lines(path: Path) -> None:
    for line in path.read_text().splitlines(keepends=True):
        # the last line may have been cut by a full disk
        if line.endswith("\n"):
            json.loads(line)


def check_image(path: Path) -> None:
    load_image(path, strict=True)


CHECKS: dict[str, Callable[[Path], object]] = {
    ".png": check_image,
    ".vqd": read_bitstream,
    ".csv": partial(read_results, interrupted=True),
    ".sigmf-meta": check_json,
    ".jsonl": check_lines,
}


def faults_of_files(out: Path) -> list[str]:
    """What is wrong with the files in a folder."""
    faults = []
    for path in sorted(out.rglob("*")) if out.is_dir() else []:
        if path.name.startswith("."):
            faults.append(f"{path.name} was left behind")
        try:
            CHECKS.get(path.suffix, lambda _: None)(path)
        except (ValueError, ImageError) as error:
            faults.append(str(error))
    return faults


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def attack(
    case: Case, out: Path, disk: str, number: int, moment: float, grace: float
) -> tuple[int, list[str]]:
    """Status of a command that gets a signal after moment seconds, and the faults found."""
    out.mkdir()
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (FULL, FULL))
    errors = out.with_suffix(".errors")
    with errors.open("w") as stream:
        process = subprocess.Popen(
            command(case, out),
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
            preexec_fn=limit if disk == "full" else None,
        )
        time.sleep(moment)
        if disk == "vanishing":
            shutil.rmtree(out, ignore_errors=True)
            time.sleep(moment / 4)
        process.send_signal(number)
        sent = time.monotonic()
        while group_lives(process.pid) and time.monotonic() < sent + grace:
            process.poll()
            time.sleep(POLL_SECONDS)
    faults = []
    if group_lives(process.pid):
        faults.append(f"processes are left after {grace:g} s")
        os.killpg(process.pid, signal.SIGKILL)
    status = process.wait()
    faults += faults_of_files(out)
    told = errors.read_text(errors="replace")
    # the interpreter itself tells of a Ctrl-C before the command has begun
    if "Traceback" in told and "in main" in told:
        faults.append(f"a traceback: {told.splitlines()[-1]}")
    if status == 0 and case.product and not (out / case.product).exists() and disk != "vanishing":
        faults.append(f"status 0 without {case.product}")
    shutil.rmtree(out, ignore_errors=True)
    errors.unlink()
    return status, faults


def duration(case: Case, out: Path) -> float:
    """Seconds that a command takes if nothing happens to it, 5 for one that waits for ever."""
    out.mkdir()
    began = time.monotonic()
    with subprocess.Popen(
        command(case, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            process.wait(5 if "zmq" in case.arguments else 600)
        except subprocess.TimeoutExpired:
            process.kill()
    shutil.rmtree(out)
    return time.monotonic() - began


def storm(count: int, seed: int, grace: float) -> tuple[Counter[tuple[str, str, int]], list[str]]:
    """How often each command on each disk ended with each status, and all faults."""
    rng = random.Random(seed)
    ended: Counter[tuple[str, str, int]] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vqdeepsc-signals-") as name:
        folder = Path(name)
        inputs = folder / "images"
        inputs.mkdir()
        known = cases(inputs)
        seconds = {key: duration(case, folder / "out") for key, case in known.items()}
        for turn in range(count):
            key = list(known)[turn % len(known)]
            disk = DISKS[turn // len(known) % len(DISKS)]
            number = rng.choice(SIGNALS)
            moment = rng.uniform(0, 1.1 * seconds[key])
            try:
                status, found = attack(known[key], folder / "out", disk, number, moment, grace)
            except KeyboardInterrupt:
                break
            ended[key, disk, status] += 1
            faults += [
                f"{key}, {disk} disk, {number.name} after {moment:.2f} s, status {status}: {fault}"
                for fault in found
            ]
    return ended, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--grace", type=float, default=2.0)
    arguments = parser.parse_args()
    ended, faults = storm(arguments.count, arguments.seed, arguments.grace)
    print(f"{'command':<12} {'disk':<10} {'status':>6} {'times':>6}")
    for (key, disk, status), times in sorted(ended.items()):
        print(f"{key:<12} {disk:<10} {status:>6} {times:>6}")
    print(*faults, f"{len(faults)} faults after {ended.total()} signals", sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
