# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss of a run: the parts that its configuration asks for."""

from __future__ import annotations

from torch import nn

from ..base.precision import Arithmetic
from ..data.recording import Recording
from .adversarial import AdversarialTraining
from .configuration import Configuration
from .distillation import Teacher
from .noise import NoiseTuning
from .parts import Part, Quantisation, Reconstruction
from .prefixes import PrefixDecoding


def make_parts(
    configuration: Configuration,
    network: nn.Module,
    average: nn.Module,
    arithmetic: Arithmetic,
    recording: Recording | None,
) -> list[Part]:
    """The parts of the loss, in the order in which they are added and draw weights.

    average: the network of averaged weights; recording: of the link, for `noise`.
    Raises DataError for a recording that does not fit, and for a network to distil from that cannot
    be read.
    """
    parts: list[Part] = [Reconstruction(configuration.loss)]
    if configuration.distillation:
        parts.append(Teacher(configuration.distillation, arithmetic))
    if configuration.adversarial:
        parts.append(AdversarialTraining(configuration.adversarial, arithmetic))
    parts.append(Quantisation(configuration))
    if configuration.prefixes:
        parts.append(PrefixDecoding(configuration, network, arithmetic))
    if configuration.noise:
        parts.append(NoiseTuning(configuration, network, average, recording, arithmetic))
    return parts
