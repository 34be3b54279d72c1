# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends signals at random moments to the commands that write files, and looks at what is left.

    python tests/support/signals.py [--count 500] [--seed 1] [--grace 2] [--only COMMAND ...]

Each time another command on a normal, a full or a vanishing disk gets SIGINT, SIGTERM or SIGHUP.
A full disk is a tmpfs of a few kB where mount(8) allows one (root), else a limit of bytes for each
file. A vanishing one is a folder that goes elsewhere just before the signal. A failure is a file
that is not whole, status 0 with something missing, the status of a bug, a traceback, another signal
than the one sent, or a process that is left after the grace: seconds, in which waiting for a
processor does not count. The table says how the commands ended; failures are listed as they are
found. Ctrl-C and SIGTERM end it with what has been found.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from vqdeepsc.cli.command import EXIT_BUG
from vqdeepsc.images.bitstream import read_bitstream
from vqdeepsc.images.files import ImageError, load_image, save_image
from vqdeepsc.simulation.results import read_results

PROGRAM = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DISKS = ("normal", "full", "vanishing")
FULL_BYTES = 12 << 10  # of a full disk: the files of one command in the second half do not fit
FULL_FILE_BYTES = 3000  # that a file may have where there is no such disk
POLL_SECONDS = 0.01
MOST_SECONDS = 60.0  # after a signal, on however busy a machine
SHOWN_LINES = 12
DEMO_FILES = ("panel.png", "sent.png", "received.png", "results.csv")


@dataclass(frozen=True)
class Case:
    """A command that writes into the folder OUT.

    arguments: of the command line; products: files that there are where it ends with status 0, as
    they are if nothing happens; none for a command that a signal ends with status 0."""

    arguments: tuple[str, ...]
    products: tuple[str, ...] = ()


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
            ("results.csv", "figure.png"),
        ),
        "encode": Case(("encode", one, "-o", "OUT/0.vqd"), ("0.vqd",)),
        "decode": Case(("decode", str(inputs / "0.vqd"), "-o", "OUT/0.png"), ("0.png",)),
        "demo": Case(("demo", "--image", one, "--output", "OUT"), DEMO_FILES),
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


def failures_of_files(out: Path) -> list[str]:
    """What is wrong with the files in a folder."""
    failures = []
    try:
        check_recording(out)
    except (OSError, ValueError) as error:
        failures.append(str(error))
    for path in sorted(out.rglob("*")):
        if path.name.startswith("."):
            failures.append(f"{path.name} was left behind")
        try:
            CHECKS.get(path.suffix, lambda _: None)(path)
        except (ValueError, ImageError) as error:
            failures.append(str(error))
    return failures


def check_recording(out: Path) -> None:
    """Raises ValueError where samples are not those that finished metadata are of."""
    for path in out.glob("*.sigmf-meta"):
        try:
            stated = json.loads(path.read_text())["global"].get("core:sha512")
        except ValueError:
            continue  # CHECKS finds it
        samples = path.with_suffix(".sigmf-data").read_bytes()
        if stated and hashlib.sha512(samples).hexdigest() != stated:
            raise ValueError(f"the samples of {path.name} are others")


def failures_of_success(
    case: Case, folders: Sequence[Path], said: str, reference: dict[str, bytes]
) -> list[str]:
    """What is missing in the folders although the command ended with status 0.

    said: on standard output; reference: the products as they are if nothing happens."""
    files = {path.name: path for folder in folders for path in folder.glob("*")}
    failures = []
    for product in case.products:
        if product not in files:
            failures.append(f"status 0 without {product}")
        elif files[product].read_bytes() != reference[product]:
            failures.append(f"status 0, but {product} is another")
    counted = re.search(r"^(\d+) images (received|sent)$", said, re.M)
    if case.arguments[0] in ("receive", "transmit"):
        if not counted:
            return [*failures, "status 0 without a count of images"]
        number = int(counted[1])
        images = [name for name in files if name.endswith(".png")]
        if counted[2] == "received" and len(images) != number:
            failures.append(f"status 0 with {len(images)} of {number} images")
        events = files["log.jsonl"].read_text().splitlines() if "log.jsonl" in files else []
        event = "image" if counted[2] == "received" else "sent"
        logged = sum(json.loads(line)["event"] == event for line in events)
        if "--log" in case.arguments and logged != number:
            failures.append(f"status 0 with {logged} of {number} images in the log")
        if counted[2] == "sent" and not {"sent.sigmf-meta", "sent.sigmf-data"} <= set(files):
            failures.append("status 0 without the recording")
    return failures


def processes(group: int) -> list[Path]:
    """The folders in /proc of the processes of a group."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(ProcessLookupError):  # it may end meanwhile
            if folder.name.isdigit() and os.getpgid(int(folder.name)) == group:
                found.append(folder)
    return found


def group_lives(group: int) -> bool:
    """Whether a process of a group has not ended; one that nobody has waited for yet has."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    states = []
    for process in processes(group):
        with suppress(OSError):  # it may end meanwhile
            states.append((process / "stat").read_text().rpartition(")")[2].split()[0])
    return not states or any(state != "Z" for state in states)


def begin(prepare: Callable[[], None] | None) -> None:
    """What a process does first; one that a shell began in the background ignores SIGINT."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    if prepare:
        prepare()


def progress(group: int) -> tuple[bool, float]:
    """Whether a thread of a group could run now, and the processor seconds of all (Linux)."""
    ready, nanoseconds = False, 0
    for process in processes(group):
        with suppress(OSError):  # it may end meanwhile, and its threads before it
            for thread in (process / "task").iterdir():
                ready |= (thread / "stat").read_text().rpartition(")")[2].split()[0] == "R"
                nanoseconds += int((thread / "schedstat").read_text().split()[0])
    return ready, nanoseconds / 1e9


def wait_for_group(process: subprocess.Popen[bytes], grace: float) -> None:
    """Until the group of a process has ended, or has had the grace.

    While one of its threads could run, what it runs counts, not the time: other programs may have
    the processors."""
    begin = last = time.monotonic()
    _, used = progress(process.pid)
    counted = 0.0
    while group_lives(process.pid):
        process.poll()
        time.sleep(POLL_SECONDS)
        now = time.monotonic()
        ready, total = progress(process.pid)
        counted += min(now - last, max(0.0, total - used)) if ready else now - last
        last, used = now, total
        if counted >= grace or now - begin > MOST_SECONDS:
            return


@contextmanager
def disk(out: Path, kind: str) -> Iterator[Callable[[], None] | None]:
    """Make the folder out on such a disk; gives what a process has to call, if anything."""
    out.mkdir()
    mounted = False
    if kind == "full":
        size = f"size={FULL_BYTES}"
        command = ["mount", "-t", "tmpfs", "-o", size, "vqdeepsc-full", str(out)]
        mounted = not subprocess.run(command, capture_output=True, check=False).returncode
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (FULL_FILE_BYTES, FULL_FILE_BYTES))
    try:
        yield limit if kind == "full" and not mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(out)], check=True)
        shutil.rmtree(out, ignore_errors=True)


def attack(
    case: Case,
    out: Path,
    kind: str,
    number: int,
    moment: float,
    grace: float,
    reference: dict[str, bytes],
) -> tuple[int, list[str]]:
    """Status of a command that gets a signal after moment seconds, and the failures found."""
    errors, output, gone = (out.with_suffix(f".{name}") for name in ("errors", "output", "gone"))
    with disk(out, kind) as prepare:
        with errors.open("w") as error_stream, output.open("w") as output_stream:
            process = subprocess.Popen(
                command(case, out),
                stdout=output_stream,
                stderr=error_stream,
                start_new_session=True,
                preexec_fn=partial(begin, prepare),
            )
            time.sleep(moment)
            if kind == "vanishing":
                out.rename(gone)
                time.sleep(moment / 4)
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)
            wait_for_group(process, grace)
        failures = []
        if group_lives(process.pid):
            failures.append(f"processes are left after {grace:g} s")
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        folders = [folder for folder in (out, gone) if folder.is_dir()]
        for folder in folders:
            failures += failures_of_files(folder)
        lines = errors.read_text(errors="replace").splitlines()
        # the interpreter itself tells of a Ctrl-C before the command has begun
        if all(any(word in line for line in lines) for word in ("Traceback", "command.py")):
            failures.append(f"a traceback: {' | '.join(lines[-SHOWN_LINES:])}")
        if status < 0 and -status not in (number, signal.SIGKILL):
            failures.append(f"ended by {signal.Signals(-status).name}")
        if status == EXIT_BUG:
            failures.append(f"taken for a bug of ours: {lines[-1]}")
        if status == 0:
            failures += failures_of_success(case, folders, output.read_text(), reference)
    shutil.rmtree(gone, ignore_errors=True)
    errors.unlink()
    output.unlink()
    return status, failures


def undisturbed(case: Case, out: Path) -> tuple[float, dict[str, bytes]]:
    """Seconds that a command takes if nothing happens to it, 5 for one that waits for ever, and
    its products."""
    out.mkdir()
    began = time.monotonic()
    with subprocess.Popen(
        command(case, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            process.wait(5 if "zmq" in case.arguments else 600)
        except subprocess.TimeoutExpired:
            process.kill()
    seconds = time.monotonic() - began
    products = {name: (out / name).read_bytes() for name in case.products}
    shutil.rmtree(out)
    return seconds, products


def storm(
    count: int, seed: int, grace: float, only: Sequence[str] = ()
) -> tuple[Counter[tuple[str, str, int]], list[str]]:
    """How often each command on each disk ended with each status, and all failures."""
    rng = random.Random(seed)
    ended: Counter[tuple[str, str, int]] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vqdeepsc-signals-") as name:
        folder = Path(name)
        inputs = folder / "images"
        inputs.mkdir()
        known = {key: case for key, case in cases(inputs).items() if key in only or not only}
        usual = {key: undisturbed(case, folder / "out") for key, case in known.items()}
        for turn in range(count):
            key = list(known)[turn % len(known)]
            kind = DISKS[turn // len(known) % len(DISKS)]
            number = rng.choice(SIGNALS)
            seconds, reference = usual[key]
            moment = rng.uniform(0, 1.1 * seconds)
            try:
                status, found = attack(
                    known[key], folder / "out", kind, number, moment, grace, reference
                )
            except KeyboardInterrupt:
                break
            ended[key, kind, status] += 1
            where = f"{key}, {kind} disk, {number.name} after {moment:.2f} s, status {status}"
            failures += [f"{where}: {failure}" for failure in found]
            for failure in failures[len(failures) - len(found) :]:
                print(failure, flush=True)
    return ended, failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--grace", type=float, default=2.0)
    parser.add_argument("--only", nargs="+", default=(), metavar="COMMAND")
    arguments = parser.parse_args()
    # also where it was begun in the background, which ignores Ctrl-C
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    ended, failures = storm(arguments.count, arguments.seed, arguments.grace, arguments.only)
    print(f"{'command':<12} {'disk':<10} {'status':>6} {'times':>6}")
    for (key, disk, status), times in sorted(ended.items()):
        print(f"{key:<12} {disk:<10} {status:>6} {times:>6}")
    print(f"{len(failures)} failures after {ended.total()} signals")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
