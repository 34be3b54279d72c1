# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of image files of every mode, profile and orientation, and what their numbers mean."""

import io
import itertools
import math
import shutil
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps, PngImagePlugin
from skimage.color import deltaE_ciede2000, rgb2lab
from vqdeepsc.images.files import ImageError, load_image
from vqdeepsc.limits import MAXIMUM_PIXELS

LARGEST_DIFFERENCE = 1.0  # CIEDE2000, mean of an image
D50 = (0.9642, 1.0, 0.8249)
WIDE = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841))
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def tag_xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def tag_curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)


def tag_name(name):
    text = name.encode() + b"\0"
    return (b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text).ljust(200, b"\0")


def tag_inks():
    """A table of two points an ink, to Lab: paper less half of each ink's light."""
    head = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0])
    head += struct.pack(">9i", *(65536 * value for value in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table = b""
    for c, m, y, k in itertools.product((0, 1), repeat=4):
        light = 255 * (1 - 0.25 * c) * (1 - 0.3 * m) * (1 - 0.1 * y) * (1 - 0.8 * k)
        table += bytes([round(light), 128 - 40 * c + 60 * m, 128 - 30 * c + 70 * y])
    straight = bytes(range(256))
    return head + straight * 4 + table + straight * 3


def profile(name, space=b"RGB ", primaries=WIDE, gamma=1.0):
    tags = {b"desc": tag_name(name), b"cprt": b"text\0\0\0\0none", b"wtpt": tag_xyz(D50)}
    connection = b"XYZ "
    if space == b"RGB ":
        for letter, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
            tags |= {letter + b"XYZ": tag_xyz(primary), letter + b"TRC": tag_curve(gamma)}
    elif space == b"GRAY":
        tags[b"kTRC"] = tag_curve(gamma)
    else:
        tags[b"A2B0"], connection = tag_inks(), b"Lab "
    body, table = b"", struct.pack(">I", len(tags))
    for key, value in tags.items():
        table += key + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", 132 + 12 * len(tags) + len(body), b"lcms",
                       0x02400000, b"prtr" if space == b"CMYK" else b"mntr", space, connection,
                       b"", b"acsp")  # fmt: skip
    white = struct.pack(">3i", *(round(value * 65536) for value in D50))
    return head.ljust(68, b"\0") + white.ljust(60, b"\0") + table + body


RGB_PROFILES = {
    "wide linear": profile("Wide"),
    "wide 2.2": profile("Wide 2.2", gamma=2.2),
    "linear that calls itself sRGB": profile("sRGB built-in linear", primaries=SRGB),
    "sRGB": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
}
GREY_PROFILES = {
    "linear": profile("Grey", b"GRAY"),
    "2.2": profile("Grey 2.2", b"GRAY", gamma=2.2),
}
INKS = profile("Inks", b"CMYK")


@pytest.fixture(scope="module")
def scene():
    """Smooth colours over the whole cube, 48x40, with the alpha of a window."""
    y, x = np.mgrid[0:40, 0:48]
    colours = np.stack([x / 47, y / 39, (np.sin(x / 9) * np.cos(y / 7) + 1) / 2], axis=2)
    alpha = np.where(x > 20, 255, np.where(y > 20, 128, 0)).astype(np.uint8)
    return Image.fromarray(np.rint(colours * 255).astype(np.uint8)), Image.fromarray(alpha)


def by_hand(colours, icc, alpha=None):
    """What a colour-managed viewer with white paper shows: float [H, W, 3] of 0 to 255."""
    if icc:
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
        shown = ImageCms.buildTransform(source, target, colours.mode, "RGB").apply(colours)
    else:
        shown = colours.convert("RGB")
    shown = np.asarray(shown).astype(float)
    if alpha is not None:
        opacity = np.asarray(alpha)[..., None] / 255
        shown = shown * opacity + 255 * (1 - opacity)
    return shown


def difference(pixels, expected):
    assert pixels.shape == expected.shape
    lab = rgb2lab(pixels / 255.0), rgb2lab(np.clip(expected / 255.0, 0, 1))
    return deltaE_ciede2000(*lab).mean()


def turned(image, orientation):
    """The image as it is stored with this EXIF orientation."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return image.transpose(undo[orientation]) if orientation in undo else image


def images_of_all_modes(colours, alpha):
    """(name, image, colours in the mode of the profile, alpha or None, profile, file endings)."""
    palette = colours.quantize(64)
    clear = Image.fromarray(np.where(np.asarray(palette) < 9, 0, 255).astype(np.uint8))
    grey = colours.convert("L")
    with_alpha, grey_alpha = colours.copy(), grey.copy()
    with_alpha.putalpha(alpha)
    grey_alpha.putalpha(alpha)
    lossless, any_file = ("png", "tif", "webp"), ("png", "tif", "webp", "jpg")
    for name, icc in {**RGB_PROFILES, "none": None}.items():
        yield f"RGB {name}", colours, colours, None, icc, any_file
        yield f"RGBA {name}", with_alpha, colours, alpha, icc, lossless
        yield f"P {name}", palette, palette.convert("RGB"), None, icc, ("png", "tif")
        half = palette.copy()
        half.info["transparency"] = bytes([0] * 9 + [255] * 55)
        yield f"PA {name}", half, palette.convert("RGB"), clear, icc, ("png",)
        yield f"L as RGB {name}", grey, grey.convert("RGB"), None, icc, ("png", "jpg")
    for name, icc in GREY_PROFILES.items():
        yield f"L {name}", grey, grey, None, icc, ("png", "tif", "jpg")
        yield f"LA {name}", grey_alpha, grey, alpha, icc, ("png", "tif")
        wide = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
        yield f"I;16 {name}", wide, grey, None, icc, ("png", "tif")
    inks = colours.convert("CMYK")
    yield "CMYK", inks, inks, None, INKS, ("tif", "jpg")
    yield "CMYK none", inks, inks, None, None, ("tif", "jpg")


def test_a_hundred_images_have_the_colours_of_a_managed_viewer(tmp_path, scene):
    errors, orientations = [], itertools.cycle(range(1, 9))
    for name, image, colours, alpha, icc, endings in images_of_all_modes(*scene):
        for ending in endings:
            for orientation in itertools.islice(orientations, 2):
                exif = Image.Exif()
                exif[0x0112] = orientation
                options = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}
                stored = turned(image, orientation)
                if "transparency" in image.info:
                    stored.info["transparency"] = image.info["transparency"]
                path = tmp_path / f"image.{ending}"
                if icc:
                    options.setdefault(ending, {})["icc_profile"] = icc
                stored.save(path, exif=exif, **options.get(ending, {}))
                error = difference(load_image(path), by_hand(colours, icc, alpha))
                assert error < LARGEST_DIFFERENCE, (name, ending, orientation, error)
                errors.append(error)
    assert len(errors) >= 100 and np.mean(errors) < LARGEST_DIFFERENCE


@pytest.mark.parametrize("name", [*RGB_PROFILES, *(f"grey {name}" for name in GREY_PROFILES)])
def test_the_tool_of_littlecms_makes_the_same(tmp_path, scene, name):
    if not shutil.which("tificc"):
        pytest.skip("tificc is not installed (liblcms2-utils)")
    image, icc = scene[0], RGB_PROFILES.get(name)
    if icc is None:
        image, icc = image.convert("L"), GREY_PROFILES[name.removeprefix("grey ")]
    image.save(tmp_path / "a.png", icc_profile=icc)
    image.save(tmp_path / "a.tif")
    (tmp_path / "a.icc").write_bytes(icc)
    command = ("tificc", "-i", "a.icc", "-o*sRGB", "-t0", "a.tif", "b.tif")
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with Image.open(tmp_path / "b.tif") as converted:
        expected = np.asarray(converted.convert("RGB")).astype(float)
    assert difference(load_image(tmp_path / "a.png"), expected) < LARGEST_DIFFERENCE


def write_png(path, pixels, chunks):
    extra = PngImagePlugin.PngInfo()
    for kind, *content in chunks:
        extra.add(kind, struct.pack(f">{len(content)}I", *(round(v * 1e5) for v in content)))
    Image.fromarray(pixels).save(path, pnginfo=extra)


def encoded(light):
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def test_gamma_and_chromaticities_of_png(tmp_path, scene):
    pixels = np.asarray(scene[0])
    path = tmp_path / "image.png"
    for gamma in (1.0, 1 / 1.8, 0.6):
        light = (pixels / 255) ** (1 / gamma)
        write_png(path, pixels, [(b"gAMA", gamma)])
        assert difference(load_image(path), encoded(light)) < LARGEST_DIFFERENCE
        write_png(path, pixels[..., 1], [(b"gAMA", gamma)])
        grey = encoded(light[..., 1:2].repeat(3, 2))
        assert difference(load_image(path), grey) < LARGEST_DIFFERENCE
    # Adobe RGB (1998) and sRGB have the same white, so one matrix leads from one to the other
    adobe = [[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]]
    to_srgb = [
        [3.24100, -1.53740, -0.49862],
        [-0.96924, 1.87597, 0.04156],
        [0.05563, -0.20398, 1.05697],
    ]
    light = (pixels / 255) ** (563 / 256) @ np.array(adobe).T @ np.array(to_srgb).T
    points = (b"cHRM", 0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    write_png(path, pixels, [(b"gAMA", 0.45455), points])
    assert difference(load_image(path), encoded(np.clip(light, 0, 1))) < LARGEST_DIFFERENCE


def test_what_sets_gamma_aside(tmp_path, scene):
    pixels = np.asarray(scene[0])
    path = tmp_path / "image.png"
    same = [(b"gAMA", 0.45455), (b"cHRM", 0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)]
    for chunks in (same, same[:1], [(b"gAMA", 0)], [(b"cHRM", *[0] * 8)], [(b"cHRM", *[0.3] * 8)]):
        write_png(path, pixels, chunks)
        np.testing.assert_array_equal(load_image(path), pixels)
    extra = PngImagePlugin.PngInfo()
    extra.add(b"gAMA", struct.pack(">I", 100000))
    extra.add(b"sRGB", b"\0")
    scene[0].save(path, pnginfo=extra)
    np.testing.assert_array_equal(load_image(path), pixels)


RAMP = np.arange(256).reshape(16, 16)


@pytest.mark.parametrize(
    ("samples", "options"),
    [
        (RAMP.astype(np.uint32) * 0x01010101, {}),
        (RAMP.astype(np.int32) * 0x01010101 ^ -(1 << 31), {}),
        (((RAMP - 128) * 257 + 128).astype(np.int16), {}),
        (RAMP.astype(np.uint16) * 257, {}),
        (RAMP.astype(">u2") * 257, {"byteorder": ">"}),
        ((RAMP * 4095 / 255).round().astype(np.uint16), {"extratags": [(281, 3, 1, 4095, True)]}),
        ((RAMP * 100 / 255 + 5).round().astype(np.uint32), {"extratags": [(341, 4, 1, 105, True)]}),
        (255 - RAMP.astype(np.uint16), {"photometric": "miniswhite"}),
        ((255 - RAMP).astype(np.uint16) * 257, {"photometric": "miniswhite"}),
        ((RAMP / 255).astype(np.float32), {}),
        (
            RAMP.astype(np.float32) - 100,
            {"extratags": [(340, 11, 1, -100.0, True), (341, 11, 1, 155.0, True)]},
        ),
    ],
)
def test_the_range_of_wide_samples_is_what_the_file_says(tmp_path, samples, options):
    tifffile.imwrite(tmp_path / "ramp.tif", samples, **options)
    pixels = load_image(tmp_path / "ramp.tif")
    expected = RAMP
    if samples.max() < 256 and samples.dtype.kind == "u":  # nothing tells of less than all bits
        full = 2 ** (8 * samples.dtype.itemsize) - 1
        expected = np.rint(samples * (255 / full))
        if "photometric" in options:
            expected = 255 - expected
    assert np.abs(pixels[..., 0].astype(int) - expected).max() <= 1
    assert (pixels == pixels[..., :1]).all()


@pytest.mark.parametrize("samples", [RAMP.astype(np.float32), (RAMP / 100 - 1).astype(np.float32)])
def test_floating_point_of_unknown_range_is_refused(tmp_path, samples):
    tifffile.imwrite(tmp_path / "float.tif", samples)
    with pytest.raises(ImageError, match="does not tell what is black and white"):
        load_image(tmp_path / "float.tif")


def test_transparent_grey_of_sixteen_bits(tmp_path):
    def chunk(kind, content):
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    rows = b"\0" + struct.pack(">3H", 1000, 257 * 40, 65535)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 1, 16, 0, 0, 0, 0))
    content += chunk(b"tRNS", struct.pack(">H", 1000)) + chunk(b"IDAT", zlib.compress(rows))
    pixels = load_image(content + chunk(b"IEND", b""), "grey")
    assert pixels[0, :, 0].tolist() == [255, 40, 255]


def test_damaged_profiles_leave_the_numbers(tmp_path, scene):
    colours, pixels = scene[0], np.asarray(scene[0])
    for icc in (RGB_PROFILES["wide linear"][:200], GREY_PROFILES["linear"], INKS, b"\0" * 200):
        colours.save(tmp_path / "image.png", icc_profile=icc)
        np.testing.assert_array_equal(load_image(tmp_path / "image.png"), pixels)


def test_orientation_of_reference_is_what_pillow_makes():
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    for orientation in range(1, 9):
        stored = turned(image, orientation)
        stored.getexif()[0x0112] = orientation
        np.testing.assert_array_equal(
            np.asarray(ImageOps.exif_transpose(stored)), np.asarray(image)
        )


@pytest.mark.parametrize(
    "header",
    [b"P5 {size} 65535\n", b"P5 {size} 255\n", b"Pf {size} -1.0\n", b"P6 {size} 255\n"],
    ids=["16 bits", "8 bits", "floating point", "RGB"],
)
def test_a_few_bytes_that_claim_many_pixels_take_little_memory(tmp_path, header):
    """A grey image of 16 bits or floating point took 32 bytes a pixel while it was scaled."""
    side = math.isqrt(MAXIMUM_PIXELS)
    path = tmp_path / "few.pnm"
    path.write_bytes(header.replace(b"{size}", b"%d %d" % (side, side)) + bytes(8))
    program = """
import resource, sys
from vqdeepsc.images.files import ImageError, load_image
from vqdeepsc.limits import MAXIMUM_PIXELS

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    load_image(sys.argv[1])
except ImageError as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) * 1024 < 14 * MAXIMUM_PIXELS
