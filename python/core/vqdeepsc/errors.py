# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of all errors that a user can mend; whatever else is raised is a bug of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Error(ValueError):
    """Something from outside that cannot be used: a file, an argument, a radio. In one sentence."""


class ParameterError(Error):
    """A parameter that is out of range or does not fit the others."""


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
