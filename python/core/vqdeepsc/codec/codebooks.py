# SPDX-License-Identifier: GPL-3.0-or-later
"""codebooks.npz: sizes are judged by its directory and its headers before anything is inflated."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.changed_limits import allowed
from vqdeepsc.errors import Error
from vqdeepsc.limits import MAXIMUM_CODEBOOK_BYTES

from .scales import Scale

_npy: Any = np.lib.format  # has no types
_MAXIMUM_HEADER = 4096  # bytes of an array's header


class CodebooksError(Error):
    """Codebooks that cannot be read or are not as expected: the end of a sentence."""


def codebook_shapes(content: bytes) -> dict[int, tuple[int, ...]]:
    """{l: [N_l, K_l]} of the codebooks in an archive; raises CodebooksError."""
    arrays = _read_arrays(content)
    try:
        return {int(name[1:]): array.shape for name, array in sorted(arrays.items())}
    except ValueError as error:
        raise CodebooksError(f"holds {sorted(arrays)}, not e1 to e4") from error


def read_codebooks(content: bytes, scales: Sequence[Scale]) -> dict[int, NDArray[np.float32]]:
    """{l: float32 [N_l, K_l]} of an archive that holds these scales and nothing else.

    Raises CodebooksError."""
    arrays = _read_arrays(content)
    expected = {f"e{scale.scale}" for scale in scales}
    if set(arrays) != expected:
        raise CodebooksError(f"holds {sorted(arrays)}, not {sorted(expected)}")
    codebooks = {}
    for scale in scales:
        codebook = arrays[f"e{scale.scale}"]
        if codebook.dtype != np.float32 or codebook.shape != (scale.codewords, scale.dimension):
            raise CodebooksError(
                f"has e{scale.scale} as {codebook.dtype} {list(codebook.shape)}, "
                f"not float32 {[scale.codewords, scale.dimension]}"
            )
        if not np.isfinite(codebook).all():
            raise CodebooksError(f"has values in e{scale.scale} that are not finite")
        codebooks[scale.scale] = codebook.astype(np.float32)
    return codebooks


def _read_arrays(content: bytes) -> dict[str, NDArray[np.float32 | np.float64]]:
    """The arrays of floating-point numbers in an archive, by name."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MAXIMUM_CODEBOOK_BYTES:
                raise CodebooksError(f"holds {allowed(MAXIMUM_CODEBOOK_BYTES, 'bytes')}")
            return {
                member.filename.removesuffix(".npy"): _parse_array(archive.read(member))
                for member in members
            }
    except CodebooksError:
        raise
    # what zipfile raises for damage, encryption and unknown methods shares no base
    except (OSError, ValueError, EOFError, KeyError, RuntimeError, zlib.error) as error:
        raise CodebooksError("cannot be read") from error
    except zipfile.BadZipFile as error:
        raise CodebooksError("cannot be read") from error


def _parse_array(content: bytes) -> NDArray[np.float32 | np.float64]:
    """The array of an .npy file; raises ValueError."""
    file = io.BytesIO(content)
    version = _npy.read_magic(file)
    read_header = {(1, 0): _npy.read_array_header_1_0, (2, 0): _npy.read_array_header_2_0}[version]
    shape, by_columns, dtype = read_header(file, max_header_size=_MAXIMUM_HEADER)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"{dtype} is not floating point")
    values = np.frombuffer(content, dtype, offset=file.tell())
    return values.reshape(shape, order="F" if by_columns else "C")
