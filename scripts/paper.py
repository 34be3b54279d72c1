# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the experiments behind docs/results: the paper's, and those beyond it.

Rows go to a work folder, which an interrupted run goes on with; means, figures and the text go to
docs/results.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import skimage.data
from paper_means import BASELINES, UNQUANTISED, system_title, write_means
from paper_plan import Experiment, is_of_the_paper, is_progressive, plan, sent_bits, source_bits
from paper_report import RUN_FILE, write_report
from vqdeepsc.codec import Codec, find_model, list_models, read_manifest, region_count
from vqdeepsc.errors import Error
from vqdeepsc.images import baselines, metrics
from vqdeepsc.images.files import crop_square, load_image
from vqdeepsc.images.panel import PanelCell, PanelRow, build_panel
from vqdeepsc.link import ChannelModel, Link, pad_to_frames
from vqdeepsc.simulation.identity import RowKey, System, derive_seed
from vqdeepsc.simulation.results import Result, read_results, summarise, write_results
from vqdeepsc.simulation.run import simulate
from vqdeepsc.simulation.upper_bound import UpperBound, upper_bound_system
from vqdeepsc.whole_files import write_whole

ROOT = Path(__file__).resolve().parent.parent
PANEL_SNR = (-2.0, 0.0, 2.0, 3.0, 4.0)
PANEL_IMAGES = ("astronaut.png", "chelsea.png", "coffee.png")
PANEL_SIDE = 256
RECORDS = ROOT / "training" / "results"
"""Of published models: records of their training and, where there are, their upper bounds."""


def shipped_upper_bounds(models: Sequence[str]) -> list[str]:
    """The networks without quantisation that the checkout has for models."""
    names = (f"{read_manifest(model).name}{UNQUANTISED}.onnx" for model in models)
    return [str(path) for name in names if (path := RECORDS / name).exists()]


def forget_other_models(work: Path, models: Sequence[str], upper_bounds: Sequence[str]) -> None:
    """Drops the rows of networks that do not compute what they did; those of baselines stay."""
    record = work / "models.json"
    before = json.loads(record.read_text()) if record.exists() else {}
    now = {}
    for model in models:
        manifest = read_manifest(model)
        scales = [{**vars(scale), "prior": scale.prior.tolist()} for scale in manifest.scales]
        # Another model card changes no row.
        now[manifest.name] = {**manifest.files, "MODEL_CARD.md": "", "scales": scales}
    for path in map(Path, upper_bounds):
        if path.is_file():
            now[path.stem] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    changed = {name for name, files in now.items() if before.get(name, files) != files}
    for path in work.glob("*.csv") if changed else ():
        rows = read_results(path, interrupted=True)
        write_results(path, [row for row in rows if row.system.name not in changed])
    work.mkdir(parents=True, exist_ok=True)
    write_whole(record, json.dumps(before | now))


def run(experiment: Experiment, work: Path, results: Path, workers: int, dask: str | None) -> None:
    """Simulates what is missing of an experiment and writes its means, also when interrupted."""
    rows = work / f"{experiment.name}.csv"
    try:
        for simulation in experiment.simulations:
            names = ", ".join(Path(model).name for model in simulation.models)
            print(f"{experiment.name}: {names}", flush=True)
            progress = sys.stderr.isatty()
            simulate(simulation, rows, workers=workers, dask=dask, progress=progress)
    finally:
        if rows.exists():
            finished = finished_rows(experiment, read_results(rows, interrupted=True))
            if finished:
                write_means(results / f"{experiment.name}.csv", summarise(finished))


def finished_rows(experiment: Experiment, rows: Sequence[Result]) -> list[Result]:
    """The rows of an experiment, of the images alone that all its systems have."""
    asked: dict[RowKey, None] = {}
    for simulation in experiment.simulations:
        ours = [
            (read_manifest(model).name, bits)
            for model in simulation.models
            for bits in sent_bits(simulation, model)
        ]
        systems = [
            (System(name, scheme, decision), bits)
            for name, bits in ours
            for scheme in simulation.schemes
            for decision in simulation.decisions
        ]
        systems += [
            (System(baseline, scheme), bits)
            for baseline in simulation.baselines
            for bits in dict.fromkeys(bits for _, bits in ours)
            for scheme in simulation.schemes
            if not scheme.protection
        ]
        for system, bits in systems:
            for channel in simulation.channels:
                asked |= dict.fromkeys(
                    RowKey("", system, channel, snr_db, bits) for snr_db in simulation.snr_db
                )
        for path in simulation.upper_bounds:
            asked[RowKey("", upper_bound_system(path), None, float("inf"), 0)] = None
    found: dict[str, dict[RowKey, Result]] = {}
    for row in rows:
        key = row.key._replace(image="")
        if key in asked:
            found.setdefault(row.image, {})[key] = row
    images = sorted(image for image, each in found.items() if len(each) == len(asked))
    limit = experiment.simulations[0].limit or None
    return [found[image][key] for image in images[:limit] for key in asked]


def save_panel(photograph: Path, model: str, channel: ChannelModel, path: Path) -> None:
    """One photograph at PANEL_SNR: the model, and each baseline with the model's bits."""
    sent = crop_square(load_image(photograph), PANEL_SIDE)
    codec = Codec(model)
    link = Link(codec.bits_per_region)
    regions = region_count(PANEL_SIDE, PANEL_SIDE)
    source_bits = regions * codec.bits_per_region

    def receive(system: str, bits: np.ndarray, snr_db: float) -> object:
        seed = derive_seed(0, photograph.name, system, str(channel), snr_db, source_bits)
        return link.receive(link.modulate(bits), channel.open(snr_db, seed), snr_db)

    def cell(decoded: np.ndarray | None) -> PanelCell:
        shown = baselines.mid_grey(PANEL_SIDE, PANEL_SIDE) if decoded is None else decoded
        return PanelCell(shown, metrics.quality(sent, shown), decoded is not None)

    bits = codec.encode_bits(sent)
    received = np.stack([receive(codec.name, bits, snr_db).llrs for snr_db in PANEL_SNR])
    decoded = codec.decode_many(received, PANEL_SIDE, PANEL_SIDE)
    rows = [PanelRow(codec.name, "soft bits", [cell(image) for image in decoded])]
    for baseline in BASELINES:
        file = baselines.compress(sent, baseline, source_bits)
        cells = []
        for snr_db in PANEL_SNR:
            content = b""
            if file:
                bits = np.unpackbits(np.frombuffer(file.content, np.uint8))
                frames = pad_to_frames(bits, codec.bits_per_region, regions)
                arrived = receive(baseline, frames, snr_db).bits.reshape(-1)[: bits.size]
                content = np.packbits(arrived).tobytes()
            cells.append(cell(baselines.decompress(content, PANEL_SIDE, PANEL_SIDE)))
        detail = f"{len(file.content):,} bytes" if file else "does not fit"
        rows.append(PanelRow(system_title(baseline), detail, cells))
    symbols = regions * link.symbols_per_frame
    build_panel(
        sent,
        [f"{snr_db:g} dB" for snr_db in PANEL_SNR],
        rows,
        f"{photograph.stem} over LDPC 1/3, 16-QAM, {channel.title}",
        f"{source_bits:,} source bits and {symbols:,} symbols each; columns: Es/N0",
    ).save(path, quality=80)


def save_panels(models: Sequence[str], results: Path) -> None:
    """A panel for each photograph and model."""
    shipped = Path(skimage.data.__file__).parent
    channel = ChannelModel("awgn")
    for model in models:
        name = read_manifest(model).name
        for image in PANEL_IMAGES:
            path = results / f"panel-{Path(image).stem}-{name}.jpg"
            save_panel(shipped / image, model, channel, path)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--cars", required=True, help="test images of Cars196: folder or .tar")
    parser.add_argument("--bsds", default="", help="test images of BSDS500: folder or .tar")
    parser.add_argument(
        "--model", nargs="+", default=[], help="names or bundles (default: all that are installed)"
    )
    parser.add_argument(
        "--upper-bound",
        nargs="*",
        metavar="FILE",
        help=f"networks without quantisation; MODEL{UNQUANTISED}.onnx is the bound of that model, "
        "any other one of all (default: those of training/results)",
    )
    parser.add_argument(
        "--limit", type=int, default=0, help="at most so many of each data set, 0: all"
    )
    parser.add_argument("--only", nargs="+", default=[], help="experiments by name")
    parser.add_argument("--work", type=Path, default=ROOT / "paper", help="folder for the rows")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "docs" / "results", help="folder for the results"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes on this machine"
    )
    parser.add_argument("--dask", help="address of a Dask scheduler to use instead")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Runs what is missing and writes the report."""
    arguments = parse_arguments(argv)
    try:
        if arguments.limit < 0 or arguments.workers < 1:
            raise Error("--limit must be 0 or more, --workers 1 or more")
        found = [find_model(model) for model in arguments.model] or list_models()
        models = sorted(map(str, found), key=lambda m: (-source_bits(m), is_of_the_paper(m)))
        bounds = arguments.upper_bound
        if bounds is None:
            bounds = shipped_upper_bounds(models)
        experiments = plan(arguments.cars, arguments.bsds, models, bounds, arguments.limit)
        names = [*(experiment.name for experiment in experiments), "panels"]
        unknown = set(arguments.only) - set(names)
        if unknown:
            raise Error(f"there is no experiment {unknown.pop()}; known: {', '.join(names)}")
        arguments.results.mkdir(parents=True, exist_ok=True)
        forget_other_models(arguments.work, models, bounds)
        write_run(arguments.results / RUN_FILE, models, bounds)
        wanted = arguments.only or names
        try:
            for experiment in experiments:
                if experiment.name in wanted:
                    run(
                        experiment,
                        arguments.work,
                        arguments.results,
                        arguments.workers,
                        arguments.dask,
                    )
            if "panels" in wanted:
                print("panels", flush=True)
                shown = [m for m in models if not (is_progressive(m) or is_of_the_paper(m))]
                save_panels(shown, arguments.results)
        finally:  # an interrupted run shows what there is
            print("figures and text", flush=True)
            write_report(arguments.results)
    except (Error, OSError) as error:
        print(f"paper: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(f"the results are in {arguments.results}")
    return 0


def trained_crops(model: str) -> int | None:
    """Crops that a published model saw in all runs that led to it, None for other models."""
    path = RECORDS / f"{model.replace('-', '_')}.json"
    if not path.exists():
        return None
    record = json.loads(path.read_text())
    before = sum(run["images"] for run in record["history"] if "run" in run)
    return before + int(record["images"])


def write_run(path: Path, models: Sequence[str], upper_bounds: Sequence[str]) -> None:
    """Says which networks the results are of."""
    networks = []
    for model in models:
        manifest = read_manifest(model)
        configuration = manifest.training.get("configuration", {})
        network = configuration.get("network", {})
        networks.append(
            {
                "name": manifest.name,
                "version": manifest.version,
                "model_id": f"{manifest.model_id:04x}",
                "network": network.get("type", ""),
                "width": network.get("width"),
                "crops": trained_crops(manifest.name),
                "mae_weight": configuration.get("loss", {}).get("mae"),
                "source_bits": source_bits(model),
                "scales": [scale.scale for scale in manifest.scales],
            }
        )
    bounds = [
        {"name": str(bound.system)} | (asdict(bound.training) if bound.training else {})
        for bound in map(UpperBound, upper_bounds)
    ]
    content = {"models": networks, "upper_bounds": bounds}
    write_whole(path, json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
