# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc models`: the models that are installed."""

from __future__ import annotations

import argparse

from vqdeepsc.codec import BundleError, list_models, read_manifest
from vqdeepsc.messages import complain, say

from .arguments import add_json
from .output import print_json

_MEASURES = {"ssim": "SSIM {:.4f}", "psnr_db": "PSNR {:.2f} dB"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from vqdeepsc.codec.bundle import verify_files

    listed = []
    paths = list_models()
    if not paths:
        complain("there are no models")
    for path in paths:
        try:
            manifest = read_manifest(path)
            verify_files(manifest)
        except BundleError as error:
            complain(str(error))
            continue
        listed.append(
            {
                "name": manifest.name,
                "version": manifest.version,
                "model_id": f"{manifest.model_id:04x}",
                "bits_per_region": sum(scale.bits_per_region for scale in manifest.scales),
                "scales": [scale.scale for scale in manifest.scales],
                "measured": manifest.content["measured"],
                "path": str(path),
            }
        )
    if arguments.json:
        print_json(listed)
        return 0
    for model in listed:
        say(
            "{name} {version}, id {model_id}, {bits_per_region:,} bits per region of 64 blocks, "
            "{path}".format(**model)
        )
        for data, measured in model["measured"].items():
            known = [
                form.format(measured[key])
                for key, form in _MEASURES.items()
                if measured.get(key) is not None
            ]
            say(f"    {data}: {', '.join(known)}")
    return 0
