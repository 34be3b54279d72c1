# SPDX-License-Identifier: GPL-3.0-or-later
"""`train` as a function: the length of a run, and who makes its batches."""

import pytest
from short_runs import assert_same, run

from vqdeepsc_training.base.errors import ConfigurationError
from vqdeepsc_training.trainer.configuration import Configuration
from vqdeepsc_training.trainer.run import train


def test_a_run_from_python_has_a_length(tmp_path, image_tar, configuration):
    """Steps, epochs or hours; what is given is all that a command line would have given."""
    endless = Configuration.read(configuration | {"noise": None, "steps": None})
    folders = {"cache": tmp_path / "cache", "folder": tmp_path / "run"}
    with pytest.raises(ConfigurationError, match="small has neither steps nor epochs"):
        train(endless, [image_tar], **folders)
    assert not folders["folder"].exists()
    trainer = train(endless, [image_tar], hours=1e-9, **folders)
    assert trainer.step == 1
    trainer = train(endless.having(epochs=1), [image_tar], overwrite=True, **folders)
    assert trainer.step == 3


def test_workers_change_nothing(tmp_path, image_tar, configuration):
    """Also where a run goes on in the middle."""
    found = []
    for name, workers in (("alone", "0"), ("shared", "2")):
        more = ("--workers", workers)
        run(tmp_path, image_tar, configuration, name, "--steps", "2", *more)
        found.append(
            run(tmp_path, image_tar, configuration, name, "--steps", "4", "--resume", *more)
        )
    assert_same(found[0]["network"], found[1]["network"])
