#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instructions that each kernel executes, by machine, compiler and instruction set.

Builds the kernels with every compiler that is found and counts under qemu's emulation of a
processor (packages qemu-user-static, g++-aarch64-linux-gnu, clang), so that the figures are exact
and depend on no machine. AVX-512 is missing because qemu does not emulate it.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Machine, compiler, emulator and the instruction sets to count.
COMPILERS = (
    ("aarch64", "aarch64-linux-gnu-g++", "qemu-aarch64-static", ("neon", "portable")),
    ("x86_64", "g++", "qemu-x86_64-static", ("avx2", "sse41", "portable")),
    ("x86_64", "clang++", "qemu-x86_64-static", ("avx2", "sse41", "portable")),
)
WORK = {
    "int8": "check node, int8, one iteration",
    "int16": "check node, int16, one iteration",
    "maxlog": "demapper, max-log, 1,024 symbols",
    "exact": "demapper, exact, 1,024 symbols",
    "gaussian": "complex Gaussian, 1,024 values",
}


def build(machine: str, compiler: str, folder: Path) -> Path:
    """Builds the kernels and the program that calls them; gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "instructions"
    options = [
        f"-DCMAKE_CXX_COMPILER={compiler}",
        "-DCMAKE_SYSTEM_NAME=Linux",
        f"-DCMAKE_SYSTEM_PROCESSOR={machine}",
        "-DVQDEEPSC_KERNELS_WITHOUT_FFTW=ON",
    ]
    source = Path(__file__).with_suffix(".cc")
    library = folder / "libvqdeepsc_kernels_static.a"
    for command in (
        ["cmake", "-S", ROOT / "lib" / "kernels", "-B", folder, *options],
        ["cmake", "--build", folder],
        [
            compiler,
            "-std=c++17",
            "-O2",
            "-static",
            f"-I{ROOT / 'lib'}",
            "-o",
            program,
            source,
            library,
        ],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{compiler} could not build the kernels:\n{done.stdout}{done.stderr}")
    return program


def count(emulator: str, program: Path, work: str, instruction_set: str) -> int:
    """Instructions of one call: what two calls execute beyond one."""
    usage = subprocess.run([emulator, "--help"], capture_output=True, text=True, check=False)
    single = "-one-insn-per-tb" if "-one-insn-per-tb" in usage.stdout else "-singlestep"
    totals = []
    for calls in ("1", "2"):
        command = [emulator, "-cpu", "max", single, "-d", "nochain,exec", "-D", "/dev/stdout"]
        run = subprocess.Popen(
            [*command, program, work, instruction_set, calls], stdout=subprocess.PIPE
        )
        assert run.stdout is not None
        totals.append(sum(line.startswith(b"Trace ") for line in run.stdout))
        if run.wait():
            sys.exit(f"{program} {work} {instruction_set} ended with status {run.returncode}")
    return totals[1] - totals[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--machine", choices=("aarch64", "x86_64"), help="count this one alone")
    parser.add_argument("--work", nargs="+", choices=tuple(WORK), default=tuple(WORK))
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "instructions")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    rows = []
    for machine, compiler, emulator, sets in COMPILERS:
        if args.machine not in (None, machine):
            continue
        if not (shutil.which(compiler) and shutil.which(emulator)):
            print(f"{compiler} or {emulator} is missing, left out", file=sys.stderr)
            continue
        program = build(machine, compiler, args.build / f"{machine}-{compiler}")
        for work in args.work:
            counts = {name: count(emulator, program, work, name) for name in sets}
            rows += [
                {
                    "work": work,
                    "machine": machine,
                    "compiler": compiler,
                    "instruction_set": name,
                    "instructions": total,
                    "of_portable": total / counts["portable"],
                }
                for name, total in counts.items()
            ]
    if args.json:
        print(json.dumps(rows))
        return
    columns = list(dict.fromkeys((row["compiler"], row["instruction_set"]) for row in rows))
    print("| kernel |", " | ".join(f"{compiler}: {name}" for compiler, name in columns), "|")
    print("|" + "---|" * (len(columns) + 1))
    for work in args.work:
        counts = [row["instructions"] for row in rows if row["work"] == work]
        print(f"| {WORK[work]} |", " | ".join(f"{total:,}" for total in counts), "|")


if __name__ == "__main__":
    main()
