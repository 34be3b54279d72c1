# SPDX-License-Identifier: GPL-3.0-or-later
"""Which blocks of an image a frame carries, in both versions of the order."""

import numpy as np
import pytest
from vqdeepsc.codec.regions import Regions, pad_image, padded_size, region_blocks, region_count
from vqdeepsc.kernels import FrameHeader

SIZES = [(1, 1), (128, 128), (129, 128), (600, 400), (16, 257), (432, 288), (810, 430), (2000, 40)]
WIDEST_REGION = 8 + 11  # blocks: a region may reach over the end of a band of eight into the last


def all_blocks(layout):
    """(row, column) of each block, in the order in which frames carry them."""
    rows, columns = layout.blocks(np.arange(64 * layout.count))
    return list(zip(rows.reshape(-1).tolist(), columns.reshape(-1).tolist(), strict=True))


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("version", [1, 2])
def test_every_block_is_in_one_place(width, height, version):
    layout = Regions(width, height, version)
    blocks = all_blocks(layout)
    inside = [(r, c) for r, c in blocks if r < layout.rows and c < layout.columns]
    assert sorted(inside) == [(r, c) for r in range(layout.rows) for c in range(layout.columns)]
    if version == 2:
        assert inside == blocks[: len(inside)], "what is not there comes last"
    numbers = layout.under(slice(0, layout.rows * 16), slice(0, layout.columns * 16))
    for i, (row, column) in enumerate(blocks):
        if (row, column) in inside[:1] + inside[-1:] or (row < layout.rows and i % 37 == 0):
            assert column >= layout.columns or numbers[row, column] == i


@pytest.mark.parametrize(
    ("width", "height", "frames"),
    [(432, 288, 8), (384, 288, 7), (320, 240, 5), (512, 341, 11), (128, 128, 1), (1, 1, 1)],
)
def test_an_image_takes_as_many_frames_as_its_blocks_need(width, height, frames):
    assert region_count(width, height) == frames


@pytest.mark.parametrize(
    ("width", "height", "frames"), [(1, 1, 1), (129, 128, 2), (600, 400, 20), (16, 257, 3)]
)
def test_version_1_takes_whole_squares(width, height, frames):
    assert region_count(width, height, version=1) == frames


def test_where_the_size_fits_both_versions_are_the_same():
    for size in ((128, 128), (384, 256), (640, 512)):
        regions = region_blocks(np.arange(region_count(*size)))
        for stride in (2, 4, 8, 16):
            np.testing.assert_array_equal(
                Regions(*size, 1).positions(regions, stride),
                Regions(*size).positions(regions, stride),
            )


def test_the_order_of_a_small_image_by_hand():
    # 3 columns and 12 rows of blocks: a band of 8 rows, from left to right, and one of 4
    blocks = all_blocks(Regions(48, 192))
    first = [(row, column) for column in range(3) for row in range(8)]
    second = [(row, column) for column in (2, 1, 0) for row in range(8, 12)]
    assert blocks[:36] == first + second
    assert all(row == 12 for row, _ in blocks[36:])


@pytest.mark.parametrize("width, height", [(432, 288), (384, 288), (810, 430), (4000, 3000)])
def test_regions_are_compact(width, height):
    layout = Regions(width, height)
    rows, columns = layout.blocks(region_blocks(np.arange(layout.count - 1)))
    for axis in (rows, columns):
        assert (np.ptp(axis, axis=1) + 1 <= WIDEST_REGION).all()


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("version", [1, 2])
def test_regions_assemble_to_what_was_cut(width, height, version):
    layout = Regions(width, height, version)
    regions = region_blocks(np.arange(layout.count))
    rng = np.random.default_rng(4)
    for stride in (2, 16):
        shape = layout.rows * 16 // stride, layout.columns * 16 // stride, 2
        positions = rng.integers(1, 99, shape)
        cut = layout.cut(positions, regions, stride)
        assert cut.shape == (layout.count, 64 * (16 // stride) ** 2, 2)
        np.testing.assert_array_equal(layout.assemble(cut, regions, stride), positions)
        assert np.count_nonzero(cut) == positions.size  # beyond the map there is index 0


def test_a_part_of_a_map_is_assembled():
    layout = Regions(810, 430)
    shape = layout.rows * 4, layout.columns * 4
    positions = np.random.default_rng(5).integers(1, 99, shape)
    rows, columns = slice(20, 60), slice(36, 100)
    under = layout.under(slice(80, 240), slice(144, 400))
    regions = region_blocks(np.unique(under // 64))
    cut = layout.cut(positions, regions, 4)
    part = layout.assemble(cut, regions, 4, rows=rows, columns=columns)
    np.testing.assert_array_equal(part, positions[rows, columns])


def test_positions_of_a_region_are_in_raster_order_of_the_image():
    layout = Regions(432, 288)
    for row in layout.positions(region_blocks(np.arange(layout.count)), 2):
        known = row[row >= 0]
        assert (np.diff(known) > 0).all()
        assert (row[known.size :] == -1).all()


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_sizes_that_are_not_positive_are_refused(size):
    for call in (padded_size, Regions):
        with pytest.raises(ValueError, match="at least 1x1"):
            call(*size)
    with pytest.raises(ValueError, match="version is 3"):
        Regions(5, 5, 3)


def test_padding_reflects_at_the_right_and_lower_edge():
    image = np.arange(3 * 15 * 18, dtype=np.uint8).reshape(15, 18, 3)
    padded = pad_image(image)
    assert padded.shape == (16, 32, 3)
    np.testing.assert_array_equal(padded[:15, :18], image)
    np.testing.assert_array_equal(padded[15, :18], image[13])
    np.testing.assert_array_equal(padded[:15, 18], image[:, 16])
    assert pad_image(padded) is padded


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("version", [1, 2])
def test_headers_count_the_same_blocks(width, height, version):
    header = FrameHeader(version=version, width=width, height=height)
    assert -(-header.blocks // 64) == region_count(width, height, version)


def test_a_header_comes_back_from_its_bytes():
    values = {
        "version": 2,
        "model": 0xBEEF,
        "session": 0x89ABCDEF,
        "image": 513,
        "width": 300,
        "height": 200,
        "first_block": 192,
        "block_bits": 313,
    }
    header = FrameHeader(**values)
    assert tuple(values) == FrameHeader.FIELDS
    packed = header.to_bytes()
    assert packed.hex() == "02beef89abcdef0201012c00c80000c00139"
    assert FrameHeader.from_bytes(packed) == header
    assert {name: getattr(header, name) for name in header.FIELDS} == values
    assert header != FrameHeader(**{**values, "session": 1})
    with pytest.raises(ValueError, match="18 bytes, not 17"):
        FrameHeader.from_bytes(packed[1:])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"version": 3}, "version is 3, known are 1 and 2"),
        ({"width": 0}, "width is 0, must be 1 to 65535"),
        ({"height": 65536}, "height is 65536, must be 1 to 65535"),
        ({"model": -1}, "model is -1"),
        ({"width": 33, "height": 16, "first_block": 3}, "first_block is 3, must be 0 to 2"),
        ({"version": 1, "width": 200, "first_block": 65}, "inside a region"),
        ({"version": 1, "session": 1}, "version 1 knows no session"),
    ],
)
def test_headers_out_of_range_are_refused(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        FrameHeader(**values)
