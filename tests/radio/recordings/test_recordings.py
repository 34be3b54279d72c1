# SPDX-License-Identifier: GPL-3.0-or-later
"""One transmission in every format that people record, read from files, pipes and growing files."""

import os
import shutil
import struct
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import sigmf
from gnuradio.vqdeepsc.radio.recordings.byte_stream import ByteStream
from gnuradio.vqdeepsc.radio.recordings.formats import RecordingError
from gnuradio.vqdeepsc.radio.recordings.guess import guess_format
from gnuradio.vqdeepsc.radio.recordings.opening import READ_SUFFIXES, open_recording
from gnuradio.vqdeepsc.radio.recordings.reader import SampleReader
from gnuradio.vqdeepsc.radio.recordings.writer import WRITTEN_SUFFIXES, SampleWriter
from recorded import BOTH, FREQUENCY, RATE, Case, assert_read, read_all, stored


def wav(body, kind, bits, channels=2, before=b"", extensible=False, size=None, rf64=False):
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, int(RATE), int(RATE) * block, block, bits)
    if extensible:
        guid = struct.pack("<H", kind) + b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
        form = b"\xfe\xff" + form[2:] + struct.pack("<HHI", 22, bits, 3) + guid
    size = len(body) if size is None else size
    if rf64:
        before = b"ds64" + struct.pack("<IQQQI", 28, 0, len(body), 0, 0) + before
        size = 0xFFFFFFFF
    head = b"WAVE" + before + b"fmt " + struct.pack("<I", len(form)) + form
    head += b"data" + struct.pack("<I", size)
    return (b"RF64" if rf64 else b"RIFF") + struct.pack("<I", 0) + head + body


def auxi(content):
    return b"auxi" + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def packed_24(samples):
    wide = np.rint(samples.view(np.float32) * np.float64(2**23 - 1)).astype("<i4")
    return wide.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


SPECTRAVUE = bytes(32) + struct.pack("<I", int(FREQUENCY)) + bytes(32)
SDR_CONSOLE = '<SDR-XML-Root><Definition RadioCenterFreq="433920000"/>'.encode("utf-16-le")


def bare(name, datatype, error, knows=(None, None), format_name=""):
    return Case(name, lambda samples: stored(samples, datatype), error, knows, format_name)


CASES = [
    *(bare(f"a{suffix}", "cf32_le", 0) for suffix in (".cf32", ".cfile", ".FC32")),
    *(bare(f"a{suffix}", "cf64_le", 0) for suffix in (".cf64", ".fc64")),
    *(bare(f"a{suffix}", "ci8", 0.006) for suffix in (".cs8", ".sc8", ".C8")),
    *(bare(f"a{suffix}", "cu8", 0.006) for suffix in (".cu8", ".uc8")),
    *(bare(f"a{suffix}", "ci16_le", 2e-5) for suffix in (".ci16", ".CS16", ".sc16", ".c16")),
    *(bare(f"a{suffix}", "ci32_le", 1e-7) for suffix in (".cs32", ".sc32", ".c32")),
    bare("a.iq", "ci8", 0.006),
    bare("a.IQ", "cf32_le", 0),
    bare("a.raw", "ci16_le", 2e-5),
    bare("a.bin", "cu8", 0.006),
    bare("a.dat", "cf64_le", 0),
    bare("b.dat", "ci16_be", 2e-5),
    bare("c.dat", "ci32_le", 1e-7),
    bare("d.dat", "cf32_be", 0),
    bare("said.dat", "cu16_be", 2e-5, format_name="cu16_be"),
    bare("said.cf32", "ci8", 0.006, format_name="ci8"),
    bare("gqrx_20260102_030405_433920000_2000000_fc.raw", "cf32_le", 0, BOTH),
    bare("air_433.92MHz_2Msps.cs16", "ci16_le", 2e-5, BOTH),
    Case(
        "baseband_433920000Hz_12-34-56_01-02-2026.wav",
        lambda samples: wav(stored(samples, "ci16_le"), 1, 16),
        2e-5,
        BOTH,
    ),
    Case("a.WAV", lambda samples: wav(stored(samples, "cu8"), 1, 8), 0.006, (RATE, None)),
    Case("b.wav", lambda s: wav(s.tobytes(), 3, 32, before=auxi(SPECTRAVUE)), 0, BOTH),
    Case("c.wav", lambda s: wav(s.tobytes(), 3, 32, before=auxi(SDR_CONSOLE + b" ")), 0, BOTH),
    Case("d.wav", lambda s: wav(packed_24(s), 1, 24, extensible=True), 2e-7, (RATE, None)),
    Case("e.wav", lambda s: wav(stored(s, "ci32_le"), 1, 32, size=0), 1e-7, (RATE, None)),
    Case("f.wav", lambda s: wav(s.tobytes(), 3, 32, rf64=True) + b"LIST", 0, (RATE, None)),
    Case("wav.bin", lambda s: wav(s.tobytes(), 3, 32), 0, (RATE, None)),
    Case(
        "a.sdriq",
        lambda s: (
            struct.pack("<IQQIII", 2_000_000, 433_920_000, 0, 16, 0, 0) + stored(s, "ci16_le")
        ),
        2e-5,
        BOTH,
    ),
    Case(
        "b.sdriq",
        lambda s: (
            struct.pack("<IQQIII", 2_000_000, 433_920_000, 0, 24, 0, 0)
            + np.rint(s.view(np.float32) * np.float64(2**23 - 1)).astype("<i4").tobytes()
        ),
        2e-7,
        BOTH,
    ),
]
IDS = [case.name for case in CASES]


def quiet_open(path, case, sentences, **options):
    recording = open_recording(str(path), case.format, tell=sentences.append, **options)
    guessed = Path(case.name).suffix.lower() in (".iq", ".raw", ".bin", ".dat")
    known = case.format or case.name.startswith(("gqrx", "wav"))
    assert len(sentences) == int(guessed and not known), sentences
    return recording


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_every_format_is_read_from_a_file(tmp_path, transmission, case):
    path = tmp_path / case.name
    path.write_bytes(case.content(transmission))
    recording = quiet_open(path, case, [])
    assert_read(case, recording, transmission, read_all(recording))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_every_format_is_read_from_a_named_pipe(tmp_path, transmission, case):
    path = tmp_path / case.name
    os.mkfifo(path)
    content = case.content(transmission)
    writing = threading.Thread(target=path.write_bytes, args=(content,), daemon=True)
    writing.start()
    recording = quiet_open(path, case, [])
    got = read_all(recording)
    if case.name == "f.wav":  # which goes on behind its samples
        got = got[: transmission.size]
    assert_read(case, recording, transmission, got)
    writing.join(timeout=10)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_every_format_is_read_while_the_file_grows(tmp_path, transmission, case):
    path = tmp_path / case.name
    content = case.content(transmission)
    beginning = len(content) * 2 // 3 + 1
    path.write_bytes(content[:beginning])

    def grow():
        with path.open("ab", buffering=0) as file:
            for position in range(beginning, len(content), 40_000):
                time.sleep(0.02)
                file.write(content[position : position + 40_000])

    recording = quiet_open(path, case, [], follow=True)
    growing = threading.Thread(target=grow, daemon=True)
    growing.start()
    got = read_all(recording, follow=True, count=transmission.size)[: transmission.size]
    assert_read(case, recording, transmission, got)
    growing.join(timeout=10)


def test_the_cases_have_every_ending():
    cases = {Path(case.name).suffix.lower() for case in CASES}
    assert cases | {".sigmf-meta", ".sigmf-data", ".sigmf", ".sigmf-collection"} == {*READ_SUFFIXES}


def test_what_inspectrum_reads_is_read():
    """Its list of complex samples and of SigMF, version 0.2.3 and later."""
    listed = "cfile cf32 fc32 cf64 fc64 cs8 sc8 c8 cs16 sc16 c16 cs32 sc32 c32 cu8 uc8"
    endings = {f".{ending}" for ending in listed.split()} | {".sigmf-meta", ".sigmf-data"}
    assert endings <= {*READ_SUFFIXES}


def test_what_else_cannot_be_read_gets_a_sentence(tmp_path):
    uniform = np.random.default_rng(1).integers(0, 256, 100_000, dtype=np.uint8).tobytes()
    files = {
        "a.raw": (uniform, "does not tell the format"),
        "b.bin": (bytes(5000), "does not tell the format"),
        "c.dat": (b"", "has no samples"),
        "d.wav": (uniform, "no WAV file"),
        "e.wav": (wav(bytes(800), 1, 16, channels=1), "I and Q need two"),
        "f.wav": (wav(bytes(800), 17, 4), "kind 17 with 4 bits"),
        "g.wav": (wav(b"", 1, 16)[:30], "no samples within"),
        "h.sdriq": (uniform, "no recording of SDRangel"),
        "i.mp3": (uniform, "must end in"),
        "j.sigmf": (uniform, "no SigMF archive"),
        "k.sigmf-collection": (b"{}", "no SigMF collection"),
        "l.sigmf-collection": (b"[" * 100_000, "nested too deeply"),
    }
    for name, (content, words) in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(RecordingError, match=words) as caught:
            open_recording(str(path), tell=pytest.fail)
        assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="no sample format 'float'"):
        open_recording(str(tmp_path / "a.raw"), "float")


def test_a_guess_is_right_or_none(transmission):
    guessed = 0
    for level in (0.02, 0.1, 0.2, 0.4):
        samples = (transmission * np.float32(level / 0.2)).astype(np.complex64)
        for name in ("cf32_le", "cf64_le", "ci8", "cu8", "ci16_le", "ci16_be", "ci32_le"):
            found = guess_format(stored(samples, name)[: 1 << 16])
            assert found in (name, ""), (name, level)
            guessed += bool(found)
    assert guessed == 28


def test_a_portapack_recording_and_its_text(tmp_path, transmission):
    (tmp_path / "BBD_0001.C16").write_bytes(stored(transmission, "ci16_le"))
    (tmp_path / "BBD_0001.TXT").write_text("sample_rate=2000000\ncenter_frequency=433920000\n")
    recording = open_recording(str(tmp_path / "BBD_0001.C16"))
    assert (recording.sample_rate, recording.frequency) == BOTH
    writer = SampleWriter(str(tmp_path / "B.C16"), RATE, FREQUENCY)
    writer.write(transmission)
    writer.finish()
    assert (tmp_path / "B.TXT").read_text() == (tmp_path / "BBD_0001.TXT").read_text()
    written, expected = (np.fromfile(tmp_path / f"{n}.C16", "<i2") for n in ("B", "BBD_0001"))
    np.testing.assert_allclose(written, expected, atol=1)


@pytest.mark.parametrize("suffix", [*WRITTEN_SUFFIXES, ".WAV"])
def test_what_is_written_comes_back(tmp_path, transmission, suffix):
    path = tmp_path / f"a{suffix}"
    loud = transmission.copy()
    loud[:2] = [3 - 2j, -1 + 1j]  # cut at full scale
    writer = SampleWriter(str(path), RATE, FREQUENCY)
    assert writer.write(loud[:10_000]) == 10_000
    writer.write(loud[10_000:])
    writer.finish()
    recording = open_recording(str(path), tell=lambda sentence: None)
    got = read_all(recording)
    if writer.format.number.kind != "f":
        assert abs(got[:2] - [1 - 1j, -1 + 1j]).max() < 0.01
        got, loud = got[2:], loud[2:]
    np.testing.assert_allclose(got, loud, atol=0.006 if writer.format.size == 2 else 3e-5)
    if suffix.lower() == ".wav" or "sigmf" in suffix:
        assert (recording.sample_rate, recording.frequency) == BOTH


@pytest.mark.parametrize("name", ["ci16", "cu8", "ci32", "cf32"])
def test_sox_reads_the_same_from_wav(tmp_path, transmission, name):
    if not shutil.which("sox"):
        pytest.skip("sox is not installed")
    writer = SampleWriter(str(tmp_path / "a.wav"), RATE, FREQUENCY, name)
    writer.write(transmission)
    writer.finish()
    done = subprocess.run(
        ["sox", tmp_path / "a.wav", "-t", "raw", "-e", "float", "-b", "32", "-L", "-"],
        capture_output=True,
        check=True,
    )
    got = np.frombuffer(done.stdout, np.complex64)
    if name == "cu8":  # sox has 0 at 128 and 1 at 256, a receiver's converter at 127.5 and 255
        got = (128 * got + (0.5 + 0.5j)) / 127.5
    np.testing.assert_allclose(got, transmission, atol=0.006 if name == "cu8" else 7e-5)
    rate = subprocess.run(["sox", "--i", "-r", tmp_path / "a.wav"], capture_output=True, text=True)
    assert float(rate.stdout) == RATE


def test_sox_writes_what_is_read(tmp_path, transmission):
    if not shutil.which("sox"):
        pytest.skip("sox is not installed")
    raw = ["-t", "raw", "-e", "float", "-b", "32", "-L", "-r", "2000000", "-c", "2", "-"]
    for bits in ("16", "24", "32"):
        path = tmp_path / f"a{bits}.wav"
        subprocess.run(["sox", *raw, "-b", bits, path], input=transmission.tobytes(), check=True)
        recording = open_recording(str(path))
        np.testing.assert_allclose(read_all(recording), transmission, atol=7e-5)
        assert recording.sample_rate == RATE


def test_written_metadata_name_the_format(tmp_path, transmission):
    writer = SampleWriter(str(tmp_path / "a.sigmf-meta"), RATE, FREQUENCY, "ci8")
    writer.write(transmission)
    writer.finish()
    description = sigmf.fromfile(tmp_path / "a.sigmf-meta")  # with its checksum
    description.validate()
    assert description.get_global_field("core:datatype") == "ci8"
    np.testing.assert_allclose(description.read_samples(), transmission, atol=0.02)


def test_what_cannot_be_written_gets_a_sentence(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    for name, form, words in (
        ("a.wav", "", "which a pipe cannot have"),
        ("b.wav", "cf64", "a WAV file has no cf64_le"),
        ("c.sdriq", "", "must end in"),
        ("no/d.cf32", "", "No such file"),
        ("e.cf32", "cf7", "no sample format"),
    ):
        with pytest.raises(ValueError, match=words):
            SampleWriter(str(tmp_path / name), RATE, 0, form)


def test_memory_stays_bounded(tmp_path):
    path = tmp_path / "large.cu8"
    with path.open("wb") as file:
        file.truncate(1 << 31)
    stream = ByteStream(path)
    assert max(len(stream.read(1 << 30)) for _ in range(3)) <= 1 << 20
    stream.close()
    reader = SampleReader(open_recording(str(path)))
    assert reader.read(1 << 40).size <= 1 << 20
    reader.close()
