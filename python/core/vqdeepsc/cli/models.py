# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc models`: the models that are installed."""

from __future__ import annotations

import argparse

from vqdeepsc.codec import BundleError, Manifest, list_models, read_manifest
from vqdeepsc.messages import complain, say

from .arguments import add_json
from .output import print_json

_MEASURES = {"ssim": "SSIM {:.4f}", "psnr_db": "PSNR {:.2f} dB"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from vqdeepsc.codec.manifest import verify_files

    paths = list_models()
    if not paths:
        complain("there are no models")
    manifests = []
    for path in paths:
        try:
            manifest = read_manifest(path)
            verify_files(manifest)
        except BundleError as error:
            complain(str(error))
        else:
            manifests.append(manifest)
    if arguments.json:
        print_json([_metadata(manifest) for manifest in manifests])
        return 0
    for manifest in manifests:
        say(
            f"{manifest.name} {manifest.version}, id {manifest.model_id:04x}, "
            f"{_most(manifest)}{manifest.bits_per_region:,} bits per region of 64 blocks, "
            f"{manifest.directory}"
        )
        for data, measured in manifest.measured.items():
            known = [
                form.format(value)
                for key, form in _MEASURES.items()
                if (value := measured.get(key)) is not None
            ]
            say(f"    {data}: {', '.join(known)}")
    return 0


def _most(manifest: Manifest) -> str:
    return "at most " if any(scale.passes for scale in manifest.scales) else ""


def _metadata(manifest: Manifest) -> dict[str, object]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "model_id": f"{manifest.model_id:04x}",
        "bits_per_region": manifest.bits_per_region,
        "scales": [scale.scale for scale in manifest.scales],
        "measured": manifest.measured,
        "path": str(manifest.directory),
    }
