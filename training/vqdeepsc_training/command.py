# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `vqdeepsc-train`: parses, runs a subcommand, says in one sentence what went wrong."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

from vqdeepsc.errors import ask_for_report, explain

EXIT_BAD_INPUT = 2
EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130  # 128 + SIGINT

SUBCOMMANDS = {
    "train": "Train a network.",
    "export": "Make a bundle of a checkpoint.",
    "export-unquantised": "Write a network without quantisation, for `vqdeepsc simulate "
    "--upper-bound`.",
    "add-gradient": "Give a bundle the graph that `vqdeepsc encode --search` needs; export does it "
    "itself.",
    "evaluate": "Measure a bundle, noiseless.",
    "ablate": "Train variants of a small network at equal cost; goes on where it stopped.",
    "report-ablations": "Write docs/ablations.md: tables and curves of the ablations.",
    "report-forecast": "Write docs/forecast.md: what more training would bring.",
    "report-models": "Measure the bundles beside photo codecs and write docs/models.md.",
    "flipped-bits": "Measure what one flipped bit of each scale costs, in thousandths of SSIM.",
    "variants": "Convert a bundle to int8 and to fp16 and measure what that costs and brings.",
    "record-link": "Record the soft bits that the simulated link (LDPC, 16-QAM, channel, "
    "demapper, LDPC decoder) makes of random payloads.",
    "gpu": "Pack what a machine with a GPU needs, and train there for so many seconds.",
    "demo": "Train a small network on photographs that scikit-image ships, export it as a bundle, "
    "measure that beside JPEG and draw a sheet of images.",
}
"""What each does. Its module in tools/ has add_arguments(parser) and run(arguments)."""


class _Parser(argparse.ArgumentParser):
    """A subcommand's module is imported when it is used, so that none loads another one's."""

    def parse_known_args(
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        name = self.get_default("name")
        if name is not None:
            tool = import_module(f".tools.{name.replace('-', '_')}", __package__)
            tool.add_arguments(self)
            self.set_defaults(run=tool.run)
        return super().parse_known_args(args, namespace)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; `run` of its result takes the result."""
    parser = _Parser(
        prog="vqdeepsc-train", description="Train, measure and export the networks of gr-vqdeepsc."
    )
    parser.add_argument(
        "--debug", action="store_true", help="show where an error came from (before the command)"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text in SUBCOMMANDS.items():
        child = commands.add_parser(
            name,
            help=text,
            description=text,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        child.set_defaults(name=name)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (None: that of the process); returns the exit status.

    0; 2 for an Error and for a file that cannot be read or written, with one sentence on stderr; 70
    for all else that is raised, with a sentence that asks for a report; 130 after Ctrl-C. `--debug`
    before the subcommand shows where an error came from.
    """
    arguments = build_parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        if arguments.debug:
            traceback.print_exception(error)
        sentence = explain(error)
        print(
            f"{arguments.name}: {sentence or ask_for_report(error, 'vqdeepsc-train')}",
            file=sys.stderr,
        )
        return EXIT_BAD_INPUT if sentence else EXIT_BUG
    return 0
