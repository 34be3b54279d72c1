#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws graphics as people send them: text, test cards, diagrams, screenshots, call-sign cards.

The images are the same for the same seed, Pillow and NumPy, since Pillow's own font is used. They
need no licence. `--split test` and `--split train` draw from seeds that never meet.
"""

from __future__ import annotations

import argparse
import colorsys
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

WORDS = """
antenna band beacon carrier channel code contest decode dipole distance echo fading filter
frame frequency gain ground image index locator meter mixer mode noise path phase picture
pilot power radio receiver region report samples satellite signal station symbol tower
transmitter tuner wave weather window
""".split()  # noqa: SIM905
SPLITS = {"train": 0, "test": 1 << 32}
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


class Sheet:
    """An image that is being drawn, with what all kinds of graphics need."""

    def __init__(self, seed: int, width: int, height: int) -> None:
        self.random = np.random.default_rng(seed)
        self.size = self.width, self.height = width, height
        self.dark = bool(self.random.random() < 0.3)
        self.paper = self.pastel() if self.random.random() < 0.4 else WHITE
        self.ink = BLACK
        if self.dark:
            self.paper, self.ink = self.shade(0.05, 0.2), self.shade(0.8, 1.0)
        self.image = Image.new("RGB", self.size, self.paper)
        self.pen = ImageDraw.Draw(self.image)

    def integer(self, low: int, high: int) -> int:
        """One of low to high, both possible."""
        return int(self.random.integers(low, max(low, high) + 1))

    def shade(self, low: float, high: float) -> Colour:
        """A grey of a little colour."""
        value = self.random.uniform(low, high)
        return self.colour(float(self.random.random()), 0.08, value)

    def pastel(self) -> Colour:
        return self.colour(float(self.random.random()), self.random.uniform(0.03, 0.15), 1.0)

    def bright(self) -> Colour:
        """A colour that stands out on this paper."""
        value = self.random.uniform(0.75, 1.0) if self.dark else self.random.uniform(0.4, 0.85)
        return self.colour(float(self.random.random()), self.random.uniform(0.6, 1.0), value)

    def ink_on(self, fill: Colour | None) -> Colour:
        """What is read on a colour, or on the paper."""
        if fill is None:
            return self.ink
        return BLACK if np.dot(fill, (0.3, 0.59, 0.11)) > 110 else WHITE

    @staticmethod
    def colour(hue: float, saturation: float, value: float) -> Colour:
        red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
        return round(255 * red), round(255 * green), round(255 * blue)

    def words(self, count: int) -> str:
        return " ".join(self.random.choice(WORDS, count))

    def number(self) -> str:
        return f"{self.random.uniform(0, 500):.{self.integer(0, 3)}f}"

    def call_sign(self) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        pick = [letters[self.integer(0, 25)] for _ in range(self.integer(3, 5))]
        head = self.integer(1, 2)
        return "".join(pick[:head]) + str(self.integer(0, 9)) + "".join(pick[head:])

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        fill: Colour | None = None,
        anchor: str = "la",
    ) -> float:
        """Writes text of size pixels; returns how wide it is."""
        font = ImageFont.load_default(size)
        self.pen.text((x, y), text, fill or self.ink, font, anchor)
        return font.getlength(text)

    def lines(self, x: float, y: float, right: float, bottom: float, size: float) -> None:
        """Fills a rectangle with lines of words."""
        font = ImageFont.load_default(size)
        while y + size < bottom:
            line = self.words(3)
            while font.getlength(f"{line} {WORDS[-1]}") < right - x:
                line = f"{line} {self.words(1)}"
            if font.getlength(line) <= right - x:
                self.pen.text((x, y), line, self.ink, font)
            y += 1.3 * size

    def gradient(self, box: tuple[int, int, int, int]) -> None:
        """A field from one colour to another, along either side."""
        width, height = box[2] - box[0], box[3] - box[1]
        if width < 1 or height < 1:
            return
        ends = np.array([self.bright(), self.bright()], float)
        share = np.linspace(0, 1, width)[None, :, None]
        if self.random.random() < 0.5:
            share = np.linspace(0, 1, height)[:, None, None]
        field = ends[0] + (ends[1] - ends[0]) * np.broadcast_to(share, (height, width, 1))
        self.image.paste(Image.fromarray(np.rint(field).astype(np.uint8)), box[:2])


def page(sheet: Sheet) -> None:
    """Text of one size, 8 to 20 pixels, below a title."""
    size = sheet.integer(8, 20)
    margin = sheet.integer(3, 10)
    title = 1.5 * size
    sheet.text(margin, margin, sheet.words(2).title(), title, sheet.bright())
    box = (margin, margin + 1.4 * title, sheet.width - margin, sheet.height - margin)
    sheet.lines(*box, size)


def test_card(sheet: Sheet) -> None:
    """Colour bars, grey steps, frequency gratings, a circle, a grid and a name."""
    width, height = sheet.size
    bars = [(1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1), (0, 0, 0)]
    level = sheet.integer(190, 255)
    for number, bar in enumerate(bars):
        left, right = (round(width * n / len(bars)) for n in (number, number + 1))
        fill = tuple(level * part for part in bar)
        sheet.pen.rectangle((left, 0, right, height * 0.45), fill)
    steps = sheet.integer(6, 16)
    for number in range(steps):
        left, right = (round(width * n / steps) for n in (number, number + 1))
        grey = round(255 * number / (steps - 1))
        sheet.pen.rectangle((left, height * 0.45, right, height * 0.6), (grey, grey, grey))
    x = np.arange(width)
    period = 2 + 14 * x / width
    grating = np.rint(127.5 + 127.5 * np.sign(np.sin(2 * np.pi * np.cumsum(1 / period))))
    band = np.broadcast_to(grating.astype(np.uint8)[None, :, None], (height // 6, width, 3))
    sheet.image.paste(Image.fromarray(np.ascontiguousarray(band)), (0, round(height * 0.6)))
    sheet.gradient((0, round(height * 0.6) + height // 6, width, height))
    radius = 0.45 * min(width, height)
    middle = width / 2, height / 2
    circle = (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius)
    sheet.pen.ellipse(circle, outline=WHITE, width=sheet.integer(1, 2))
    sheet.text(*middle, f" {sheet.call_sign()} ", min(width, height) / 7, WHITE, "mm")


def diagram(sheet: Sheet) -> None:
    """A plot with axes and curves, or boxes with arrows."""
    width, height = sheet.size
    size = sheet.integer(8, 12)
    if sheet.random.random() < 0.5:
        left, bottom, top = 3 * size, height - 2 * size, 2 * size
        sheet.text(width / 2, 2, sheet.words(3), size, anchor="ma")
        sheet.pen.line([(left, top), (left, bottom), (width - size, bottom)], sheet.ink)
        for number in range(5):
            y = bottom - (bottom - top) * number / 4
            x = left + (width - size - left) * number / 4
            sheet.pen.line([(left, y), (width - size, y)], sheet.shade(0.6, 0.8))
            sheet.text(left - 2, y, f"{number * 5}", size, anchor="rm")
            sheet.text(x, bottom + 2, f"{number * 2}", size, anchor="ma")
        x = np.linspace(left, width - size, 60)
        for _ in range(sheet.integer(1, 4)):
            slope, middle = sheet.random.uniform(0.02, 0.2), sheet.random.uniform(left, width)
            y = bottom - (bottom - top) * 0.95 / (1 + np.exp(-slope * (x - middle)))
            points = list(zip(x.tolist(), y.tolist(), strict=True))
            sheet.pen.line(points, sheet.bright(), sheet.integer(1, 2))
        return
    columns = sheet.integer(2, 3)
    rows = sheet.integer(2, 4)
    wide, high = width / columns, height / rows
    for row in range(rows):
        for column in range(columns):
            x, y = (column + 0.5) * wide, (row + 0.5) * high
            box = (x - 0.38 * wide, y - 0.28 * high, x + 0.38 * wide, y + 0.28 * high)
            fill = sheet.bright() if sheet.random.random() < 0.4 else None
            sheet.pen.rounded_rectangle(box, 3, fill, sheet.ink)
            sheet.text(x, y, sheet.words(1), size, sheet.ink_on(fill), "mm")
            if column + 1 < columns:
                tip = (column + 1.12) * wide
                sheet.pen.line([(box[2], y), (tip, y)], sheet.ink)
                sheet.pen.polygon([(tip, y), (tip - 4, y - 3), (tip - 4, y + 3)], sheet.ink)


def screenshot(sheet: Sheet) -> None:
    """A window with a title bar, a list, buttons, text and a waterfall."""
    width, height = sheet.size
    size = sheet.integer(8, 11)
    bar = round(1.8 * size)
    sheet.pen.rectangle((0, 0, width, bar), sheet.bright())
    sheet.text(4, bar / 2, sheet.words(2), size, WHITE, "lm")
    for number, dot in enumerate(((230, 80, 70), (240, 190, 60), (90, 190, 90))):
        right = width - 4 - number * size
        sheet.pen.ellipse((right - size + 3, bar / 2 - 3, right - 2, bar / 2 + 3), dot)
    side = round(width * sheet.random.uniform(0.25, 0.4))
    sheet.pen.rectangle(
        (0, bar + 1, side, height), sheet.shade(0.25, 0.35) if sheet.dark else (232, 234, 238)
    )
    chosen = sheet.integer(0, 4)
    for number in range(int((height - bar) // (1.6 * size))):
        y = bar + 4 + 1.6 * size * number
        fill = sheet.bright() if number == chosen else None
        if fill:
            sheet.pen.rectangle((1, y - 2, side - 1, y + 1.3 * size), fill)
        sheet.text(4, y, sheet.words(1), size, sheet.ink_on(fill))
    split = bar + round((height - bar) * sheet.random.uniform(0.35, 0.6))
    rows, columns = height - split, width - side - 1
    levels = sheet.random.gamma(2, 0.08, (rows, columns))
    for _ in range(sheet.integer(1, 4)):
        at = sheet.integer(0, columns - 1)
        levels[:, at : at + sheet.integer(1, 6)] += sheet.random.uniform(0.3, 0.7)
    levels = levels.clip(0, 1)
    waterfall = np.stack([levels**2, levels**1.2, 0.35 + 0.4 * np.sqrt(levels)], axis=2)
    rows = Image.fromarray(np.rint(255 * waterfall.clip(0, 1)).astype(np.uint8))
    sheet.image.paste(rows, (side + 1, split))
    sheet.lines(side + 5, bar + 4, width - 3, split - 2 * size, size)
    button = sheet.words(1).title()
    box = (side + 5, split - 1.8 * size, side + 5 + 5 * size, split - 3)
    sheet.pen.rounded_rectangle(
        box, 2, sheet.shade(0.3, 0.5) if sheet.dark else (225, 225, 225), sheet.ink
    )
    sheet.text((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, button, size - 1, anchor="mm")


def call_sign_card(sheet: Sheet) -> None:
    """A card with a large call sign on a sky and hills, and a report."""
    width, height = sheet.size
    sheet.gradient((0, 0, width, height))
    x = np.arange(width)
    for level in (0.55, 0.7):
        hills = height * (
            level + 0.1 * np.sin(x / sheet.random.uniform(15, 50) + sheet.random.uniform(0, 6))
        )
        points = [(0, height), *zip(x.tolist(), hills.tolist(), strict=True), (width, height)]
        sheet.pen.polygon(points, sheet.bright())
    mast = sheet.integer(width // 8, width // 3)
    top = height * 0.25
    for number in range(6):
        y, next_y = (top + (height - top) * n / 6 for n in (number, number + 1))
        sheet.pen.line([(mast - 5, next_y), (mast + 5, y)], BLACK)
        sheet.pen.line([(mast + 5, next_y), (mast - 5, y)], BLACK)
    sheet.pen.line([(mast - 5, top), (mast - 5, height)], BLACK)
    sheet.pen.line([(mast + 5, top), (mast + 5, height)], BLACK)
    call = sheet.call_sign()
    size = min(height / 3.2, 0.9 * width / ImageFont.load_default(1).getlength(call))
    for shift, fill in ((2, BLACK), (0, (255, 240, 120))):
        sheet.text(width / 2 + shift, height * 0.08 + shift, call, size, fill, "ma")
    small = max(8.0, height / 13)
    box = (width * 0.35, height - 3.6 * small, width - 3, height - 3)
    sheet.pen.rectangle(box, WHITE, BLACK)
    report = f"{sheet.call_sign()} 59{sheet.integer(1, 9)}"
    sheet.text(box[0] + 3, box[1] + 2, report, small, BLACK)
    sheet.text(box[0] + 3, box[1] + 2 + 1.5 * small, f"{sheet.number()} MHz", small, BLACK)


KINDS: dict[str, Callable[[Sheet], None]] = {
    "text": page,
    "test-card": test_card,
    "diagram": diagram,
    "screenshot": screenshot,
    "call-sign": call_sign_card,
}


def draw(kind: str, seed: int, width: int, height: int) -> Image.Image:
    """A graphic of one of KINDS, RGB, width and height at least 96 pixels."""
    sheet = Sheet(seed, width, height)
    KINDS[kind](sheet)
    return sheet.image


def main(argv: list[str] | None = None) -> int:
    """Writes FOLDER/KIND-NUMBER.png; the kinds take turns."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="made if it is not there")
    parser.add_argument("--count", type=int, default=40, help="number of images")
    parser.add_argument("--width", type=int, default=256, help="pixels, at least 96")
    parser.add_argument("--height", type=int, default=256, help="pixels, at least 96")
    parser.add_argument("--seed", type=int, default=0, help="of the first image")
    parser.add_argument("--split", choices=SPLITS, default="test", help="what they are for")
    arguments = parser.parse_args(argv)
    if min(arguments.width, arguments.height) < 96 or arguments.count < 1 or arguments.seed < 0:
        parser.error("at least one image of 96x96 pixels, and a seed of at least 0")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.count):
        kind = list(KINDS)[number % len(KINDS)]
        seed = SPLITS[arguments.split] + arguments.seed + number
        image = draw(kind, seed, arguments.width, arguments.height)
        image.save(arguments.folder / f"{kind}-{number:04d}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
