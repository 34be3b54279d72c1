# SPDX-License-Identifier: GPL-3.0-or-later
"""encode, decode and models as a user types them."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_one_sentence, run_command, run_here
from vqdeepsc.cli import SUBCOMMANDS, main
from vqdeepsc.cli.arguments import add_max_pixels
from vqdeepsc.codec import Regions
from vqdeepsc.images.bitstream import BitstreamError, ImageBitstream, read_bitstream
from vqdeepsc.images.files import load_image, save_image
from vqdeepsc.limits import MAXIMUM_PIXELS


@pytest.fixture(scope="module")
def image_file(tmp_path_factory, photograph):
    path = tmp_path_factory.mktemp("images") / "sent.png"
    save_image(path, photograph[:150, :200])
    return path


@pytest.fixture(scope="module")
def code_file(image_file):
    path = image_file.with_suffix(".vq")
    assert main(["encode", str(image_file), "-o", str(path)]) == 0
    return path


def with_crc(content):
    return content + zlib.crc32(content).to_bytes(4, "big")


def test_a_file_gives_what_the_codec_gives(image_file, code_file, codec):
    pixels = load_image(image_file)
    code = read_bitstream(code_file)
    np.testing.assert_array_equal(code.bits, codec.encode_bits(pixels))
    assert (code.width, code.height, code.model_id) == (200, 150, codec.model_id)
    received = code_file.with_name("received.png")
    assert main(["decode", str(code_file), "-o", str(received)]) == 0
    np.testing.assert_array_equal(load_image(received), codec.decode_bits(code.bits, 200, 150))


def test_a_terminal_shows_how_much_of_a_large_image_is_done(tmp_path):
    save_image(tmp_path / "long.png", np.zeros((16, 1290, 3), np.uint8))
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    for arguments in (("encode", "long.png", "-o", "a.vqd"), ("decode", "a.vqd", "-o", "b.png")):
        terminal, end = os.openpty()
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=end, check=True)
        shown = os.read(terminal, 4096).decode()
        os.close(end)
        os.close(terminal)
        doing = arguments[0].removesuffix("e") + "ing"
        assert shown == f"\r{doing}  50%\r{doing} 100%\r\n"
        assert done.stdout


def test_json_reports(image_file, tmp_path, capsys, codec):
    code = tmp_path / "code.vq"
    assert main(["encode", str(image_file), "-o", str(code), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == {
        "model": codec.name,
        "model_id": f"{codec.model_id:04x}",
        "width": 200,
        "height": 150,
        "regions": 3,
        "source_bits": 3 * 20032,
        "bytes": code.stat().st_size,
    }
    assert main(["decode", str(code), "-o", str(tmp_path / "p.png"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["width"] == 200
    assert main(["models", "--json"]) == 0
    models = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert models[codec.name]["bits_per_region"] == 20032
    assert models[codec.name]["model_id"] == f"{codec.model_id:04x}"


def test_the_file_by_hand():
    bits = np.zeros((2, 64), np.uint8)
    bits[0, 0] = bits[1, 11] = 1
    content = ImageBitstream(0xABCD, 1030, 5, bits).to_bytes()
    head = bytes.fromhex("56514453 02 abcd 00000000 0000 0406 0005 000000 0001")
    body = bytes.fromhex("8000000000000000 0010000000000000")
    assert content == with_crc(head + body)
    code = ImageBitstream.from_bytes(content)
    np.testing.assert_array_equal(code.bits, bits)
    assert (code.version, code.model_id, code.width, code.height) == (2, 0xABCD, 1030, 5)


def test_a_file_of_version_1_is_read(codec, photograph, tmp_path, capfd):
    pixels = photograph[:150, :200]
    indices = codec.encode(pixels)
    squares = Regions(200, 150, version=1)
    blocks = np.arange(4 * 64).reshape(4, 64)
    bits = codec.layout.pack(
        {
            scale.scale: squares.cut(indices.maps[scale.scale], blocks, scale.stride)
            for scale in codec.scales
        }
    )
    head = bytes.fromhex("56514453 01 00") + codec.model_id.to_bytes(2, "big")
    head += bytes.fromhex("000000c8 00000096 00000004 00004e40")
    path = tmp_path / "old.vqd"
    path.write_bytes(with_crc(head + np.packbits(bits, axis=1).tobytes()))
    assert run_here(capfd, "decode", path, "-o", tmp_path / "old.png").returncode == 0
    expected = codec.decode(codec.one_hot(indices), 200, 150)
    np.testing.assert_array_equal(load_image(tmp_path / "old.png"), expected)
    for damaged, word in [
        (with_crc(head[:8] + bytes(4) + head[12:]), "contradicts"),
        (with_crc(head[:16] + b"\0\0\0\5" + head[20:]), "contradicts"),
        (head, "incomplete"),
    ]:
        with pytest.raises(BitstreamError, match=word):
            ImageBitstream.from_bytes(damaged)


def test_files_of_images_beyond_the_limit_are_refused(code_file, tmp_path, capfd):
    # a few bytes that claim 4.3 gigapixels
    bits = np.zeros((1, 64), np.uint8)
    with pytest.raises(BitstreamError, match="65535x65535 pixels, more than the 40,000,000 allow"):
        ImageBitstream.from_bytes(ImageBitstream(0, 65535, 65535, bits).to_bytes())
    decode = ("decode", code_file, "-o", tmp_path / "out.png", "--max-pixels")
    assert_one_sentence(run_here(capfd, *decode, 29_999), "has 200x150 pixels, more than the 29,9")
    assert not (tmp_path / "out.png").exists()
    assert run_here(capfd, *decode, "30k").returncode == 0
    for wrong in ("0", "1.5", "10G"):
        assert_one_sentence(run_here(capfd, *decode, wrong), f"'{wrong}' is not a number of pixels")


def test_files_that_are_damaged_are_refused(code_file):
    content = code_file.read_bytes()
    for damaged, word in [
        (b"", "not written by"),
        (b"VQDS", "incomplete"),
        (content[:-1], "incomplete"),
        (content + b"\0", "longer"),
        (b"X" + content[1:], "not written by"),
        (content[:4] + b"\4" + content[5:], "version 4"),
        (content[:1000] + bytes([content[1000] ^ 1]) + content[1001:], "checksum"),
        (with_crc(content[:13] + bytes(2) + content[15:-4]), "contradicts"),
        (with_crc(content[:17] + b"\0\0\1" + content[20:-4]), "contradicts"),
        (with_crc(content[:20] + bytes(2) + content[22:-4]), "contradicts"),
        (with_crc(content[:20] + b"\xff\xff" + content[22:-4]), "bits in a region, more than"),
        (with_crc(content[:13] + b"\x10\0" + content[15:-4]), "incomplete"),
    ]:
        with pytest.raises(BitstreamError, match=word):
            ImageBitstream.from_bytes(damaged)


def test_bad_input_gets_one_sentence(image_file, code_file, tmp_path, codec, capfd):
    out = tmp_path / "out.png"
    nonsense = tmp_path / "nonsense"
    nonsense.write_bytes(b"nonsense")
    other_model = tmp_path / "other.vq"
    code = read_bitstream(code_file)
    other_model.write_bytes(ImageBitstream(codec.model_id ^ 1, 200, 150, code.bits).to_bytes())
    other_bits = tmp_path / "bits.vq"
    bits = np.zeros((3, 128), np.uint8)
    other_bits.write_bytes(ImageBitstream(codec.model_id, 200, 150, bits).to_bytes())
    for arguments, word in [
        ((), "required"),
        (("nonsense",), "nonsense"),
        (("encode",), "IMAGE"),
        (("encode", tmp_path / "missing.png", "-o", out), "missing.png"),
        (("encode", tmp_path, "-o", out), "is a folder"),
        (("encode", nonsense, "-o", out), "not an image"),
        (("encode", image_file, "-o", out, "--model", "nonsense"), "no model"),
        (("encode", image_file, "-o", tmp_path / "no" / "where"), "No such file"),
        (("encode", image_file, "-o", "/dev/full"), "No space left"),
        (("decode", nonsense, "-o", out), "not written by"),
        (("decode", tmp_path / "missing.vq", "-o", out), "No such file"),
        (("decode", "/dev/zero", "-o", out), "is not a file"),
        (("decode", code_file, "-o", tmp_path / "out.xyz"), "must end in"),
        (("decode", other_model, "-o", out), f"{codec.model_id ^ 1:04x}"),
        (("decode", other_model, "-o", out, "--model", codec.name), f"{codec.model_id:04x}"),
        (("decode", other_bits, "-o", out), "2 bits for each block, the model has 313"),
        (("plot", tmp_path / "missing.csv", "-o", out), "missing.csv"),
        (("plot", image_file, "-o", out), "not a results file"),
    ]:
        assert_one_sentence(run_here(capfd, *arguments), word)
    assert not out.exists()


def test_bad_images_get_one_sentence_from_a_process(tmp_path):
    for name, content, word in [
        ("empty", b"", "is empty"),
        ("text", b"text", "not an image"),
        ("truncated", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "truncated.png"),
    ]:
        path = tmp_path / f"{name}.png"
        path.write_bytes(content)
        assert_one_sentence(run_command("encode", path, "-o", tmp_path / "out"), word)


def test_names_reach_no_terminal_raw(image_file, tmp_path):
    """Sentences of every kind, on both outputs, in a process that has the bytes themselves."""
    name, shown = b"\xff\x1b[31m\nname", r"\xff\x1b[31m\nname"
    path = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118
    for arguments in (
        ("encode", path, "-o", b"x"),
        ("decode", path, "-o", b"x.png"),
        ("decode", path, "-o", path),
        ("encode", image_file, "-o", b"x", "--model", path),
        ("simulate", "--images", path, "--snr", "1", "--output", b"r.csv"),
        ("plot", path, "-o", b"x.png"),
        ("models", path),
        ("demo", "--image", path),
        ("receive", "--radio", "file", "--device", path, "--output", tmp_path / "out"),
        ("receive", "--radio", "zmq", "--control", path, "--output", tmp_path / "out"),
        ("transmit", path, "--radio", "file", "--device", "out.cf32"),
    ):
        done = run_bytes(*arguments, cwd=tmp_path)
        lines = done.stderr.decode().splitlines()
        assert done.returncode == 2, done.stderr
        # or as Python shows it in quotes
        assert shown in lines[0].replace(r"\udcff", r"\xff")
        assert all(line.isprintable() and line.startswith("vqdeepsc") for line in lines)
    done = run_bytes("encode", image_file, "-o", path)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout.decode() and done.stdout.decode()[:-1].isprintable()
    done = run_bytes("decode", path, "-o", path + b".png", "--json")
    assert done.returncode == 0, done.stderr


def run_bytes(*arguments, **options) -> subprocess.CompletedProcess:
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **options)


def test_a_damaged_model_gets_one_sentence(image_file, bundle):
    (bundle / "codebooks.npz").write_bytes(b"")
    arguments = ("encode", image_file, "-o", bundle / "x", "--model", bundle)
    assert_one_sentence(run_command(*arguments), "codebooks.npz")
    environment = os.environ | {"VQDEEPSC_MODELS": str(bundle.parent)}
    completed = run_command("models", env=environment)
    assert completed.returncode == 0
    assert "codebooks.npz" in completed.stderr and completed.stderr.count("\n") == 1


@pytest.mark.parametrize("name", list(SUBCOMMANDS))
def test_help(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert SUBCOMMANDS[name].help in shown
    if name in ("encode", "simulate"):
        assert "(default: vqdeepsc-4s)" in shown and "(default: None)" not in shown
    for option in re.split(r"\n  (?=\S)", shown):
        assert option.count("default") <= 1, option


def test_the_default_that_help_shows_holds():
    parser = argparse.ArgumentParser()
    add_max_pixels(parser)
    assert parser.parse_args([]).max_pixels == MAXIMUM_PIXELS


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_outputs_are_no_error(closed, image_file, code_file, tmp_path):
    """And what is written does not become an output, into which libraries print."""
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    bursts = tmp_path / "bursts.cf32"
    for status, arguments in [
        (0, ("encode", image_file, "-o", tmp_path / "code.vq")),
        (0, ("decode", code_file, "-o", tmp_path / "out.png", "--json")),
        (0, ("transmit", image_file, "--radio", "file", "--device", bursts)),
        (0, ("receive", "--radio", "file", "--device", bursts, "--output", tmp_path / "out")),
        (2, ("encode", tmp_path / "missing.png", "-o", tmp_path / "code.vq")),
    ]:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *command],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
    assert (tmp_path / "code.vq").read_bytes() == code_file.read_bytes()
    assert bursts.stat().st_size % 8 == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 1


def test_a_closed_pipe_is_no_error(codec):
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, "-c", program, "models", "--json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(writer)
    assert process.returncode == 128 + signal.SIGPIPE
    assert not process.stderr


def test_debug_shows_where_an_error_came_from(tmp_path, capfd):
    missing = tmp_path / "missing.png"
    done = run_here(capfd, "--debug", "encode", missing, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "Traceback" in done.stderr and "load_image" in done.stderr
    assert done.stderr.endswith(f"vqdeepsc: {missing}: No such file or directory\n")


@pytest.mark.parametrize(
    "error",
    [
        TypeError("an inner thing\nof two lines"),
        ValueError("an inner thing"),
        OSError(9, "an inner thing"),
    ],
)
def test_a_bug_is_one_sentence_and_another_status(error, tmp_path, capfd, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("vqdeepsc.images.coding.load_image", fail)
    done = run_here(capfd, "encode", "a.png", "-o", tmp_path / "out")
    assert done.returncode == 70
    assert done.stderr.count("\n") == 1
    assert "an inner thing)" in done.stderr and "--debug" in done.stderr
    assert type(error).__name__ in done.stderr and "please report" in done.stderr
    done = run_here(capfd, "--debug", "encode", "a.png", "-o", tmp_path / "out")
    assert done.returncode == 70 and "in fail" in done.stderr


def test_a_full_standard_output_is_one_sentence(codec):
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "models", "--json"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert_one_sentence(done, "standard output: No space left on device")
