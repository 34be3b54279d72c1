# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals at random moments leave whole files and no process; tests/support/signals.py has more."""

from signals import CHECKS, failures_of_files, storm

SECONDS = 300  # that a busy machine may take


def test_a_few_signals():
    ended, failures = storm(count=7, seed=3, grace=SECONDS)
    assert failures == []
    assert ended.total() == 7


def test_what_is_not_whole_is_found(tmp_path):
    for suffix in CHECKS:
        (tmp_path / f"a{suffix}").write_text("{\n")
    (tmp_path / ".0123.part").touch()
    assert len(failures_of_files(tmp_path)) == len(CHECKS) + 1
