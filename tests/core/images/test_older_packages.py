# SPDX-License-Identifier: GPL-3.0-or-later
"""Pillow 9.4 and matplotlib 3.6, as Debian 12 has them, lack what newer ones have."""

import io

import numpy as np
import pytest
from conftest import run_here
from matplotlib.figure import Figure
from PIL import Image, ImageFont
from vqdeepsc.images.files import load_image
from vqdeepsc.images.metrics import quality
from vqdeepsc.images.panel import PanelCell, PanelRow, build_panel

RESULTS = """image,system,channel,snr_db,source_bits,symbols,block_errors,decoded,ssim,psnr_db,seed
a.png,jpeg,awgn,5,20032,15024,0,1,0.9,30,1
a.png,jpeg,awgn,6,20032,15024,0,1,0.9,30,1
"""


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "RGB"])
def test_transparency_is_laid_on_white(monkeypatch, mode):
    monkeypatch.delattr(Image.Image, "has_transparency_data", raising=False)
    pixels = np.full((8, 8, 4), (200, 200, 200, 255), np.uint8)
    pixels[:4, :, 3] = 0
    image = Image.fromarray(pixels)
    options = {}
    if mode == "RGB":
        options["transparency"] = (200, 200, 200)
    if mode == "P":
        image = Image.fromarray((pixels[:, :, 3] // 255).astype(np.uint8), "P")
        image.putpalette([10, 20, 30, 200, 200, 200])
        options["transparency"] = 0
    else:
        image = image.convert(mode)
    content = io.BytesIO()
    image.save(content, "PNG", **options)
    loaded = load_image(content.getvalue())
    assert (loaded[:4] == 255).all()
    assert (loaded[4:] == (255 if mode == "RGB" else 200)).all()


@pytest.mark.parametrize("fonts_of_system", [True, False])
def test_a_panel_without_a_font_of_pillow(monkeypatch, photograph, fonts_of_system):
    def load_default():
        return without_sizes

    without_sizes = ImageFont.load_default_imagefont()
    monkeypatch.setattr(ImageFont, "load_default", load_default)
    if not fonts_of_system:

        def refuse(*_):
            raise OSError("cannot open resource")

        monkeypatch.setattr(ImageFont, "truetype", refuse)
    sent = photograph[:128, :128]
    row = PanelRow("ours", "detail", [PanelCell(sent, quality(sent, sent))])
    panel = np.asarray(build_panel(sent, ["4 dB"], [row], "Title"))
    # dark letters on the paper above the images
    assert (panel[:60].max(axis=2) < 100).sum() > 50


def test_a_plot_without_a_legend_outside(monkeypatch, capfd, tmp_path):
    legend = Figure.legend

    def refuse(self, *arguments, loc, **options):
        if loc.startswith("outside"):
            raise ValueError(f"{loc!r} is not a valid value for loc")
        return legend(self, *arguments, loc=loc, **options)

    monkeypatch.setattr(Figure, "legend", refuse)
    (tmp_path / "results.csv").write_text(RESULTS)
    figure = tmp_path / "figure.svg"
    done = run_here(capfd, "plot", tmp_path / "results.csv", "-o", figure)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'id="legend_1"' in figure.read_text()
