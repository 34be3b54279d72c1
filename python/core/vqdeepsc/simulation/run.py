# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality against SNR: models and photo codecs over the same simulated link."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from vqdeepsc.codec import find_model, read_manifest
from vqdeepsc.errors import ParameterError
from vqdeepsc.images.finding import find_images

from .executors import dask_executor, local_executor
from .identity import RowKey
from .plan import Simulation
from .profile import Profile
from .results import Result, ResultsError, append_results, read_results, write_results
from .upper_bound import upper_bound_system
from .worker import ImageJob, simulate_image


def simulate(
    simulation: Simulation,
    output: str | os.PathLike[str],
    *,
    workers: int = 1,
    dask: str | None = None,
    overwrite: bool = False,
    progress: bool = False,
    profile: Profile | None = None,
) -> list[Result]:
    """Simulates what is missing in `output` (results.csv) and returns all rows asked for.

    Rows are appended image by image, so an interrupted run goes on where it stopped; at the
    end they are put in order. workers: processes with one thread each; dask: address of a Dask
    scheduler whose workers are used instead; the rows depend on neither. overwrite: forget what
    the file holds. progress: to stderr. profile: what each stage costs is added to it.
    Raises ImageError, BundleError, ResultsError or ParameterError; finished rows are kept."""
    output = Path(output)
    images = find_images(simulation.images)
    if simulation.limit:
        images = images[: simulation.limit]
    models = [find_model(model).resolve() for model in simulation.models]
    manifests = [read_manifest(model) for model in models]
    if len({manifest.name for manifest in manifests}) != len(models):
        raise ParameterError("a model is named twice")
    systems = [str(upper_bound_system(path)) for path in simulation.upper_bounds]
    if len({*systems, *(manifest.name for manifest in manifests)}) != len(systems) + len(models):
        raise ParameterError("an upper bound has the name of another one or of a model")
    results: dict[RowKey, Result] = {}
    if output.exists() and not overwrite:
        results = {result.key: result for result in read_results(output, interrupted=True)}
        for result in results.values():
            if result.seed != result.key.seed(simulation.seed):
                raise ResultsError(
                    f"{output} was made with another seed: overwrite it or name another file"
                )
    write_results(output, results.values())

    finished: dict[str, set[RowKey]] = {image.name: set() for image in images}
    for key in results:
        finished.setdefault(key.image, set()).add(key)
    digests = [digest for manifest in manifests for digest in manifest.files.values()]
    jobs = (
        ImageJob(
            simulation,
            models,
            digests,
            replace(image, path=image.path.resolve()),
            finished[image.name],
        )
        for image in images
    )
    executor = dask_executor(dask) if dask is not None else local_executor(workers)
    order: list[RowKey] = []
    started = time.monotonic()
    with executor as run:
        for number, report in enumerate(run(simulate_image, jobs), start=1):
            append_results(output, report.rows)
            results.update((row.key, row) for row in report.rows)
            order += report.keys
            if profile is not None:
                profile.add(report.profile)
            if progress:
                _show_progress(number, len(images), time.monotonic() - started)
    asked = set(order)
    others = [key for key in results if key not in asked]
    if list(results) != order + others:
        write_results(output, [results[key] for key in order + others])
    return [results[key] for key in order]


def _show_progress(finished: int, total: int, elapsed: float) -> None:
    left = elapsed / finished * (total - finished)
    minutes, seconds = divmod(round(left), 60)
    end = "\n" if finished == total else ""
    with contextlib.suppress(OSError):
        sys.stderr.write(
            f"\r{finished} of {total} images, about {minutes} min {seconds:02} s left {end}"
        )
        sys.stderr.flush()
