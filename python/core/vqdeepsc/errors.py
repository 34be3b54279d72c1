# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of all errors that a user can mend; whatever else is raised is a bug of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Error(ValueError):
    """Something from outside that cannot be used: a file, an argument, a radio. In one sentence."""


class ParameterError(Error):
    """A parameter that is out of range or does not fit the others."""


_OURS = ("vqdeepsc", "vqdeepsc_training", "gnuradio", "")
"""Packages that are missing only where the program itself is wrong."""


def explain(error: Exception) -> str | None:
    """One sentence about what a user can mend, as a command says it; None for a bug."""
    if isinstance(error, Error):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror or error}"
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package not in _OURS:
            return f"this needs the Python package {package}, which is not installed"
    return None


def ask_for_report(error: Exception, command: str) -> str:
    """One sentence about a bug that a command met."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    return (
        f"this should not have happened ({reason}); please report what the same command prints "
        f"as `{command} --debug ...`"
    )


@contextmanager
def refused_parameters() -> Iterator[None]:
    """What kernels and blocks in C++ refuse inside is a parameter of the user's.

    They raise a bare ValueError; it becomes a ParameterError."""
    try:
        yield
    except Error:
        raise
    except ValueError as error:
        raise ParameterError(str(error)) from error
