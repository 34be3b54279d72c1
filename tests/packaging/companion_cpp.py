# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates a flowgraph of all blocks that Companion has in C++, builds it and runs it.

python companion_cpp.py BLOCKS PREFIX FOLDER: the folder of block descriptions, where the module is
installed, and a folder to work in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

STATES = {
    "bus_sink": False,
    "bus_source": False,
    "bus_structure": None,
    "coordinate": [8, 8],
    "rotation": 0,
    "state": "enabled",
}
OPTIONS = {
    "id": "all_in_cpp",
    "title": "All in C++",
    "output_language": "cpp",
    "generate_options": "no_gui",
    "gen_cmake": "On",
    "gen_linking": "dynamic",
    "run": "True",
    "run_options": "run",
}
STREAM = {"vlen": "1"}
BLOCKS = {
    "bits": ("blocks_null_source", {"type": "byte", "num_outputs": "1", **STREAM}),
    "bits_head": ("blocks_head", {"type": "byte", "num_items": "200320", **STREAM}),
    "encoder": (
        "vqdeepsc_ldpc_encoder",
        {
            "payload_bits": "20032",
            "coded_bits": "60096",
            "bits_per_symbol": "4",
            "redundancy_version": "0",
            "frame_tag": '""',
            "transport_blocks": "[(10016, 30048), (10016, 30048)]",
        },
    ),
    "coded": ("blocks_null_sink", {"type": "byte", "num_inputs": "1", **STREAM}),
    "symbols": ("blocks_null_source", {"type": "complex", "num_outputs": "1", **STREAM}),
    "symbols_head": ("blocks_head", {"type": "complex", "num_items": "30048", **STREAM}),
    "fill": ("vqdeepsc_zero_fill", {"continuous": "False", "gap": "10", "tail": "100"}),
    "channel": (
        "vqdeepsc_fading_channel",
        {"kind": "rician", "snr_db": "10", "rician_factor": "1", "block_length": "1", "seed": "0"},
    ),
    "equalizer": ("vqdeepsc_csi_equalizer", {"snr_db": "10"}),
    "demapper": (
        "vqdeepsc_qam_soft_demapper",
        {
            "bits_per_symbol": "4",
            "noise_input": "True",
            "noise": "0.1",
            "method": "maxlog",
            "type": "float",
            "steps_per_nat": "4",
            "saturation": "127",
        },
    ),
    "decoder": (
        "vqdeepsc_ldpc_decoder",
        {
            "payload_bits": "20032",
            "coded_bits": "60096",
            "bits_per_symbol": "4",
            "redundancy_version": "0",
            "iterations": "5",
            "type": "float",
            "frame_tag": '""',
            "transport_blocks": "[]",
        },
    ),
    "decoded": ("blocks_null_sink", {"type": "float", "num_inputs": "1", **STREAM}),
}
CONNECTIONS = [
    ("bits", 0, "bits_head", 0),
    ("bits_head", 0, "encoder", 0),
    ("encoder", 0, "coded", 0),
    ("symbols", 0, "symbols_head", 0),
    ("symbols_head", 0, "fill", 0),
    ("fill", 0, "channel", 0),
    ("channel", 0, "equalizer", 0),
    ("channel", 1, "equalizer", 1),
    ("equalizer", 0, "demapper", 0),
    ("equalizer", 1, "demapper", 1),
    ("demapper", 0, "decoder", 0),
    ("decoder", 0, "decoded", 0),
]


def main(descriptions: Path, prefix: Path, folder: Path) -> None:
    says_cpp = {
        block["id"]
        for block in (yaml.safe_load(path.read_text()) for path in descriptions.glob("*.block.yml"))
        if "cpp" in block.get("flags", [])
    }
    used = {kind for kind, _ in BLOCKS.values() if kind.startswith("vqdeepsc_")}
    assert says_cpp == used, f"not tried or without C++: {says_cpp ^ used}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    graph = {
        "options": {"parameters": OPTIONS, "states": STATES},
        "blocks": [
            {"name": name, "id": kind, "parameters": parameters, "states": STATES}
            for name, (kind, parameters) in BLOCKS.items()
        ],
        "connections": [list(map(str, connection)) for connection in CONNECTIONS],
        "metadata": {"file_format": 1},
    }
    (folder / "all_in_cpp.grc").write_text(yaml.safe_dump(graph))
    environment = os.environ | {"GRC_BLOCKS_PATH": str(descriptions)}
    library = next(path.parent for path in prefix.rglob("libgnuradio-vqdeepsc.so*"))
    environment["LD_LIBRARY_PATH"] = str(library)
    generated = folder / "all_in_cpp"
    for command in (
        ["grcc", "-o", folder, folder / "all_in_cpp.grc"],
        ["cmake", "-S", generated, "-B", generated / "build", f"-DCMAKE_PREFIX_PATH={prefix}"],
        ["cmake", "--build", generated / "build"],
        [generated / "build" / "all_in_cpp"],
    ):
        # run_options "run" ends with the samples; else it would wait for a key
        subprocess.run(
            list(map(str, command)),
            check=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=600,
        )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
