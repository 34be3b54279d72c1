# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds any bytes to what reads files and messages; each must end in a result or a sentence.

    python tests/fuzz/fuzz_files.py --targets
    python tests/fuzz/fuzz_files.py TARGET [-runs=N] [-max_total_time=SECONDS] [FOLDER]

With atheris (pip install atheris) libFuzzer looks for new paths, and takes its other options too.
Without, the files of the folder are changed at random, the same in each run.
"""

import contextlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

with (
    atheris.instrument_imports(["vqdeepsc", "gnuradio.vqdeepsc"])
    if atheris
    else contextlib.nullcontext()
):
    from gnuradio.vqdeepsc.blocks.requests import Request
    from gnuradio.vqdeepsc.radio.asking import parse_request
    from gnuradio.vqdeepsc.radio.exchange import ControlSocket, parse_image
    from gnuradio.vqdeepsc.radio.recordings.failed_bursts import read_failed_burst
    from gnuradio.vqdeepsc.radio.recordings.opening import open_recording
    from gnuradio.vqdeepsc.radio.replay import outcome, receiver_of
    from gnuradio.vqdeepsc.radio.sample_socket import parse_samples
    from vqdeepsc.codec import read_manifest
    from vqdeepsc.codec.codebooks import codebook_shapes
    from vqdeepsc.codec.graph import check_graph
    from vqdeepsc.images.bitstream import ImageBitstream
    from vqdeepsc.images.files import ImageError, load_image
    from vqdeepsc.images.finding import find_images
    from vqdeepsc.messages import from_json, to_json
    from vqdeepsc.simulation.results import read_results

LONGEST = 4096
folder = Path(tempfile.mkdtemp(prefix="vqdeepsc-fuzz-"))


def in_file(name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def bitstream(content: bytes) -> None:
    code = ImageBitstream.from_bytes(content, max_pixels=1_000_000)
    # only the zeros behind a region's last bit may differ
    assert ImageBitstream.from_bytes(code.to_bytes()).bits.shape == code.bits.shape


def manifest(content: bytes) -> None:
    read = read_manifest(in_file("manifest.json", content).parent)
    assert all(abs(scale.prior.sum() - 1) < 1e-9 for scale in read.scales)


def archive(content: bytes) -> None:
    for image in find_images([in_file("images.tar", content)], lambda sentence: None):
        with contextlib.suppress(ImageError):
            image.load()


def sigmf(content: bytes) -> None:
    in_file("a.sigmf-data", bytes(80))
    open_recording(in_file("a.sigmf-meta", content))


def failed_burst(content: bytes) -> None:
    in_file("b.sigmf-data", bytes(80))
    burst = read_failed_burst(in_file("b.sigmf-meta", content))
    assert len(outcome(burst.logged)) < 1000
    receiver_of(burst)


def results(content: bytes) -> None:
    read_results(in_file("results.csv", content), interrupted=bool(content[:1] == b"i"))


def json_text(content: bytes) -> None:
    text = to_json(from_json(content))
    assert text.isprintable() and to_json(from_json(text)) == text


def image_message(content: bytes) -> None:
    header, _, pixels = content.partition(b"\0")
    parse_image([b"image", header, pixels])


def command(content: bytes) -> None:
    socket = ControlSocket.__new__(ControlSocket)
    socket._actions = {"gain": float, "frequency": float}
    to_json(socket._answer(content.split(b"\0"))).encode()


def request(content: bytes) -> None:
    read = parse_request(content.split(b"\0"))
    assert Request.from_json(read.to_json().encode()) == Request.from_pmt(read.to_pmt()) == read


def samples(content: bytes) -> None:
    parse_samples([content])


TARGETS: dict[str, Callable[[bytes], None]] = {
    "archive": archive,
    "bitstream": bitstream,
    "codebooks": codebook_shapes,
    "command": command,
    "failed_burst": failed_burst,
    "graph": check_graph,
    "image": load_image,
    "image_message": image_message,
    "json": json_text,
    "manifest": manifest,
    "request": request,
    "results": results,
    "samples": samples,
    "sigmf": sigmf,
}


def run_one(target: Callable[[bytes], None], content: bytes) -> None:
    try:
        target(content)
    except UnicodeError:
        raise
    except ValueError as error:
        assert str(error), "an error without a sentence"


def changed(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            data[at:at] = rng.randbytes(rng.randint(1, 8))
        elif kind == 1:
            del data[at : at + rng.randint(1, 8)]
        elif kind == 2:
            data[at:at] = data[rng.randrange(len(data) + 1) :][: rng.randint(1, 64)]
        elif kind == 3:
            data[at:at] = rng.choice(
                (b"9" * 30, b"[" * 30, b"NaN", b"1e999", b"null", b"\0", b"\xff")
            )
        elif at < len(data):
            data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def run_many(target: Callable[[bytes], None], arguments: list[str]) -> None:
    """The options and the corpus as libFuzzer takes them."""
    runs, seconds, corpus = 0, 0.0, []
    for argument in arguments:
        option, _, value = argument.partition("=")
        if option == "-runs":
            runs = int(value)
        elif option == "-max_total_time":
            seconds = float(value)
        elif not option.startswith("-"):
            corpus += [path.read_bytes() for path in sorted(Path(argument).iterdir())]
    rng = random.Random(1)
    until = time.monotonic() + seconds
    for content in corpus:
        run_one(target, content)
    done = 0
    while done < runs or time.monotonic() < until:
        random_one = not corpus or rng.random() < 0.1
        content = rng.randbytes(rng.randrange(LONGEST)) if random_one else rng.choice(corpus)
        run_one(target, changed(content, rng))
        done += 1
    print(f"{len(corpus)} inputs of the corpus and {done} more")


def main() -> None:
    if sys.argv[1:] == ["--targets"]:
        print(*TARGETS)
        return
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"{__doc__}\nTargets: {', '.join(TARGETS)}")
    target, arguments = TARGETS[sys.argv[1]], sys.argv[2:]
    os.environ["HOME"] = str(folder)
    if atheris is None:
        run_many(target, arguments)
        return
    atheris.Setup([sys.argv[0], *arguments], lambda content: run_one(target, content))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
