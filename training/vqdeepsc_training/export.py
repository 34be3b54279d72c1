# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a bundle from a checkpoint: python -m vqdeepsc_training.export --checkpoint FILE ..."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from vqdeepsc.codec import Codec, write_manifest
from vqdeepsc.codec.inference import open_network

from . import flipped_bits
from .arguments import count
from .assignment import assign, assignment_cost, one_bit_costs
from .checkpoint import averaged_network, read_checkpoint, run_record, told_of, untuned
from .data import DataError, evaluation_pictures
from .evaluate import evaluate
from .model_card import model_card
from .weights import DECODER, ENCODER, pack_weights, round_weights

AS_IT_IS = {"opset_version": 17, "dynamo": False, "do_constant_folding": False,
            "training": torch.onnx.TrainingMode.PRESERVE}
"""Options of an export that keeps every weight of a network and its name."""
LABEL_TOLERANCE = 1e-3
CODEWORD_TOLERANCE = 1e-3  # Euclidean distance, of codewords whose features are about 0.1 to 1
PICTURE_TOLERANCE = 1e-3
FLIPPED_PICTURES = 20
CHECK_SIZES = ((1, 128, 128), (3, 128, 128), (1, 208, 144), (1, 768, 1024))


class ExportError(Exception):
    """A bundle that would not do what the network does; the message is one sentence."""


class EncoderGraph(nn.Module):
    """image -> labels of every scale that is sent, fine to coarse."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network.encode(image).labels)


class DecoderGraph(nn.Module):
    """Codewords of every scale that is sent, fine to coarse -> image."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *codewords: Tensor) -> Tensor:
        return self.network.decode(*codewords)


def count_labels(network: nn.Module, pictures: NDArray[np.uint8]) -> list[NDArray]:
    """How often each label occurs on pictures uint8 [P, H, W, 3], by scale."""
    counts = [np.zeros(space.codewords) for space in network.spaces]
    for start in range(0, len(pictures), 16):
        for total, labels in zip(counts, encode(network, pictures[start : start + 16]).labels,
                                 strict=True):
            total += torch.bincount(labels.flatten(), minlength=len(total)).numpy()
    return counts


def encode(network: nn.Module, pictures: NDArray[np.uint8]) -> object:
    """What the network encodes pictures uint8 [P, H, W, 3] to."""
    image = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(255)
    with torch.no_grad():
        return network.encode(image)


def assign_labels(network: nn.Module, counts: list[NDArray]) -> dict[str, list[float]]:
    """Reorder every codebook of the network and the counts.

    Returns the expected squared distance of one flipped bit, by scale: the mean over all
    assignments, and with the one found.
    """
    result = {}
    for position, space in enumerate(network.spaces):
        prior = counts[position] / counts[position].sum()
        costs = one_bit_costs(space.embedding.numpy(), prior)
        order = assign(costs)
        result[f"s{network.sent[position] + 1}"] = [
            round(costs.sum() / (len(order) - 1), 4),
            round(assignment_cost(costs, order), 4),
        ]
        space.reorder(torch.from_numpy(order))
        counts[position] = counts[position][order]
    return result


def write_graphs(network: nn.Module, folder: Path, record: dict | None = None) -> None:
    """encoder.onnx, decoder.onnx and codebooks.npz of a network; record: of its run."""
    scales = [level + 1 for level in network.sent]
    image = torch.rand(2, 3, 32, 48)
    with torch.no_grad():
        codewords = network.encode(image).codewords
    free = {0: "pictures", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            EncoderGraph(network).eval(), (image,), folder / ENCODER, **AS_IT_IS,
            input_names=["image"], output_names=[f"s{scale}" for scale in scales],
            dynamic_axes={"image": free} | {
                f"s{scale}": {0: "pictures", 1: f"height_{scale}", 2: f"width_{scale}"}
                for scale in scales},
        )
        torch.onnx.export(
            DecoderGraph(network).eval(), tuple(codewords), folder / DECODER, **AS_IT_IS,
            input_names=[f"q{scale}" for scale in scales], output_names=["image"],
            dynamic_axes={"image": free} | {
                f"q{scale}": {0: "pictures", 2: f"height_{scale}", 3: f"width_{scale}"}
                for scale in scales},
        )
    pack_weights(folder / ENCODER, record)
    pack_weights(folder / DECODER)
    np.savez(folder / "codebooks.npz", **{
        f"e{scale}": space.embedding.numpy().astype(np.float32)
        for scale, space in zip(scales, network.spaces, strict=True)})


def check_graphs(network: nn.Module, folder: Path, sizes: tuple = CHECK_SIZES) -> dict[str, float]:
    """Hold the graphs in a folder against the network on random smooth pictures.

    Returns the largest share of unequal labels of a scale, and the largest difference of a picture.
    Labels whose codewords lie within CODEWORD_TOLERANCE of each other count as equal: rounding
    decides between such codewords, and the decoder cannot tell them apart.
    Raises ExportError if they are above LABEL_TOLERANCE and PICTURE_TOLERANCE.
    """
    encoder, decoder = (
        open_network((folder / name).read_bytes())
        for name in (ENCODER, DECODER))
    generator = torch.Generator().manual_seed(0)
    unequal, difference = 0.0, 0.0
    for batch, height, width in sizes:
        small = torch.rand(batch, 3, height // 8, width // 8, generator=generator)
        image = nn.functional.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)
        with torch.no_grad():
            encoded = network.encode(image)
            drawn = network.decode(*encoded.codewords)
        found = encoder.run(None, {"image": image.numpy()})
        for labels, expected, space in zip(found, encoded.labels, network.spaces, strict=True):
            if labels.shape != tuple(expected.shape):
                raise ExportError(f"The encoder gives labels {list(labels.shape)} for pictures of "
                                  f"{width}x{height}, not {list(expected.shape)}.")
            apart = space.look_up(torch.from_numpy(labels)) - space.look_up(expected)
            others = apart.norm(dim=1) > CODEWORD_TOLERANCE
            unequal = max(unequal, float(others.float().mean()))
        names = [node.name for node in decoder.get_inputs()]
        feeds = {name: q.numpy() for name, q in zip(names, encoded.codewords, strict=True)}
        (picture,) = decoder.run(None, feeds)
        difference = max(difference, float(np.abs(picture - drawn.numpy()).max()))
    if unequal > LABEL_TOLERANCE:
        raise ExportError(f"{unequal:.2%} of the exported encoder's labels differ from PyTorch.")
    if difference > PICTURE_TOLERANCE:
        raise ExportError(f"The exported decoder's pictures differ from PyTorch by {difference:g}.")
    return {"unequal_labels": unequal, "picture_difference": difference}


def export(args: argparse.Namespace) -> dict:
    """Write the bundle that the arguments ask for; returns what was measured.

    Raises DataError, ExportError or ValueError (BundleError) in one sentence.
    """
    names = args.data_names or [path.name for path in args.data]
    if len(names) != len(args.data):
        raise DataError(f"{len(args.data)} data sets are given, but {len(names)} names.")
    checkpoint = read_checkpoint(args.checkpoint)
    if args.checkpoint.is_dir() and (args.untuned or args.unrounded):
        raise DataError(f"{args.checkpoint} is a bundle, with one decoder and rounded weights, so "
                        "--untuned and --unrounded need the checkpoint that it was made from.")
    if args.untuned:
        checkpoint = untuned(checkpoint)
    if args.latest:
        if "network" not in checkpoint:
            raise DataError(f"{args.checkpoint} has the averaged weights alone.")
        checkpoint["average"] = checkpoint["network"]
    configuration = checkpoint["configuration"]
    # What cannot be read or written is noticed before the labels are assigned.
    pictures_to_measure = {}
    for given in args.measure or []:
        key, separator, path = given.partition("=")
        if not separator:
            raise DataError(f"--measure {given} is not NAME=PATH.")
        pictures_to_measure[key] = evaluation_pictures(Path(path), configuration["crop"])
    for folder in filter(None, (args.bundle, args.results)):
        folder.mkdir(parents=True, exist_ok=True)
    network = averaged_network(checkpoint)
    network.prepare_export()
    if not args.unrounded:
        round_weights(network)
    training_pictures = np.concatenate(
        [evaluation_pictures(path, configuration["crop"], args.prior_pictures)
         for path in args.data])
    counts = count_labels(network, training_pictures)
    assignment = assign_labels(network, counts)
    write_graphs(network, args.bundle, told_of(checkpoint))
    agreement = check_graphs(network, args.bundle)
    run = checkpoint.get("trained", checkpoint)
    training = {
        "configuration": run["configuration"],
        "data": names,
        "steps": run["step"],
        "pictures": run["pictures"],
        "seed": run["configuration"]["seed"],
    }
    if run is not checkpoint:
        training["decoder_tuning"] = {
            "configuration": {key: value for key, value in configuration.items()
                              if key != "network"},
            "steps": checkpoint["step"], "pictures": checkpoint["pictures"]}
    card = args.bundle / "MODEL_CARD.md"
    name = args.bundle.name

    def describe(measured: dict, flipped: dict) -> None:
        card.write_text(model_card(name, args.version, network, checkpoint, training, measured,
                                   assignment, flipped), encoding="utf-8")
        brief = {key: {"ssim": m["ssim"], "psnr_db": m["psnr_db"], "ms_ssim": None,
                       "ciede2000": m["ciede2000"]} for key, m in measured.items()}
        write_manifest(args.bundle, name=name, version=args.version,
                       priors=dict(zip([s + 1 for s in network.sent], counts, strict=True)),
                       training=training, measured=brief)

    # The codec loads only whole bundles, so there is a manifest before there are figures.
    describe({}, {})
    codec = Codec(args.bundle)
    measured, flipped = {}, {}
    for key, pictures in pictures_to_measure.items():
        measured[key], _ = evaluate(codec, pictures)
        if not flipped:
            flipped = flipped_bits.measure(codec, pictures[:FLIPPED_PICTURES], places=1, seed=0)
    describe(measured, flipped)
    Codec(args.bundle)
    found = {"measured": measured, "assignment": assignment, "flipped_bits": flipped}
    if args.results:
        parameters = sum(p.numel() for p in getattr(network, "encoder", network).parameters())
        record = {"version": args.version, **run_record(run, parameters), **found}
        if run is not checkpoint:
            record["decoder_tuning"] = training["decoder_tuning"] | {
                "hours": round(checkpoint["seconds"] / 3600, 3), "validation": checkpoint["curve"]}
        (args.results / f"{name.replace('-', '_')}.json").write_text(
            json.dumps(record, indent=1) + "\n")
    return {"agreement": agreement} | found


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.export", description="Make a bundle of a checkpoint.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--checkpoint", type=Path, required=True,
                        help="checkpoint of a run, or a bundle")
    parser.add_argument("--bundle", type=Path, required=True,
                        help="directory to write; its name is the model's name")
    parser.add_argument("--version", default="1.0.0", help="version of the model")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="training data, for the frequencies of the codewords")
    parser.add_argument("--data-names", nargs="+", help="names of the training data in the card")
    parser.add_argument("--prior-pictures", type=count, default=300,
                        help="pictures of each data set that the frequencies are counted on")
    parser.add_argument("--measure", nargs="+", metavar="NAME=PATH",
                        help="data sets to measure the bundle on")
    parser.add_argument("--latest", action="store_true",
                        help="take the last weights instead of the averaged ones")
    parser.add_argument("--untuned", action="store_true",
                        help="leave out the tuning of the decoder")
    parser.add_argument("--unrounded", action="store_true",
                        help="store the weights in 32 bits, to measure what fewer bits cost")
    parser.add_argument("--results", type=Path,
                        help="folder that also gets NAME.json, the record of the run with what was "
                             "measured")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    try:
        print(json.dumps(export(parse_args(argv)), indent=1))
    except (DataError, ExportError, ValueError, OSError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
