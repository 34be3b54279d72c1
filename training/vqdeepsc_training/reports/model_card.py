# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of MODEL_CARD.md."""

from __future__ import annotations

import json

import numpy as np
from torch import nn

from ..objectives.quality import entropy_share
from ..trainer.checkpoint import trained_run, whole_curve
from .flipped_bits import table

SOURCES = {
    "cars196": "Cars196: J. Krause, M. Stark, J. Deng and L. Fei-Fei, 3D object representations "
    "for fine-grained categorization, ICCV workshops 2013; for research use.",
    "bsds500": "BSDS500: P. Arbelaez, M. Maire, C. Fowlkes and J. Malik, Contour detection and "
    "hierarchical image segmentation, IEEE TPAMI 33(5), 2011; for research use.",
}
"""Who made the data sets, by the first part of their names."""


ENTROPY_SHARE = 0.85


def sources(names: list[str]) -> list[str]:
    """The entries of SOURCES for data sets named `set/part`, each once."""
    found = dict.fromkeys(name.split("/")[0] for name in names)
    return [f"- {SOURCES[key]}" for key in found if key in SOURCES]


def model_card(
    name: str,
    version: str,
    network: nn.Module,
    checkpoint: dict,
    training: dict,
    measured: dict,
    assignment: dict,
    flipped: dict,
) -> str:
    """Markdown that says what a model is, how it was trained and what was measured.

    measured: by data set, of `evaluate`; assignment: of `assign_labels`; flipped: of
    `flipped_bits.measure`, or empty.
    """
    run = trained_run(checkpoint)
    configuration = run["configuration"]
    # A tuned network holds two of the same shape, of which each half is used.
    trained = getattr(network, "encoder", network)
    parameters = sum(p.numel() for p in trained.parameters())
    bits = {
        f"s{level + 1}": space.bits * (64 >> level) ** 2
        for level, space in zip(network.sent, network.spaces, strict=True)
    }
    lines = [
        f"# {name} {version}",
        "",
        f"A picture of 128x128 pixels becomes {sum(bits.values()):,} bits. "
        f"{parameters / 1e6:.2f} million parameters, network type "
        f"`{configuration['network']['type']}`.",
        "",
        "| Scale | Grid of 128x128 | Codewords | Dimension | Bits |",
        "|---|---|---|---|---|",
    ]
    for level, space in zip(network.sent, network.spaces, strict=True):
        side = 64 >> level
        lines.append(
            f"| {level + 1} | {side}x{side} | {space.codewords} | {space.dimension} | "
            f"{bits[f's{level + 1}']:,} |"
        )
    if measured:
        scales = ", ".join(f"s{level + 1}" for level in network.sent)
        lines += [
            "",
            "## Quality",
            "",
            "Noiseless, hard decisions, centre crops of 128x128 pixels. SSIM is Wang's "
            "(11x11 Gaussian, sigma 1.5, mean over RGB). Entropy is the share of each "
            "codebook's bits that the indices use.",
            "",
            f"| Data | Pictures | SSIM | PSNR | CIEDE2000 | Entropy {scales} |",
            "|---|---|---|---|---|---|",
        ]
        for key, m in measured.items():
            shares = ", ".join(f"{share:.0%}" for share in m["entropy_share"].values())
            lines.append(
                f"| {key} | {m['pictures']} | {m['ssim']:.3f} | {m['psnr_db']:.2f} dB | "
                f"{m['ciede2000']:.2f} | {shares} |"
            )
        lines += entropy_note(measured, bits)
    lines += [
        "",
        "## Index assignment",
        "",
        "Squared distance between the codewords of indices that differ in one bit, expected "
        "over the frequencies of the indices, assigned at random and as here:",
        "",
        "| Scale | Random | Assigned |",
        "|---|---|---|",
    ]
    lines += [
        f"| {key[1:]} | {before:.3f} | {after:.3f} |" for key, (before, after) in assignment.items()
    ]
    if flipped:
        lines += [
            "",
            f"What one flipped bit costs on pictures of {next(iter(measured))}, in "
            "thousandths of SSIM, over all ways to assign the indices and as here (two "
            "codewords have one way only):",
            "",
            *table(flipped),
        ]
    lines += [
        "",
        "## Training",
        "",
        f"Data: {', '.join(training['data'])}. {training['steps']:,} steps, "
        f"{training['pictures']:,} crops seen, {run['seconds'] / 3600:.2f} hours on "
        f"the processor, seed {training['seed']}.",
        "",
        *sources([*training["data"], *measured]),
        "",
        "```json",
        json.dumps(configuration, indent=1),
        "```",
        "",
    ]
    if run is not checkpoint:
        tuning = training["decoder_tuning"]
        lines += [
            f"Then the indices were assigned and the decoder alone was tuned for "
            f"{tuning['steps']:,} steps, on {tuning['pictures']:,} crops, of which some were "
            "decoded from soft bits of a bad channel:",
            "",
            "```json",
            json.dumps(tuning["configuration"], indent=1),
            "```",
            "",
        ]
    history = run["history"]
    if history:
        lines += ["How it came there: up to the step given, the configuration had", ""]
        lines += [_history_line(entry) for entry in history]
        lines.append("")
    runs = runs_of_this_network(history)
    curve = whole_curve(runs, run["curve"])
    if curve:
        shown = curve[:: max(1, len(curve) // 12)]
        if shown[-1] is not curve[-1]:
            shown.append(curve[-1])
        lines += [
            *next_doubling(runs, curve),
            "Validation during training:",
            "",
            "| Crops seen | SSIM | PSNR |",
            "|---|---|---|",
        ]
        lines += [f"| {p['pictures']:,} | {p['ssim']:.4f} | {p['psnr_db']:.2f} dB |" for p in shown]
        lines.append("")
    return "\n".join(lines)


def entropy_note(measured: dict, bits: dict[str, int]) -> list[str]:
    """What is known of codebooks whose indices use less than ENTROPY_SHARE of their bits.

    bits: of a 128x128 image by scale, `s1` to `s4`.
    """
    total = sum(bits.values())
    notes = []
    for data, figures in measured.items():
        for scale, share in figures["entropy_share"].items():
            if share >= ENTROPY_SHARE:
                continue
            together = entropy_share(
                sum(np.array(m["label_counts"][scale]) for m in measured.values())
            )
            notes.append(
                f"\nIndices of {scale} use {share:.0%} of their bits on {data}, so "
                f"{(1 - share) * bits[scale]:.0f} of a picture's {total:,} bits carry nothing "
                f"there. All kinds of pictures share one codebook: over the pictures of the table "
                f"together its indices use {together:.0%}."
            )
    return notes


def runs_of_this_network(history: list[dict]) -> list[dict]:
    """The runs of a record's history since parts of the network last started afresh."""
    runs = [entry for entry in history if "run" in entry]
    afresh = [number for number, entry in enumerate(runs) if entry["fresh"]]
    return runs[afresh[-1] + 1 :] if afresh else runs


def next_doubling(runs: list[dict], curve: list[dict]) -> list[str]:
    """What the next doubling of the crops would bring, or nothing if the curve is too short.

    runs: of `runs_of_this_network`; curve: their `whole_curve` with that of the last run. Ends of
    runs, where the learning rate has fallen, are compared; for a single run lines are fitted to
    SSIM and PSNR against log2 of the crops, over the last half of the crops.
    """
    if not curve:
        return []
    last = curve[-1]
    seen = f"{last['pictures']:,} crops were seen. "
    before = sum(run["pictures"] for run in runs)
    earlier = [point for point in curve if point["pictures"] <= before]
    if earlier and last["pictures"] > before:
        doublings = np.log2(last["pictures"] / before)
        ssim, psnr = (last[key] - earlier[-1][key] for key in ("ssim", "psnr_db"))
        return [
            f"{seen}Since the end of the run before, at {before:,}, SSIM has risen by "
            f"{ssim:+.4f} and PSNR by {psnr:+.2f} dB, which is {ssim / doublings:+.4f} and "
            f"{psnr / doublings:+.2f} dB with each doubling; the next would bring about as "
            "much or less.",
            "",
        ]
    late = [point for point in curve if 2 * point["pictures"] >= last["pictures"]]
    if len(late) < 3 or last["pictures"] < 1.5 * late[0]["pictures"]:
        return []
    doublings = np.log2([point["pictures"] for point in late])
    slopes = {
        key: np.polyfit(doublings, [point[key] for point in late], 1)[0]
        for key in ("ssim", "psnr_db")
    }
    return [
        f"{seen}Lines through the validation curve since {late[0]['pictures']:,} crops rise by "
        f"{slopes['ssim']:+.4f} in SSIM and {slopes['psnr_db']:+.2f} dB with each doubling; "
        "part of that is the falling learning rate, so the next doubling would bring at most "
        "as much.",
        "",
    ]


def _history_line(entry: dict) -> str:
    """One entry of a record's history: a change of the configuration, or a run before."""
    if "configuration" in entry:
        return f"- step {entry['until_step']:,}: `{json.dumps(entry['configuration'])}`"
    line = (
        f"- step {entry['until_step']:,}, the end of run `{entry['run']}`; a new run began at "
        f"its weights after {entry['pictures']:,} crops"
    )
    if entry["fresh"]:
        parts = sorted({name.split(".")[0] for name in entry["fresh"]})
        line += f", with these parts afresh: {', '.join(parts)}"
    return line
