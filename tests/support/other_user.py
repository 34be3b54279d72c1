# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands as another user runs them, in an environment with nothing that they do not need."""

import os
import subprocess
import sys

PROGRAM = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
NOBODY = 65534
# a service with UMask=0077 that is sent no signals and has no input
AS_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("sh", "-c", 'umask 077; exec "$@"', "sh"),
)
_KEPT_VARIABLES = ("PATH", "PYTHONPATH", "VQDEEPSC_MODELS", "LD_LIBRARY_PATH")


def bare_environment(home):
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return environment | ({} if home is None else {"HOME": str(home)})


def run(words, folder, home, prefix=(), **options):
    """Runs a command in a folder, with prefix ahead of it."""
    return subprocess.run(
        [*prefix, sys.executable, "-c", PROGRAM, *map(str, words)],
        cwd=folder,
        env=bare_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )
