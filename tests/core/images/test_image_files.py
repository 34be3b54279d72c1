# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files of every kind, and of no kind."""

import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from vqdeepsc.images.files import (
    ImageError,
    crop_square,
    load_image,
    save_image,
)
from vqdeepsc.images.finding import find_images
from vqdeepsc.images.metrics import psnr
from vqdeepsc.images.plugins import PLUGINS
from vqdeepsc.images.truncation import missing_end
from vqdeepsc.limits import MAXIMUM_MISSING_BYTES

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def save(tmp_path, image, name, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def png(width, height, depth=8, colour=2, data=b""):
    """A PNG with any header, right or wrong."""

    def chunk(kind, content):
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_grey_becomes_three_equal_channels(tmp_path):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels = load_image(save(tmp_path, Image.fromarray(values), "grey.png"))
    np.testing.assert_array_equal(pixels, np.repeat(values[..., None], 3, axis=2))


def test_black_and_white(tmp_path):
    image = Image.fromarray(np.eye(8) > 0)
    assert image.mode == "1"
    pixels = load_image(save(tmp_path, image, "bits.png"))
    np.testing.assert_array_equal(pixels[..., 1], 255 * np.eye(8))


def test_palette_with_and_without_transparency(tmp_path):
    image = Image.new("P", (3, 1))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2])
    assert load_image(save(tmp_path, image, "p.png")).tolist() == [[[*RED], [*GREEN], [*BLUE]]]
    pixels = load_image(save(tmp_path, image, "t.png", transparency=1))
    assert pixels.tolist() == [[[*RED], [255, 255, 255], [*BLUE]]]


def test_transparent_pixels_lie_on_white(tmp_path):
    image = Image.new("RGBA", (3, 1))
    image.putdata([(*RED, 255), (*RED, 0), (0, 0, 0, 128)])
    pixels = load_image(save(tmp_path, image, "rgba.png"))
    assert pixels[0, :2].tolist() == [[*RED], [255, 255, 255]]
    assert np.abs(pixels[0, 2].astype(int) - 127).max() <= 1
    grey = Image.new("LA", (1, 1), (0, 0))
    assert load_image(save(tmp_path, grey, "la.png")).tolist() == [[[255, 255, 255]]]


def test_cmyk(tmp_path):
    colours = {"white": (0, 0, 0, 0), "black": (0, 0, 0, 255), "red": (0, 255, 255, 0)}
    for suffix in ("tif", "jpg"):
        images = {
            name: load_image(
                save(tmp_path, Image.new("CMYK", (16, 16), colour), f"{name}.{suffix}")
            )[8, 8].astype(int)
            for name, colour in colours.items()
        }
        assert images["white"].min() > 250
        assert images["black"].max() < 5
        assert images["red"][0] > 250 and images["red"][1:].max() < 5


def test_sixteen_bits_are_scaled(tmp_path):
    values = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    pixels = load_image(save(tmp_path, Image.fromarray(values), "grey16.png"))
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    pixels = load_image(save(tmp_path, Image.fromarray(values), "grey16.tif"))
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    row = b"\0" + struct.pack(">6H", 0, 65535, 128 * 257, 65535, 257, 0)
    (tmp_path / "rgb16.png").write_bytes(png(2, 1, depth=16, data=row))
    assert load_image(tmp_path / "rgb16.png").tolist() == [[[0, 255, 128], [255, 1, 0]]]


def test_floating_point_goes_from_zero_to_one(tmp_path):
    values = np.array([[0, 0.5, 1, 1.0001, np.nan]], np.float32)
    pixels = load_image(save(tmp_path, Image.fromarray(values), "float.tif"))
    assert pixels[0, :, 0].tolist() == [0, 128, 255, 255, 0]


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (7, 3)), (6, (0, 7))])
def test_exif_orientation(tmp_path, orientation, corner):
    stored = np.zeros((8, 4, 3), np.uint8)
    stored[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = load_image(save(tmp_path, Image.fromarray(stored), "turned.png", exif=exif))
    assert pixels.shape == ((4, 8, 3) if orientation == 6 else (8, 4, 3))
    y, x = np.argwhere(pixels[..., 0] == 255)[0]
    assert (y, x) == corner


def test_an_embedded_profile_is_applied(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = Image.new("RGB", (2, 2), (200, 100, 50))
    # a profile for another kind of image is ignored, as is one that is none
    for content in (profile, b"no profile"):
        pixels = load_image(save(tmp_path, image, "wrong.png", icc_profile=content))
        assert pixels[0, 0].tolist() == [200, 100, 50]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = load_image(save(tmp_path, image, "srgb.png", icc_profile=srgb))
    assert pixels[0, 0].tolist() == [200, 100, 50]


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    path = save(tmp_path, frames[0], "two.gif", save_all=True, append_images=frames[1:])
    assert load_image(path)[0, 0].tolist() == [*RED]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "avif", "bmp", "tif", "ppm", "gif"])
def test_what_is_saved_loads(tmp_path, suffix):
    pixels = np.full((24, 17, 3), (200, 100, 51), np.uint8)
    save_image(tmp_path / f"image.{suffix}", pixels)
    loaded = load_image(tmp_path / f"image.{suffix}")
    assert loaded.shape == pixels.shape
    assert np.abs(loaded.astype(int) - pixels).max() <= 5


def bad_files(tmp_path):
    good = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(good, "PNG")
    jpeg = io.BytesIO()
    Image.fromarray(noise).save(jpeg, "JPEG")
    damaged = bytearray(good.getvalue())
    damaged[200] ^= 255
    contents = {
        "empty": b"",
        "text": b"this is not an image\n" * 10,
        "damaged": bytes(damaged),
        "truncated": good.getvalue()[:3000],
        "truncated_jpeg": jpeg.getvalue()[:1500],
        "only_header": good.getvalue()[:20],
        "bomb": png(8000, 8000),
        "larger_bomb": png(100000, 100000),
        "no_size": png(0, 5),
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.png").write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    return [tmp_path / f"{name}.png" for name in (*contents, "folder", "missing")]


def test_every_bad_file_gets_one_sentence(tmp_path):
    for path in bad_files(tmp_path):
        with pytest.raises(ImageError) as caught:
            load_image(path, strict=True)
        message = str(caught.value)
        assert str(path) in message and "\n" not in message and len(message) < 400


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "gif", "ppm", "tga"])
def test_what_was_cut_short_is_decoded_as_far_as_it_goes(tmp_path, suffix):
    y, x = np.mgrid[0:96, 0:64]
    whole = np.stack([50 + x * 2, 50 + y * 2, x + y], axis=2).astype(np.uint8)
    save_image(tmp_path / f"whole.{suffix}", whole)
    content = (tmp_path / f"whole.{suffix}").read_bytes()
    expected = load_image(content)
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(content[: len(content) * 3 // 4])
    reported = []
    pixels = load_image(path, report=reported.append)
    assert reported == [f"{path} was cut short: its end is missing"]
    rows = np.abs(pixels.astype(int) - expected).max(axis=(1, 2)) < 3
    first = rows[48:] if suffix in ("bmp", "tga") else rows[:48]  # these begin at the bottom
    assert pixels.shape == expected.shape and not rows.all()
    assert first.mean() > 0.6
    with pytest.raises(ImageError, match="damaged: it was cut short"):
        load_image(path, strict=True)


LOSSLESS_WEBP = {"format": "WEBP", "lossless": True, "exif": Image.Exif().tobytes()}
JPEG_2000 = {"format": "JPEG2000", "quality_mode": "rates"}
CODECS = {
    "webp": {"format": "WEBP", "quality": 90},
    "webp-lossless": LOSSLESS_WEBP,
    "avif": {"format": "AVIF", "quality": 90},
    "jp2": JPEG_2000,
    "j2k": {**JPEG_2000, "no_jp2": True, "irreversible": True, "quality_layers": [40, 5]},
    "j2k-tiles": {**JPEG_2000, "no_jp2": True, "tile_size": (64, 64)},
    "qoi": {"format": "QOI"},
}


def cut_in_codec(tmp_path, content, expected, shares=(0.4, 0.7, 0.9, 0.998)):
    """Each share of a file is read with the warning, and nearly all of it best."""
    values = []
    path = tmp_path / "cut"
    for share in shares:
        path.write_bytes(content[: int(len(content) * share)])
        reported = []
        pixels = load_image(path, report=reported.append)
        assert reported == [f"{path} was cut short: its end is missing"]
        values.append(float(psnr(expected, pixels)))
        with pytest.raises(ImageError, match="damaged: it was cut short"):
            load_image(path, strict=True)
    assert min(values) > 7 and max(values) == values[-1] > 20, values


@pytest.mark.parametrize("codec", CODECS)
def test_codecs_decode_what_is_left(tmp_path, codec, photograph):
    image, file = Image.fromarray(photograph[:192, :256]), io.BytesIO()
    image.save(file, **CODECS[codec])
    cut_in_codec(tmp_path, file.getvalue(), load_image(file.getvalue()))


@pytest.mark.parametrize(
    "options",
    [{"compression": "zlib"}, {"compression": "zlib", "tile": (64, 64)}, {"tile": (64, 64)}],
)
def test_tiff_decodes_what_is_left(tmp_path, photograph, options):
    pixels = np.ascontiguousarray(photograph[:192, :256])
    if "tile" not in options:
        options = {**options, "rowsperstrip": 8}
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", **options)
    cut_in_codec(tmp_path, (tmp_path / "a.tif").read_bytes(), pixels)
    tifffile.imwrite(
        tmp_path / "b.tif", pixels, photometric="rgb", extratags=[(274, 3, 1, 6, True)], **options
    )
    cut_in_codec(tmp_path, (tmp_path / "b.tif").read_bytes(), np.rot90(pixels, -1))


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"format": "TIFF", "compression": "tiff_lzw"}, 10_000),  # its directory is the last
        ({"format": "AVIF"}, 40),
        ({"format": "WEBP"}, 24),
        ({"format": "JPEG2000"}, 40),
    ],
)
def test_what_has_lost_its_beginning_is_refused(options, size, photograph):
    file = io.BytesIO()
    Image.fromarray(photograph).save(file, **options)
    content = file.getvalue()[:size]
    with pytest.raises(ImageError, match=r"^a is damaged: it was cut short") as caught:
        load_image(content, "a", report=pytest.fail)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "head",
    [
        b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff",
        b"\0\0\0\x18ftypavif\0\0\0\0avifmif1\0\0\0\1mdat\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"II*\0\xff\xff\xff\xff",
        b"qoif\xff\xff\xff\xff\0\0\0\1\3\0",
        b"\xff\x4f\xff\x51\0\4\0\0\xff\x90\0\x0a\0\0\xff\xff\xff\xff\0\1",
    ],
)
def test_a_file_that_claims_a_far_end_gets_no_memory_for_it(head):
    assert len(missing_end(head, OSError()) or b"") <= MAXIMUM_MISSING_BYTES
    with pytest.raises(ImageError):
        load_image(head, report=pytest.fail)


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.module)
def test_plugins_and_files_that_were_cut_short(tmp_path, plugin, photograph):
    if not plugin.is_installed:
        pytest.skip(f"{plugin.package} is not installed")
    plugin.load()
    file = io.BytesIO()
    form = {"HEIC": "HEIF", "JPEG XL": "JXL"}[plugin.format]
    Image.fromarray(photograph[:192, :256]).save(file, form, quality=90)
    if plugin.decodes_parts:
        cut_in_codec(tmp_path, file.getvalue(), load_image(file.getvalue()))
    else:
        with pytest.raises(ImageError, match="damaged or was cut short, and pillow-jxl-plugin"):
            load_image(file.getvalue()[:-100])


def test_what_was_cut_before_the_first_pixel_is_refused(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    save_image(tmp_path / "whole.bmp", noise)
    content = (tmp_path / "whole.bmp").read_bytes()
    with pytest.raises(ImageError, match="cut short before the first pixel"):
        load_image(content[:60], "cut.bmp")


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.module)
def test_the_package_that_a_format_needs_is_named(tmp_path, plugin, monkeypatch):
    heads = {"HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "JPEG XL": b"\xff\x0a"}
    path = tmp_path / f"a{plugin.suffixes[0].upper()}"
    path.write_bytes(heads[plugin.format] + bytes(300))
    save_image(tmp_path / "b.png", np.zeros((32, 48, 3), np.uint8))
    monkeypatch.setitem(sys.modules, plugin.module, None)
    monkeypatch.setattr(type(plugin), "is_installed", False)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name not in ("HEIF", "JXL")])
    with pytest.raises(ImageError, match=f"{plugin.format}.* needs .* package {plugin.package}$"):
        load_image(path)
    reported = []
    assert [image.name for image in find_images([tmp_path], reported.append)] == ["b.png"]
    assert reported == [
        f"{tmp_path}: 1 file skipped as no images ({path.name}); {plugin.format} needs the "
        f"Python package {plugin.package}"
    ]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.module)
def test_what_a_plugin_reads_is_read(tmp_path, plugin):
    if not plugin.is_installed:
        pytest.skip(f"{plugin.package} is not installed")
    plugin.load()  # a plug-in that is loaded writes too
    colours = np.full((32, 48, 3), (200, 90, 40), np.uint8)
    path = tmp_path / f"a{plugin.suffixes[0].upper()}"
    Image.fromarray(colours).save(path, quality=95)
    assert np.abs(load_image(path).astype(int) - colours).max() < 8
    assert [image.name for image in find_images([tmp_path], pytest.fail)] == [path.name]


def test_bombs_are_refused_for_their_size(tmp_path):
    bad_files(tmp_path)
    with pytest.raises(ImageError, match="8000x8000 pixels, more than the 40,000,000"):
        load_image(tmp_path / "bomb.png")
    with pytest.raises(ImageError, match="more than the 40,000,000 pixels allowed"):
        load_image(tmp_path / "larger_bomb.png")


def test_what_is_no_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="not a file"):
        load_image(tmp_path / "pipe.png")


def test_saving_elsewhere_fails_with_a_sentence(tmp_path):
    pixels = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ImageError, match="must end in"):
        save_image(tmp_path / "image.xyz", pixels)
    with pytest.raises(ImageError, match="No such file"):
        save_image(tmp_path / "nowhere" / "image.png", pixels)


def test_cropping_keeps_the_centre():
    image = np.zeros((128, 384, 3), np.uint8)
    image[:, 128:256] = 200
    np.testing.assert_array_equal(crop_square(image), np.full((128, 128, 3), 200))
    assert crop_square(np.zeros((300, 1000, 3), np.uint8)).shape == (128, 128, 3)
    assert crop_square(np.zeros((5, 3, 3), np.uint8)).shape == (128, 128, 3)
    with pytest.raises(ImageError, match="too narrow"):
        crop_square(np.zeros((1, 300000, 3), np.uint8))


def test_files_that_are_none_or_too_large(tmp_path):
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(ImageError, match="is not a file"):
        find_images([tmp_path / "pipe.tar"])
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    with pytest.raises(ImageError, match="is not a file"):
        load_image(tmp_path / "zero.png")
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ImageError, match="has 1,099,511,627,776 bytes, more than"):
        load_image(tmp_path / "sparse.png")
    Image.new("1", (70_000, 1)).save(tmp_path / "narrow.png")
    with pytest.raises(ImageError, match="has a side of 70,000 pixels"):
        load_image(tmp_path / "narrow.png")
