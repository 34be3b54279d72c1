# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the corpora of the fuzz targets; PYTHONPATH has to name tests/support."""

import io
import json
import shutil
import struct
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from tiny_bundle import make_bundle
from vqdeepsc.images.bitstream import ImageBitstream
from vqdeepsc.simulation.results import COLUMNS

CORPUS = Path(__file__).parent / "corpus"


def image(form: str) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def tar(form: int, *names: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(image("PNG"))
            archive.addfile(member, io.BytesIO(image("PNG")))
    # without the zeros that fill a tape
    return file.getvalue().rstrip(b"\0") + bytes(1024)


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    bundle = make_bundle(folder / "tiny", {3: 4, 4: 2})
    manifest = json.loads((bundle / "manifest.json").read_text())
    del manifest["training"]
    bits = np.random.default_rng(1).integers(0, 2, (2, 13), np.uint8)
    row = "a.png,vqdeepsc-4s,awgn,10,20032,15024,0,1,0.9,30,7"
    metadata = {
        "global": {
            "core:datatype": "ci16_le",
            "core:sample_rate": 1e6,
            "core:dataset": "a.sigmf-data",
        },
        "captures": [{"core:sample_start": 0, "core:frequency": 1e9, "core:header_bytes": 0}],
    }
    receiver = {"fft_size": 64, "cyclic_prefix": 8, "model": 7, "transport_blocks": [[[40, 120]]]}
    logged = {"offset": 2048, "header_ok": False, "snr_db": 1.5, "error": "it is none"}
    recorded = {
        "global": {
            "core:datatype": "cf32_le",
            "core:sample_rate": 1e6,
            "vqdeepsc:receiver": receiver | {"formats": [[4, "1/3"]], "session": -1},
        },
        "annotations": [{"core:sample_start": 2, "vqdeepsc:burst": logged}],
    }
    corpora = {
        "archive": [tar(tarfile.GNU_FORMAT, "a.png", "b" * 120 + ".png"), tar(2, "é.png", "n.txt")],
        "bitstream": [
            ImageBitstream(7, 130, 5, bits).to_bytes(),
            ImageBitstream(7, 130, 5, bits, block_bits=[2, 4]).to_bytes(),
        ],
        "codebooks": [(bundle / "codebooks.npz").read_bytes()],
        "command": [b'{"gain": 20, "frequency": 2.45e9}', b'{"gain": "1"}', b"{}\0"],
        "failed_burst": [json.dumps(recorded).encode()],
        "graph": [(bundle / name).read_bytes() for name in ("encoder.onnx", "decoder.onnx")],
        "image": [image(form) for form in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM")],
        "request": [
            b'{"session": 5, "image": 7, "missing": [[0, 64, []], [128, 1, [0, 2]]]}',
            b'{"session": 4294967295, "image": 0, "missing": [[16777215, 1, [0, 1, 2, 3]]]}',
        ],
        "image_message": [b'{"width": 2, "height": 1}\0abcdef'],
        "json": ['{"a": [1, -2.5e3, "\\u001b\\ud800é", null, true]}'.encode()],
        "manifest": [(bundle / "manifest.json").read_bytes(), json.dumps(manifest).encode()],
        "results": [f"{','.join(COLUMNS)}\n{row}\n".encode(), b"i"],
        "samples": [bytes(16), bytes.fromhex("f05f01") + struct.pack("<QQ", 0, 1) + bytes(40)],
        "sigmf": [json.dumps(metadata).encode()],
        # a first byte that asks for what is valid, then numbers
        "burst_demodulator": [
            bytes([2, 0, 0, 0, 24, 0, 0, 0, 1]) + bytes(range(k, 120)) for k in (0, 60)
        ],
        "burst_header": [
            bytes.fromhex("01 01 10 4e40 a082 0007 00c8 0096 000003 00"),
            bytes.fromhex("09 02" + "00" * 28),
        ],
        "ldpc": [bytes([1, 200, 0, 0, 0, 90, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 9])],
        "rate_matching": [
            bytes([1, 200, 2, 0, 0, 90, 1, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]) + bytes(64)
        ],
    }
    shutil.rmtree(CORPUS, ignore_errors=True)
    for name, contents in corpora.items():
        (CORPUS / name).mkdir(parents=True)
        for number, content in enumerate(contents):
            (CORPUS / name / str(number)).write_bytes(content)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
