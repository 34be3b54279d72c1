# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `vqdeepsc`: parses, runs a subcommand, and says in one sentence what went wrong."""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import takewhile
from typing import Any, NoReturn

from vqdeepsc.changed_limits import VARIABLE, LimitError, parse_limits
from vqdeepsc.errors import ask_for_report, explain
from vqdeepsc.messages import OutputError, complain, open_standard_streams, printable

from .interrupts import Interrupts, noted_interrupts

EXIT_BAD_INPUT = 2
EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130  # 128 + SIGINT
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE


@dataclass(frozen=True)
class Subcommand:
    """One line of help, and the module whose add_arguments(parser) and run(arguments) it is.

    run() returns the exit status."""

    help: str
    module: str


SUBCOMMANDS = {
    "demo": Subcommand(
        "Send an image over a flowgraph, beside a JPEG.", "gnuradio.vqdeepsc.commands.demo"
    ),
    "encode": Subcommand("Encode an image into a file of source bits.", "vqdeepsc.cli.encode"),
    "decode": Subcommand("Decode the image of such a file.", "vqdeepsc.cli.decode"),
    "simulate": Subcommand(
        "Measure quality against SNR over a simulated link.", "vqdeepsc.cli.simulate"
    ),
    "transmit": Subcommand(
        "Send images over a radio, into a file or to another process.",
        "gnuradio.vqdeepsc.commands.transmit",
    ),
    "receive": Subcommand(
        "Receive images from a radio, a file or another process.",
        "gnuradio.vqdeepsc.commands.receive",
    ),
    "replay": Subcommand(
        "Receive again the bursts that failed, as receive --record kept them.",
        "gnuradio.vqdeepsc.commands.replay",
    ),
    "models": Subcommand("List the models that are installed.", "vqdeepsc.cli.models"),
    "plot": Subcommand("Plot the curves of a results.csv.", "vqdeepsc.cli.plot"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line `argv` and returns the exit status.

    None stands for that of the process, which ends afterwards: Ctrl-C does nothing then.

    0; 2 for an Error and for a file that cannot be read or written, with one sentence on stderr; 70
    for all else that is raised, with a sentence that asks for a report; 130 after Ctrl-C. `--debug`
    before the subcommand shows where an error came from."""
    words = _join_negative(argv)
    debug = "--debug" in takewhile(lambda word: word not in SUBCOMMANDS, words)
    open_standard_streams()
    with noted_interrupts(ends_process=argv is None) as interrupts:
        try:
            return _run(words, interrupts)
        except BrokenPipeError:
            _drop_output()
            return EXIT_BROKEN_PIPE
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
        except Exception as error:
            if interrupts.count:
                return EXIT_INTERRUPTED
            if debug:
                traceback.print_exception(error)
            return _report(error)


def _run(words: Sequence[str], interrupts: Interrupts) -> int:
    """Runs a command line; when it is over, however it ended, Ctrl-C disturbs nothing more."""
    try:
        arguments = build_parser().parse_args(words)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    finally:
        interrupts.over = True


def _drop_output() -> None:
    """What standard output did not take would be tried again when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception) -> int:
    """One sentence about an error on stderr; returns the exit status."""
    if isinstance(error, OutputError):
        _drop_output()
    sentence = explain(error)
    complain(sentence or ask_for_report(error, "vqdeepsc"))
    return EXIT_BAD_INPUT if sentence else EXIT_BUG


def build_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands; `run` of its result takes the result."""
    parser = _Parser(
        prog="vqdeepsc", description="Images over bad radio channels, and how good they arrive."
    )
    parser.add_argument(
        "--debug", action="store_true", help="show where an error came from (before the command)"
    )
    parser.add_argument(
        "--limit",
        action=_SetLimits,
        metavar="NAME=N",
        help="change what may come from outside, such as members=2M or network-memory=8G; "
        "SECURITY.md lists the limits (before the command)",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, subcommand in SUBCOMMANDS.items():
        child = commands.add_parser(
            name,
            help=subcommand.help,
            description=subcommand.help,
            formatter_class=_HelpFormatter,
        )
        child.pending = subcommand
    return parser


class _SetLimits(argparse.Action):
    """Writes limits into the environment, which the modules that are loaded next read."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if "vqdeepsc.limits" in sys.modules:
            raise LimitError("limits can only be changed before anything else is loaded")
        parse_limits(str(values))
        os.environ[VARIABLE] = ",".join(filter(None, (os.environ.get(VARIABLE), str(values))))


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong.

    A subcommand's module is imported when it is used, so that none loads what another one needs.
    """

    pending: Subcommand | None = None

    def parse_known_args(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        if self.pending:
            try:
                module = import_module(self.pending.module)
            except ModuleNotFoundError as error:
                if (error.name or "").partition(".")[0] != "gnuradio":
                    raise
                self.exit(
                    EXIT_BAD_INPUT,
                    f"{self.prog} needs GNU Radio and its module gr-vqdeepsc: {error}\n",
                )
            module.add_arguments(self)
            self.set_defaults(run=module.run)
            self.pending = None
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        sentence = printable(message)
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: {sentence} (try {self.prog} --help)\n")


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not that something is required or off."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        default = action.default
        if action.required or default is None or default is False or default in ([], ""):
            return action.help
        if isinstance(default, list):
            return f"{action.help} (default: {' '.join(default)})"
        return super()._get_help_string(action)


def _join_negative(argv: Sequence[str] | None) -> list[str]:
    """argparse takes the -2:10:2 of `--snr -2:10:2` for an option, but not in `--snr=-2:10:2`."""
    joined: list[str] = []
    for argument in sys.argv[1:] if argv is None else argv:
        if joined and joined[-1] in ("--snr", "--offset") and re.match(r"-[\d.]", argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined
