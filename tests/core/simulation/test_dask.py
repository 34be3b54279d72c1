# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Dask scheduler and two workers, each a process of its own."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import assert_one_sentence, run_command, run_here
from tiny_bundle import THREE_SCALES, make_bundle, make_upper_bound
from vqdeepsc.images.files import save_image
from vqdeepsc.simulation.results import read_results


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photograph) -> Path:
    path = tmp_path_factory.mktemp("dask")
    (path / "images").mkdir()
    for number in range(6):
        save_image(path / "images" / f"{number}.png", photograph[:128, 80 * number :][:, :128])
    make_bundle(path / "tiny-3s", THREE_SCALES)
    make_upper_bound(path / "bound.onnx")
    return path


@pytest.fixture(scope="module")
def scheduler(folder) -> str:
    """Address of a scheduler with two workers of one thread."""
    address_file = folder / "scheduler.json"
    where = ["--scheduler-file", str(address_file)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    host = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    processes = [subprocess.Popen([*program, *where, *host], **quiet)]
    try:
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", *where, "--no-dashboard"]
        worker += ["--nthreads", "1", "--no-nanny", "--death-timeout", "60"]
        processes += [subprocess.Popen(worker, **quiet) for _ in range(2)]
        from distributed import Client

        deadline = time.monotonic() + 60
        while not address_file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        with Client(scheduler_file=str(address_file), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def arguments(folder) -> list:
    return [
        *("simulate", "--images", folder / "images", "--model", folder / "tiny-3s"),
        *("--channel", "awgn", "rayleigh", "--snr", "1,9", "--baseline", "jpeg", "--seed", "5"),
        *("--decisions", "soft", "hard", "--upper-bound", folder / "bound.onnx", "--output"),
    ]


def test_the_file_is_the_one_of_local_workers(scheduler, arguments, folder, tmp_path, capfd):
    local, remote = tmp_path / "local.csv", tmp_path / "remote.csv"
    assert run_here(capfd, *arguments, local, "--workers", "1").returncode == 0
    completed = run_here(capfd, *arguments, remote, "--dask", scheduler)
    assert completed.returncode == 0, completed.stderr
    assert len(read_results(remote)) == 6 * (3 * 4 + 1)
    assert remote.read_bytes() == local.read_bytes()
    # and goes on where it was interrupted
    remote.write_bytes(remote.read_bytes()[: local.stat().st_size // 2])
    assert run_here(capfd, *arguments, remote, "--dask", scheduler).returncode == 0
    assert remote.read_bytes() == local.read_bytes()


def test_another_model_in_the_same_place_is_noticed(scheduler, folder, tmp_path, capfd):
    model = make_bundle(tmp_path / "model", THREE_SCALES, seed=1)
    arguments = ["simulate", "--images", folder / "images", "--model", model, "--snr", "20"]
    rows = []
    for seed, name in ((1, "a.csv"), (2, "b.csv")):
        for file in model.iterdir():
            file.unlink()
        model.rmdir()
        make_bundle(model, THREE_SCALES, seed=seed)
        output = tmp_path / name
        assert run_here(capfd, *arguments, "--output", output, "--dask", scheduler).returncode == 0
        rows.append([row.ssim for row in read_results(output)])
    assert rows[0] != rows[1]


def test_a_corrupt_image_gets_one_sentence_and_keeps_rows(scheduler, folder, tmp_path, capfd):
    (tmp_path / "zz.png").write_bytes(b"no image")
    output = tmp_path / "r.csv"
    images = ["--images", folder / "images" / "0.png", tmp_path / "zz.png"]
    model = ["--model", folder / "tiny-3s", "--snr", "20", "--output", output]
    completed = run_here(capfd, "simulate", *images, *model, "--dask", scheduler)
    assert_one_sentence(completed, "zz.png", "not an image")
    assert [row.image for row in read_results(output)] == ["0.png"]


def test_no_scheduler_gets_one_sentence(arguments, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("vqdeepsc.simulation.executors._DASK_SECONDS", 1)
    address = "tcp://127.0.0.1:9"
    completed = run_here(capfd, *arguments, tmp_path / "r.csv", "--dask", address)
    assert_one_sentence(completed, f"there is no Dask scheduler at {address}")


@pytest.mark.parametrize(
    "address", ["localhost", "", "8786", "nonsense://x", "tcp://x", "http://x:1"]
)
def test_addresses_of_another_kind_get_one_sentence(arguments, tmp_path, address):
    # in a process of its own, where what is collected at its end has its say
    completed = run_command(*arguments, tmp_path / "r.csv", "--dask", address)
    assert_one_sentence(completed, f"scheduler is tcp://HOST:PORT, not {address!r}")
