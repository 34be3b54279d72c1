# SPDX-License-Identifier: GPL-3.0-or-later
"""The GPU hour, rehearsed on the CPU: packed, trained by the clock, gone on with, exported."""

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL_PAPER, tool
from pretended import GPU, PretendedGpu
from vqdeepsc.codec import Codec

from vqdeepsc_training.data.resident import ResidentImages, read_tar
from vqdeepsc_training.gpu import throughput, timed
from vqdeepsc_training.gpu.record import TimedRecord
from vqdeepsc_training.gpu.session import Session, read_pack
from vqdeepsc_training.gpu.timed import Limits, TimedRun
from vqdeepsc_training.trainer.checkpoint import read_checkpoint
from vqdeepsc_training.trainer.configuration import Configuration
from vqdeepsc_training.trainer.record import RunRecord

CPU = torch.device("cpu")
SECONDS = (30, 120, 480)
"""Of a call; the next one where a machine is so busy that PyTorch takes all of them to load."""


@pytest.fixture
def planned(tmp_path, image_tar, configuration):
    """A pack of a small run that goes through every phase."""
    del configuration["noise"]
    # However slow a machine is, there are codebooks after one step.
    configuration["unquantised_steps"] = 0
    changes = {key: configuration[key] for key in configuration if key != "name"}
    runs = [{"name": "small-4s", "configuration": "demo", "changes": changes}]
    schedules = [{"minutes": 0, "runs": [{"run": "small-4s", "share": 1}]}]
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"runs": runs, "schedules": schedules}))
    arguments = ["--data", str(image_tar), "--validation", str(image_tar), "--plan", str(plan)]
    arguments += ["--output", str(tmp_path / "pack"), "--validation-images", "4"]
    assert tool("gpu")(["pack", *arguments]) == 0
    return tmp_path / "pack"


def call(pack: Path, output: Path, *more: str) -> subprocess.CompletedProcess:
    """Run a pack as on a bare machine."""
    bare = str(Path(__file__).with_name("bare.py"))
    command = [sys.executable, bare, str(pack / "run.py"), "--output", str(output)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [*command, "--device", "cpu", "--threads", "1", *more],
        capture_output=True,
        text=True,
        env=environment,
        cwd=output.parent,
        check=False,
    )


def test_two_calls_on_a_bare_machine_become_a_bundle(tmp_path, planned, image_tar):
    output = tmp_path / "output"
    for seconds in SECONDS:
        shutil.rmtree(output, ignore_errors=True)
        done = call(planned, output, "--seconds", str(seconds), "--largest-file", "0.02")
        if done.returncode == 0 and json.loads((output / "record.json").read_text())["runs"]:
            break
    assert done.returncode == 0, done.stderr
    record = json.loads((output / "record.json").read_text())
    (run,) = record["calls"][0]["runs"]
    assert run["ended"] == "annealed"
    assert run["learning_rate_factor"] < 0.2
    assert run["images"] == run["steps"] * run["batch"]
    assert np.isfinite(run["after"]["psnr_db"])
    # Files of bounded size, and nothing else.
    assert len(run["files"]) > 1
    assert max(run["files"].values()) <= 0.02 * 2**20
    assert {path.name for path in output.iterdir()} == {"record.json", *run["files"]}

    Session(planned, output, float(seconds), CPU, report=lambda line: None).train()
    record = json.loads((output / "record.json").read_text())
    second = record["calls"][1]["runs"][0]
    assert list(second["files"]) == ["small-4s.pt"]
    assert len(list(output.iterdir())) == 2
    # It goes on from the weights of the first call, rounded to 8 bits where they are many.
    assert second["before"]["psnr_db"] == pytest.approx(run["after"]["psnr_db"], abs=0.2)
    state = read_checkpoint(output / "small-4s.pt")
    assert [entry["images"] for entry in state["history"]] == [run["images"]]
    assert state["configuration"]["seed"] == 4
    assert record["runs"]["small-4s"]["images"] == second["images"]

    bundle = tmp_path / "small-4s"
    exported = ["--checkpoint", str(output / "small-4s.pt"), "--bundle", str(bundle)]
    assert tool("export")([*exported, "--data", str(image_tar), "--prior-images", "4"]) == 0
    image = np.zeros((32, 48, 3), np.uint8)
    codec = Codec(bundle)
    assert codec.decode_bits(codec.encode_bits(image), 48, 32).shape == image.shape


def timed_run(output, image_tar, configuration, device, name="small-4s", **options):
    """A run on the images of a tar file, for as long as a test may take."""
    del configuration["noise"]
    whole = Configuration.read(configuration).having(data=("a",), shares=(1.0,), steps=None)
    images = read_tar(image_tar)
    return TimedRun(
        name,
        whole,
        ResidentImages.of([images], device),
        np.stack([image[:32, :32] for image in images[:3]]),
        output,
        None,
        device,
        options.get("limits", Limits()),
        options.get("stop", lambda: False),
        lambda line: None,
    )


class Clock:
    """Seconds that pass with each look at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


@pytest.mark.parametrize("seconds", [10.0, 30.0])
def test_a_run_ends_annealed_in_its_time(tmp_path, image_tar, configuration, monkeypatch, seconds):
    clock = Clock()
    monkeypatch.setattr(timed.time, "monotonic", clock)
    run = timed_run(tmp_path, image_tar, configuration, CPU)
    found = run.train(seconds)
    assert found.ended == "annealed"
    # Half a cosine down to a tenth, in steps of some seconds each.
    assert found.learning_rate_factor < 0.12
    # A step of this clock takes less than a second.
    assert 0.8 * seconds < clock.now < seconds + 1
    state = read_checkpoint(tmp_path / "small-4s.pt")
    assert state["step"] == found.steps
    assert state["curve"][-1] == found.after.to_json()


def test_a_signal_ends_a_run_with_what_it_has(tmp_path, image_tar, configuration):
    run = timed_run(
        tmp_path,
        image_tar,
        configuration,
        CPU,
        stop=lambda: bool(run.trainer and run.trainer.step >= 3),
    )
    found = run.train(1000)
    assert found.ended == "stopped"
    assert found.steps == 3
    assert read_checkpoint(tmp_path / "small-4s.pt")["step"] == found.steps


def test_a_run_that_diverges_keeps_its_last_weights(tmp_path, image_tar, configuration):
    run = timed_run(tmp_path, image_tar, configuration, CPU, limits=Limits(save_seconds=-1.0))
    make = run._make

    def poisoned(batch):
        trainer = make(batch)
        step = trainer.train_step

        def train_step(read=True):
            terms = step(read)
            return terms | {"loss": float("nan")} if trainer.step > 3 else terms

        trainer.train_step = train_step
        return trainer

    run._make = poisoned
    found = run.train(1000)
    assert found.ended == "diverged"
    assert found.after is None
    assert read_checkpoint(tmp_path / "small-4s.pt")["step"] == 3


def test_a_run_that_ended_before_its_codebooks_began_begins_anew(
    tmp_path, image_tar, configuration
):
    again = dict(configuration)
    asked = iter([False] * 2)
    run = timed_run(tmp_path, image_tar, configuration, CPU, stop=lambda: next(asked, True))
    assert run.train(1000).steps <= 2
    assert timed_run(tmp_path, image_tar, again, CPU).start is None


def test_a_compiled_network_computes_the_same(tmp_path, image_tar, configuration, monkeypatch):
    configuration |= {"precision": "float32", "unquantised_steps": 0}
    trainers = []
    for name in ("eager", "compiled"):
        trainers.append(timed_run(tmp_path, image_tar, dict(configuration), CPU, name)._make(4))
    # What inductor makes of the graph takes a compiler and a minute.
    compile_without = functools.partial(torch.compile, backend="aot_eager")
    monkeypatch.setattr(torch, "compile", compile_without)
    trainers[1].faster = throughput.compiled(trainers[1])
    losses = [[one.train_step()["loss"] for _ in range(3)] for one in trainers]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize("kind", ["conditional", "paper"])
def test_a_run_on_a_gpu(tmp_path, image_tar, configuration, monkeypatch, kind):
    """Where every tensor is; what compiles and captures cannot run here, and is done without."""
    configuration |= {"precision": "float32", "unquantised_steps": 1}
    if kind == "paper":
        adam = {"name": "adam", "learning_rate": 0.001, "betas": [0.5, 0.999]}
        configuration |= {
            "network": SMALL_PAPER,
            "embedding_gradient": True,
            "optimiser": adam,
            "adversarial": {"channels": 4, "optimiser": adam},
        }
    pretended = {"synchronize": None, "empty_cache": None, "utilization": 90}
    for name, value in (pretended | {"max_memory_allocated": 12345}).items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, value=value: value)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    asked = iter([False] * 8)
    monkeypatch.setattr(timed, "GPU_BATCHES", 1)

    def refuse(trainer):
        raise RuntimeError("no graphs here")

    monkeypatch.setattr(timed, "WAYS", {"compiled": refuse, "graphed": refuse})
    with PretendedGpu():
        limits = Limits(compile_seconds=0.0, least_steps=10**9, save_seconds=-1.0)
        run = timed_run(
            tmp_path,
            image_tar,
            configuration,
            GPU,
            stop=lambda: next(asked, True),
            limits=limits,
        )
        found = run.train(1000)
    assert found.ended == "stopped"
    assert found.ways["compiled"] == found.ways["graphed"] == "RuntimeError: no graphs here"
    assert found.utilisation == 0.9
    assert found.memory_bytes == 12345
    state = read_checkpoint(tmp_path / "small-4s.pt")
    assert type(state["average"]["out.bias"]) is torch.Tensor
    assert ("discriminator" in state) == (kind == "paper")


def test_a_run_that_fails_is_repeated_without_ways(tmp_path, planned, monkeypatch):
    tried = []

    def failing(self, seconds):
        tried.append(self.limits.ways)
        if len(tried) == 1:
            raise RuntimeError("capture failed\nand a trace")
        return TimedRecord(run=self.name, ended="annealed")

    monkeypatch.setattr(TimedRun, "train", failing)
    monkeypatch.setattr(
        TimedRun, "record", lambda self: RunRecord({}, "float32", 1, 1, 0.1, 1, (), ())
    )
    found = Session(planned, tmp_path / "out", 1000.0, CPU, report=lambda line: None).train()
    assert tried == [True, False]
    (run,) = found.runs
    assert run == TimedRecord(run="small-4s", ended="annealed", failures=("capture failed",))


def test_packs_that_are_not_whole_are_refused(tmp_path, planned, capsys, monkeypatch):
    # the time of a call is that of its process, which here runs all tests
    monkeypatch.setattr("vqdeepsc_training.tools.gpu.process_age", lambda: 0.0)

    def refused(*more):
        arguments = ["--pack", str(planned), "--output", str(tmp_path / "out"), "--seconds", "30"]
        assert tool("gpu")(["run", *arguments, "--device", "cpu", *more]) == 2
        # a refused call leaves nothing behind that ends the process half a minute later
        guards = [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
        assert all(one.finished.is_set() for one in guards)
        return capsys.readouterr().err

    assert "no run other; there are small-4s" in refused("--only", "other")
    (tmp_path / "out").mkdir(exist_ok=True)
    for content in ("[]", "[" * 100_000):
        (tmp_path / "out" / "record.json").write_text(content)
        assert "no record of an earlier call" in refused()
    with (planned / "data" / "0.tar").open("ab") as file:
        file.write(b"more")
    assert "not as it was packed" in refused()
    (planned / "pack.json").write_text("[" * 100_000)
    assert "no whole pack" in refused()
    (planned / "pack.json").unlink()
    assert "no whole pack" in refused()


def test_a_pack_replaces_packs_alone(tmp_path, planned, image_tar, capsys):
    pack = read_pack(planned)
    assert [one.images for one in pack.data] == [12]
    assert not pack.weights
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").touch()
    arguments = ["--data", str(image_tar), "--validation", str(image_tar)]
    arguments += ["--plan", str(tmp_path / "plan.json")]
    assert tool("gpu")(["pack", *arguments, "--output", str(mine)]) == 2
    assert "something that is no pack" in capsys.readouterr().err
    assert tool("gpu")(["pack", *arguments, "--output", str(planned), "--megabytes", "0.01"]) == 2
    assert "too little for an image" in capsys.readouterr().err
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    read_pack(planned)
    # what goes wrong late leaves the old pack too, and nothing beside it
    before = set(tmp_path.iterdir())
    arguments[3] = str(mine)
    assert tool("gpu")(["pack", *arguments, "--output", str(planned)]) == 2
    assert set(tmp_path.iterdir()) == before
    read_pack(planned)


def test_a_call_that_takes_too_long_is_cut_short(tmp_path, planned):
    hanging = "import time; time.sleep(1000)"
    module = planned / "code" / "vqdeepsc_training" / "gpu" / "session.py"
    module.write_text(module.read_text() + "\n\ndef read_pack(folder):\n    " + hanging + "\n")
    done = call(planned, tmp_path / "out", "--seconds", "12")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "The time is over; what was saved last stays."


def test_time_that_is_over_trains_nothing(tmp_path, planned):
    session = Session(planned, tmp_path / "out", 0.5, CPU, report=lambda line: None)
    assert session.train().runs == ()
    assert json.loads((tmp_path / "out" / "record.json").read_text())["runs"] == {}
