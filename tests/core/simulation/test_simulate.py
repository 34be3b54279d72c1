# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator: its rows, its seeds, and what interrupts it."""

import hashlib
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from conftest import assert_one_sentence, run_command, run_here
from tiny_bundle import make_upper_bound
from vqdeepsc.codec import find_model
from vqdeepsc.images import baselines, metrics
from vqdeepsc.images.files import load_image, save_image
from vqdeepsc.link import ChannelModel, Link, pad_to_frames
from vqdeepsc.simulation.identity import RowKey, System, derive_seed
from vqdeepsc.simulation.plan import Simulation
from vqdeepsc.simulation.profile import Profile
from vqdeepsc.simulation.results import ResultsError, read_results, summarise, write_results
from vqdeepsc.simulation.run import simulate

MODEL = "vqdeepsc-4s"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photograph):
    path = tmp_path_factory.mktemp("images")
    for number in range(3):
        image = photograph[60 * number : 60 * number + 128, 150 * number : 150 * number + 128]
        save_image(path / f"{number}.png", image)
    return path


@pytest.fixture(scope="module")
def simulation(folder):
    return Simulation(
        images=[folder],
        models=[MODEL],
        channels=[ChannelModel("awgn"), ChannelModel("rician", 10)],
        snr_db=(0.0, 10.0),
        baselines=("jpeg",),
        decisions=("soft", "hard"),
        seed=11,
    )


@pytest.fixture(scope="module")
def reference(simulation, tmp_path_factory):
    """The file of one undisturbed run."""
    path = tmp_path_factory.mktemp("reference") / "results.csv"
    simulate(simulation, path, workers=2)
    return path


def test_rows_come_in_order(reference):
    keys = [
        (row.image, str(row.system), str(row.channel), row.snr_db, row.source_bits, row.symbols)
        for row in read_results(reference)
    ]
    assert keys == [
        (image, system, channel, snr_db, 20032, 15024)
        for image in ("0.png", "1.png", "2.png")
        for system in (MODEL, f"{MODEL}:hard", "jpeg")
        for channel in ("awgn", "rician:10")
        for snr_db in (0.0, 10.0)
    ]


def test_a_row_is_what_the_parts_give(reference, folder, codec):
    rows = {row.key: row for row in read_results(reference)}
    image = load_image(folder / "1.png")
    link = Link(20032)
    channel = ChannelModel("rician", 10)
    row = rows[RowKey("1.png", System(MODEL), channel, 0.0, 20032)]
    received = link.receive(
        link.modulate(codec.encode_bits(image)), channel.open(0.0, row.seed), 0.0
    )
    soft = codec.decode_llrs(received.llrs, 128, 128)
    hard = codec.decode_bits(received.bits, 128, 128)
    assert row.block_errors == received.block_errors.sum() > 0
    assert row.decoded == 1
    assert row.ssim == pytest.approx(metrics.ssim(image, soft), abs=1e-6)
    assert row.psnr_db == pytest.approx(metrics.psnr(image, soft), abs=1e-4)
    row = rows[RowKey("1.png", System(MODEL, decision="hard"), channel, 0.0, 20032)]
    assert row.ssim == pytest.approx(metrics.ssim(image, hard), abs=1e-6)


def test_a_baseline_is_padded_sent_and_scored(reference, folder):
    rows = {row.key: row for row in read_results(reference)}
    image = load_image(folder / "2.png")
    file = baselines.compress(image, "jpeg", 20032)
    decoded = baselines.decompress(file.content, 128, 128)
    good = rows[RowKey("2.png", System("jpeg"), ChannelModel("awgn"), 10.0, 20032)]
    assert (good.block_errors, good.decoded) == (0, 1)
    assert good.ssim == pytest.approx(metrics.ssim(image, decoded), abs=1e-6)
    bad = rows[RowKey("2.png", System("jpeg"), ChannelModel("awgn"), 0.0, 20032)]
    link = Link(20032)
    bits = np.unpackbits(np.frombuffer(file.content, np.uint8))
    received = link.receive(
        link.modulate(pad_to_frames(bits, 20032, 1)), ChannelModel("awgn").open(0.0, bad.seed), 0.0
    )
    content = np.packbits(received.bits[0, : bits.size]).tobytes()
    arrived = baselines.decompress(content, 128, 128)
    grey = metrics.ssim(image, baselines.mid_grey(128, 128))
    shown = -1 if arrived is None else metrics.ssim(image, arrived)
    assert bad.decoded == (shown >= grey)
    assert bad.ssim == pytest.approx(max(shown, grey), abs=1e-6)


def test_seeds_follow_the_documented_hash(reference):
    for row in read_results(reference):
        system = str(row.system).removesuffix(":hard")
        text = f"11\n{row.image}\n{system}\n{row.channel}\n{row.snr_db:g}\n20032"
        digest = hashlib.sha256(text.encode()).digest()
        assert row.seed == int.from_bytes(digest[:4], "big")
        assert row.seed == derive_seed(11, row.image, system, str(row.channel), row.snr_db, 20032)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_file_does_not_depend_on_the_workers(simulation, reference, tmp_path, workers):
    simulate(simulation, tmp_path / "r.csv", workers=workers)
    assert (tmp_path / "r.csv").read_bytes() == reference.read_bytes()


def test_another_seed_gives_other_noise(simulation, reference, tmp_path):
    rows = simulate(replace(simulation, seed=12, limit=1), tmp_path / "r.csv")
    before = {row.key: row for row in read_results(reference)}
    changed = [row.ssim != before[row.key].ssim for row in rows if row.snr_db == 0.0]
    assert len(rows) == 12 and any(changed)
    with pytest.raises(ResultsError, match="another seed"):
        simulate(replace(simulation, seed=13), tmp_path / "r.csv")
    simulate(replace(simulation, seed=13, limit=1), tmp_path / "r.csv", overwrite=True)
    assert len(read_results(tmp_path / "r.csv")) == 12


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.8])
def test_an_interrupted_file_is_finished(simulation, reference, tmp_path, kept):
    content = reference.read_bytes()
    path = tmp_path / "r.csv"
    path.write_bytes(content[: int(kept * len(content))])
    simulate(simulation, path, workers=2)
    assert path.read_bytes() == content


def test_rows_that_are_there_are_not_simulated_again(simulation, reference, tmp_path):
    path = tmp_path / "r.csv"
    rows = read_results(reference)
    marked = [replace(row, ssim=0.123) for row in rows]
    write_results(path, [*marked[:7], *marked[10:]])
    simulate(simulation, path)
    assert read_results(path) == [*marked[:7], *rows[7:10], *marked[10:]]


def test_other_rows_of_the_file_are_kept(simulation, reference, tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(reference.read_bytes())
    rows = simulate(replace(simulation, snr_db=(20.0,), limit=1), path)
    assert [row.snr_db for row in rows] == [20.0] * 6
    assert read_results(path)[6:] == read_results(reference)
    assert [row.key for row in read_results(path)[:6]] == [row.key for row in rows]


def test_native_size_takes_all_regions(folder, photograph, tmp_path):
    save_image(tmp_path / "wide.png", photograph[:100, :300])
    simulation = Simulation(
        images=[tmp_path / "wide.png"],
        models=[MODEL],
        channels=[ChannelModel("awgn")],
        snr_db=(10.0,),
        baselines=("jpeg",),
        native=True,
    )
    rows = simulate(simulation, tmp_path / "r.csv")
    assert [(row.source_bits, row.symbols) for row in rows] == [(3 * 20032, 3 * 15024)] * 2
    assert all(row.ssim > 0.3 and row.block_errors == 0 for row in rows)


def test_means_by_hand(reference):
    rows = [replace(row, ssim=0.2, psnr_db=10.0) for row in read_results(reference)]
    key = rows[0].key[1:]
    rows = [row for row in rows if row.key[1:] == key]
    rows[0] = replace(rows[0], ssim=0.5, psnr_db=16.0, decoded=0, block_errors=2)
    rows[1] = replace(rows[1], block_errors=0)
    rows[2] = replace(rows[2], block_errors=0)
    (group,) = summarise(rows)
    assert group.ssim == pytest.approx(0.3)
    assert group.psnr_db == pytest.approx(12)
    assert (group.images, group.undecoded, group.with_block_errors) == (3, 1, 1)


def test_bad_arguments_get_one_sentence(folder, tmp_path, capfd):
    output = tmp_path / "r.csv"

    def command(*arguments, output, images):
        return run_here(capfd, "simulate", "--images", images, "--output", output, *arguments)

    for arguments, word in [
        (("--channel", "nakagami"), "nakagami"),
        (("--model", "nonsense"), "known models"),
        (("--model", MODEL, MODEL), "twice"),
        (("--snr", "20:0:2"), "backwards"),
        (("--snr", "-2:-4:1"), "backwards"),
        (("--baseline", "gif"), "gif"),
        (("--workers", "0"), "from 1 to 1,000,000"),
        (("--seed", "-1"), "--seed"),
        (("--plot", "figure.xyz"), "must end in"),
    ]:
        assert_one_sentence(command(*arguments, output=output, images=folder), word)
    assert not output.exists()
    assert_one_sentence(command(output=output, images=tmp_path / "missing.png"), "missing.png")
    output.write_text("image,system\n1,2\n")
    assert_one_sentence(command(output=output, images=folder), "other columns")
    for location, kind in ((tmp_path, "is a folder"), ("/dev/full", "is not a file")):
        assert_one_sentence(command(output=location, images=folder), f"{location} {kind}")


def test_finished_rows_survive_a_corrupt_image(folder, tmp_path):
    (tmp_path / "zz.png").write_bytes(b"no image")
    output = tmp_path / "r.csv"
    images = [folder / "0.png", tmp_path / "zz.png"]
    completed = run_command(
        "simulate", "--images", *images, "--output", output, "--snr", "10", "--workers", "1"
    )
    assert_one_sentence(completed, "zz.png", "not an image")
    assert [row.image for row in read_results(output)] == ["0.png"]


def test_a_full_disk_gets_one_sentence_and_keeps_rows(folder, tmp_path):
    output = tmp_path / "r.csv"

    def limit_file_size():
        resource.setrlimit(resource.RLIMIT_FSIZE, (240, 240))

    completed = run_command(
        *("simulate", "--images", folder, "--snr", "10", "--workers", "1", "--output", output),
        preexec_fn=limit_file_size,
    )
    assert_one_sentence(completed, str(output), "File too large")
    assert [row.image for row in read_results(output, interrupted=True)] == ["0.png", "1.png"]


def test_a_script_without_a_main_guard_can_simulate(folder, tmp_path):
    script = tmp_path / "script"
    script.write_text("import sys\nfrom vqdeepsc.cli import main\nsys.exit(main())\n")
    output = tmp_path / "r.csv"
    arguments = ["simulate", "--images", folder / "0.png", "--snr", "10", "--output", output]
    completed = subprocess.run([sys.executable, script, *arguments], capture_output=True)
    assert completed.returncode == 0, completed.stderr
    assert len(read_results(output)) == 1


def test_ctrl_c_ends_at_once_and_keeps_rows(folder, tmp_path):
    output = tmp_path / "r.csv"
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    arguments = ["simulate", "--images", str(folder), "--output", str(output), "--native"]
    arguments += ["--snr", "0:99:0.1", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not output.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert isinstance(read_results(output, interrupted=True), list)


def test_workers_end_when_their_parent_is_killed(folder, tmp_path):
    output = tmp_path / "r.csv"
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    arguments = ["simulate", "--images", str(folder), "--output", str(output), "--workers", "1"]
    # far more than the workers finish while they are waited for
    arguments += ["--snr", "0:99:0.1", "--channel", "awgn", "rayleigh", "rician"]
    # workers hold the pipe open for as long as they live
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not output.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2)
    process.kill()
    process.communicate(timeout=60)


def test_clean_images_are_decoded_once(folder, tmp_path):
    """The profile counts what was done."""
    profile = Profile()
    simulation = Simulation(
        images=[folder / "0.png"],
        models=[MODEL],
        channels=[ChannelModel("awgn")],
        snr_db=(0.0, 10.0, 15.0, 20.0),
        baselines=("jpeg", "webp"),
        decisions=("soft", "hard"),
    )
    rows = simulate(simulation, tmp_path / "r.csv", profile=profile)
    calls = {stage.stage: stage.calls for stage in profile.table()}
    # below the decoding threshold and above it, soft and hard; JPEG and WebP fitted once, decoded
    # above it and tried below
    assert calls == {
        **{"load": 1, "encode": 1, "link": 3 * 4, "decode": 4, "baseline": 2 + 4},
        "metric": 4 + 2 + 1,
    }
    assert sum(stage.share for stage in profile.table()) == pytest.approx(1, abs=1e-3)
    assert all(stage.seconds > 0 for stage in profile.table())
    clean = {row.ssim for row in rows if row.system.name == MODEL and row.snr_db >= 10}
    assert len(clean) == 1 and all(row.block_errors for row in rows if row.snr_db == 0)
    again = Profile()
    simulate(simulation, tmp_path / "r.csv", profile=again)
    assert set(again.calls.values()) == {0, 1} and again.calls["load"] == 1


def test_files_of_macos_in_a_folder_are_skipped(tmp_path, photograph, capfd):
    save_image(tmp_path / "a.png", photograph[:128, :128])
    (tmp_path / "._a.png").write_bytes(b"\0\5\26\7\0\2\0\0Mac OS X        ")
    arguments = ("simulate", "--images", tmp_path, "--snr", "10", "--workers", "1", "--output")
    completed = run_here(capfd, *arguments, tmp_path / "r.csv")
    assert completed.returncode == 0
    assert completed.stderr == f"vqdeepsc: {tmp_path}: 1 file skipped as no images (._a.png)\n"


def test_any_name_can_be_simulated_and_resumed(tmp_path, photograph, capfd):
    folder, output = tmp_path / "images", tmp_path / "r.csv"
    folder.mkdir()
    names = [b"\xff.png", b"a\nb.png", b"c\r\x1b[31m.png", "d\u2028,\u202e.png".encode()]
    for name in names:
        save_image(folder / os.fsdecode(name), photograph[:128, :128])
    arguments = ("simulate", "--images", folder, "--snr", "10", "--workers", "1", "--output")
    completed = run_here(capfd, *arguments, output)
    assert completed.returncode == 0, completed.stderr
    content = output.read_text(encoding="utf-8")
    assert len(content.splitlines()) == 1 + len(names)
    assert all(line.isprintable() for line in content.splitlines())
    shown = {row.image for row in read_results(output)}
    assert shown == {"\\xff.png", "a\\nb.png", "c\\r\\x1b[31m.png", "d\\u2028,\\u202e.png"}
    for kept in (len(content), len(content) - 5, content.index("\n", 200) + 3):
        output.write_text(content[:kept], encoding="utf-8")
        assert run_here(capfd, *arguments, output).returncode == 0
        assert output.read_text(encoding="utf-8") == content


def test_the_upper_bound_has_one_row_without_a_channel(folder, tmp_path, capfd):
    bound, output = make_upper_bound(tmp_path / "bound.onnx"), tmp_path / "r.csv"
    arguments = ["simulate", "--images", folder / "0.png", "--snr", "10,20", "--output", output]
    arguments += ["--workers", "1", "--plot", tmp_path / "f.svg", "--profile", "--upper-bound"]
    completed = run_here(capfd, *arguments, bound)
    assert completed.returncode == 0, completed.stderr
    assert "noiseless" in completed.stdout and "ms each" in completed.stdout
    completed = run_here(capfd, *arguments, bound, "--json")
    bounds = json.loads(completed.stdout, parse_constant=pytest.fail)["results"][-1]
    assert bounds["channel"] == "noiseless" and bounds["snr_db"] is None
    row = read_results(output)[-1]
    assert row.key == RowKey("0.png", System("bound"), None, math.inf, 0)
    image = load_image(folder / "0.png")
    assert row.ssim == pytest.approx(metrics.ssim(image, np.minimum(image, 128)), abs=1e-3)
    for path, word in (
        (tmp_path / "none.onnx", "No such file"),
        (folder / "0.png", "no ONNX graph"),
    ):
        assert_one_sentence(run_here(capfd, *arguments, path), word)
    network = find_model(MODEL) / "decoder.onnx"
    assert_one_sentence(run_here(capfd, *arguments, network), "must take 'image'")


def test_figure_and_json_of_the_command(folder, tmp_path):
    output, figure = tmp_path / "r.csv", tmp_path / "figure.svg"
    completed = run_command(
        *("simulate", "--images", folder, "--limit", "1", "--snr", "-1:1:2", "--json"),
        *("--output", output, "--plot", figure),
    )
    assert completed.returncode == 0 and not completed.stderr
    assert '"snr_db": -1.0' in completed.stdout
    assert figure.stat().st_size > 5000
    again = run_command("plot", output, "-o", tmp_path / "again.png")
    assert again.returncode == 0 and (tmp_path / "again.png").stat().st_size > 5000
