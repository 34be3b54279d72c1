# SPDX-License-Identifier: GPL-3.0-or-later
"""What may come from outside and how much of it: names, units, defaults.

A few bytes can claim any size, so each is held to its limit before anything is made for it. All
but MAXIMUM_SIDE can be changed for a process and those that it starts, before this module is
loaded: by `vqdeepsc --limit NAME=N,... COMMAND`, or by the environment's VQDEEPSC_LIMITS=NAME=N,...
"""

from __future__ import annotations

from vqdeepsc.changed_limits import Limit, allowed, check_names
from vqdeepsc.errors import ParameterError

MAXIMUM_SIDE = 65_535
"""Pixels of one side of an image: what 16 bits of a header can say. It has no option."""

MAXIMUM_PIXELS = Limit("pixels", 40_000_000)
"""Pixels, width times height, of an image that is read, received or decoded: the default."""

MAXIMUM_IMAGES_IN_FLIGHT = Limit("images-in-flight", 4096)
"""Images of which regions have arrived, each from another sender, that wait for the rest."""

MAXIMUM_REGIONS_IN_FLIGHT = Limit("regions-in-flight", 4096)
"""Regions of them: 330 MB of soft bits with four scales. One image alone may have more."""

MAXIMUM_MISSING_RATIO = Limit("missing-ratio", 16)
"""Regions of an image for each that arrived: one that has more is dropped, not decoded, since
filling in takes time and anybody can claim an image of any size with one burst."""

MAXIMUM_IMAGE_BYTES = Limit("image-bytes", 512 << 20)
"""Bytes of an image file: 40 megapixels of four 16-bit values have 320 million."""

MAXIMUM_MISSING_BYTES = Limit("missing-bytes", 64 << 20)
"""Bytes that an image file which was cut short may claim to have lost; more are not filled in."""

MAXIMUM_REGION_BITS = Limit("region-bits", 87_040)
"""Source bits of one 128x128 region: 16 for each position of four scales."""

MAXIMUM_MEMBERS = Limit("members", 1_000_000)
"""Files in an archive or a folder of images."""

MAXIMUM_MANIFEST_BYTES = Limit("manifest-bytes", 4 << 20)
MAXIMUM_CARD_BYTES = Limit("card-bytes", 1 << 20)
MAXIMUM_CODEBOOK_BYTES = Limit("codebook-bytes", 16 << 20)
"""Bytes of manifest.json, of MODEL_CARD.md and of all codebooks of a model."""

MAXIMUM_NETWORK_BYTES = Limit("network-bytes", 128 << 20)
"""Bytes of an ONNX file."""

MAXIMUM_NETWORK_NODES = Limit("network-nodes", 10_000)
"""Nodes of an ONNX graph."""

MAXIMUM_NETWORK_FIELDS = Limit("network-fields", 500_000)
"""Fields of Protocol Buffers in the parts of an ONNX file that are read before it is loaded."""

MAXIMUM_CONSTANT_BYTES = Limit("constant-bytes", 512 << 20)
"""Bytes of all constants of an ONNX file, and of what is computed from them alone."""

MAXIMUM_NETWORK_MEMORY = Limit("network-memory", 4 << 30)
"""Bytes that all networks of a process use at a time for what they compute."""

MAXIMUM_RESULTS_BYTES = Limit("results-bytes", 64 << 20)
"""Bytes of a results.csv: about half a million rows."""

MAXIMUM_METADATA_BYTES = Limit("metadata-bytes", 4 << 20)
"""Bytes of SigMF metadata."""

MAXIMUM_METADATA_MEMBERS = Limit("metadata-members", 10_000)
"""Members of a SigMF archive, and recordings of a SigMF collection."""

MAXIMUM_RECORDED_BURSTS = Limit("recorded-bursts", 100)
MAXIMUM_RECORDED_BYTES = Limit("recorded-bytes", 256 << 20)
"""Bursts that failed and their samples in a folder of `receive --record`."""

MAXIMUM_COMMAND_BYTES = Limit("command-bytes", 1 << 20)
"""Bytes of a command over ZeroMQ; the connection of a client that sends more is closed."""

MAXIMUM_MESSAGE_BYTES = Limit("message-bytes", 1 << 16)
"""Bytes of the JSON of an image, and of a request, over ZeroMQ."""

MAXIMUM_REQUEST_RUNS = Limit("request-runs", 256)
"""Runs of blocks that a receiver asks for at once; what is missing beyond it asks for later."""

MAXIMUM_KEPT_BYTES = Limit("kept-bytes", 64 << 20)
"""Bytes of the frames that a sender keeps for receivers that ask for them again."""

MAXIMUM_ANSWERS = Limit("frame-answers", 16)
"""Times that a sender sends a frame again, however often it is asked for."""

MAXIMUM_SEARCH_SECONDS = Limit("search-seconds", 3600)
"""Processor seconds for each 128x128 region that a sender may search for better indices."""

LIMITS = {limit.name: limit for limit in list(globals().values()) if isinstance(limit, Limit)}
"""All that have a name."""

check_names(set(LIMITS))


def check_maximum_pixels(pixels: int) -> int:
    """Another maximum, 1 to MAXIMUM_SIDE squared pixels; raises ParameterError for one beyond."""
    if not 1 <= pixels <= MAXIMUM_SIDE**2:
        raise ParameterError(f"max_pixels is {pixels}, but must be 1 to {MAXIMUM_SIDE**2:,}")
    return pixels


def pixels_error(width: int, height: int, maximum: int = MAXIMUM_PIXELS) -> str:
    """What is wrong with an image of width x height pixels: the end of a sentence, or ""."""
    if max(width, height) > MAXIMUM_SIDE:
        return (
            f"has a side of {max(width, height):,} pixels, more than the {MAXIMUM_SIDE:,} allowed"
        )
    if width * height > maximum:
        return f"has {width}x{height} pixels, {allowed(maximum)}"
    return ""
