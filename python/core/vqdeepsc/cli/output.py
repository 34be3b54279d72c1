# SPDX-License-Identifier: GPL-3.0-or-later
"""What several subcommands print."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vqdeepsc.messages import print_lines, to_json

if TYPE_CHECKING:
    from vqdeepsc.simulation.profile import StageCost
    from vqdeepsc.simulation.results import Summary


def print_json(value: Any) -> None:
    """Prints what other programs read; see to_json."""
    print_lines(to_json(value, indent=2))


def progress_on_terminal(doing: str) -> Callable[[float], None] | None:
    """Shows the share that is done on standard error, if that is a terminal; doing: a word."""

    def show(done: float) -> None:
        sys.stderr.write(f"\r{doing} {done:4.0%}" + ("\n" if done >= 1 else ""))
        sys.stderr.flush()

    return show if sys.stderr.isatty() else None


def print_profile(stages: Sequence[StageCost]) -> None:
    """Prints what the stages of a simulation cost."""
    print_lines(
        "processor time of the stages; rows that were there already cost nothing",
        f"{'stage':<10} {'calls':>8} {'seconds':>9} {'ms each':>9} {'share':>6}",
        *(
            f"{stage.stage:<10} {stage.calls:>8} {stage.seconds:>9.2f} "
            f"{stage.ms_per_call:>9.2f} {stage.share:>6.1%}"
            for stage in stages
        ),
    )


def print_summary(groups: Sequence[Summary]) -> None:
    """Prints means as a table."""
    from vqdeepsc.link import channel_title

    print_lines(
        "SNR is the mean Es/N0 per 16-QAM symbol; means over images",
        f"{'system':<20} {'bits':>7}  {'channel':<14} {'SNR dB':>6}  {'SSIM':>6} {'PSNR dB':>7} "
        f"{'images':>8} {'undecoded':>9}",
        *(
            f"{group.system!s:<20} {group.source_bits:>7}  "
            f"{channel_title(group.channel_name):<14} {group.snr_db:>6g}  "
            f"{group.ssim:>6.4f} {group.psnr_db:>7.2f} {group.images:>8} {group.undecoded:>9}"
            for group in groups
        ),
    )
