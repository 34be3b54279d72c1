# SPDX-License-Identifier: GPL-3.0-or-later
"""Where work runs: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import re
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, TypeVar, cast

from vqdeepsc.errors import Error

Job = TypeVar("Job")
Report = TypeVar("Report")
ReportGiven = TypeVar("ReportGiven", covariant=True)


class Executor(Protocol):
    """Calls a function with each job and gives what it returns in the order of the jobs."""

    def __call__(
        self, function: Callable[[Job], Report], jobs: Iterable[Job], /
    ) -> Iterator[Report]: ...


class _Future(Protocol[ReportGiven]):
    """What both kinds of workers give for a job at once."""

    def result(self) -> ReportGiven: ...


_DASK_SECONDS = 10  # to reach the scheduler
_DASK_ADDRESS = re.compile(r"(tcp|tls)://\S+:\d{1,5}")

# one thread for each worker; more would only fight for the same cores
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class ExecutorError(Error):
    """Workers that cannot be used, in one sentence."""


@contextlib.contextmanager
def local_executor(workers: int) -> Iterator[Executor]:
    """Processes of this machine with one thread each; they end when this process is killed.

    Raises ExecutorError where one of them is killed."""
    before = set(multiprocessing.active_children())
    pool = concurrent.futures.ProcessPoolExecutor(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_follow_parent,
    )

    def run(function: Callable[[Job], Report], jobs: Iterable[Job]) -> Iterator[Report]:
        def submit(job: Job) -> _Future[Report]:
            with _surroundings_for_workers(), _interrupts_blocked():
                return pool.submit(function, job)

        return _in_order(submit, jobs, 2 * workers)

    try:
        yield run
        pool.shutdown()
    except BaseException as error:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise ExecutorError(
                "a worker process ended unexpectedly; finished rows are kept"
            ) from error
        raise


@contextlib.contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """The workers of a running Dask cluster, which need this package and the same files.

    address: of its scheduler, as tcp://HOST:PORT or tls://HOST:PORT. Raises ExecutorError."""
    # a client of another address fails only when it is collected, with a traceback
    if not _DASK_ADDRESS.fullmatch(address):
        raise ExecutorError(f"the address of a Dask scheduler is tcp://HOST:PORT, not {address!r}")
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise ExecutorError(
            "--dask needs the package distributed: pip install distributed"
        ) from error
    try:
        client: Any = cast(Any, Client)(address, timeout=_DASK_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ExecutorError(f"there is no Dask scheduler at {address}") from error
    try:
        with client:
            threads = sum(client.nthreads().values())
            if not threads:
                raise ExecutorError(f"the Dask scheduler at {address} has no workers")

            def run(function: Callable[[Job], Report], jobs: Iterable[Job]) -> Iterator[Report]:
                def submit(job: Job) -> _Future[Report]:
                    # the same job may meet another model in the same place
                    future: _Future[Report] = client.submit(function, job, pure=False)
                    return future

                return _in_order(submit, jobs, 3 * threads)

            yield run
    except KilledWorker as error:
        raise ExecutorError("Dask workers died; finished rows are kept") from error
    except ModuleNotFoundError as error:
        raise ExecutorError(f"a Dask worker has no module {error.name}") from error
    except concurrent.futures.CancelledError as error:
        raise ExecutorError("the Dask cluster went away; finished rows are kept") from error


def _in_order(
    submit: Callable[[Job], _Future[Report]], jobs: Iterable[Job], ahead: int
) -> Iterator[Report]:
    """Results in the order of the jobs, of which no more than `ahead` wait."""
    waiting: deque[_Future[Report]] = deque()
    for job in jobs:
        waiting.append(submit(job))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _follow_parent() -> None:
    """A process that was killed cannot end its workers, which would finish their image."""

    def end() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end, daemon=True).start()


@contextlib.contextmanager
def _surroundings_for_workers() -> Iterator[None]:
    """What new processes take over: one thread each, and not the script that was started.

    They need nothing of that script, and would run it again."""
    environment = {name: os.environ.get(name) for name in _ONE_THREAD}
    script = sys.modules["__main__"].__dict__
    file = script.pop("__file__", None)
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        if file is not None:
            script["__file__"] = file
        for name, value in environment.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C on a terminal reaches every process; those started here leave it to this one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
