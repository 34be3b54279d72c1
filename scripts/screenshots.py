# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw docs/panel.png, docs/companion.png, docs/receive_web.png and running examples again.

Wants the module installed in prefix/ (make install), Xvfb and Chromium.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import skimage.data
from vqdeepsc.images.files import load_image

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "support"))
from browser import Browser  # noqa: E402 # the tests have it

PREFIX = ROOT / "prefix"
EXAMPLES = ROOT / "examples"
FLOWGRAPH = EXAMPLES / "awgn_loopback.grc"
SAMPLE_IMAGE = "vqdeepsc.sample_image()"
# Which examples are drawn while they run, and how large.
WINDOWS = {"awgn_loopback": "1500x560", "live_loopback": "1300x900"}
SCREEN = (1640, 980)
# Companion reads its block library before it draws.
COMPANION_SECONDS = 400
SETTLE_SECONDS = 8
# The page of receive --web: photographs of scikit-image, noise of I and of Q, seconds that all may
# take to be decoded, pixels.
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea")
PAGE_NOISE = 0.05
PAGE_SECONDS = 200
PAGE = (680, 880)
GRAB = "from PyQt5 import Qt; import sys; a = Qt.QApplication([]); \
a.primaryScreen().grabWindow(0).save(sys.argv[1])"

# Companion, whose tree of blocks is searched for ours as a user would.
COMPANION = """
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk
from gnuradio.grc.main import main

def search():
    application = Gtk.Application.get_default()
    windows = application.get_windows() if application else []
    for window in windows:
        window.btwin.search_entry.set_text("vqdeepsc")
    return not windows

GLib.timeout_add(500, search)
main()
"""


def grab(path: Path) -> None:
    """Save the screen of the present display."""
    subprocess.run([sys.executable, "-c", GRAB, path], check=True)


def grab_companion(flowgraph: Path, path: Path) -> None:
    """Open a flowgraph in Companion on the present display and save the screen."""
    companion = subprocess.Popen(
        [sys.executable, "-c", COMPANION, flowgraph],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + COMPANION_SECONDS
        drawn = False
        while not drawn and time.monotonic() < deadline:
            time.sleep(2)
            grab(path)
            drawn = np.unique(load_image(path)).size > 2
        if not drawn:
            sys.exit(f"Companion has shown nothing in {COMPANION_SECONDS} seconds.")
        time.sleep(SETTLE_SECONDS)
        grab(path)
    finally:
        companion.kill()
        companion.wait()


def grab_page(folder: Path, path: Path) -> None:
    """Save what `receive --web` shows after three images with noise."""
    command = PREFIX / "bin" / "vqdeepsc"
    photographs = [Path(skimage.data.__file__).parent / f"{name}.png" for name in PHOTOGRAPHS]
    sent = folder / "sent.cf32"
    transmit = [command, "transmit", *photographs, "--radio", "file", "--device", sent]
    subprocess.run([*transmit, "--first-image", "1"], check=True)
    samples = np.fromfile(sent, np.complex64)
    noise = np.random.default_rng(1).normal(size=(samples.size, 2)).astype(np.float32)
    noisy = samples + PAGE_NOISE * noise.view(np.complex64)[:, 0]
    (folder / "noisy.cf32").write_bytes(noisy.astype(np.complex64).tobytes())
    radio = ["--radio", "file", "--device", folder / "noisy.cf32", "--follow"]
    output = folder / "received"
    receiver = subprocess.Popen(
        [command, "receive", *radio, "--output", output, "--web", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = receiver.stdout.readline().split()[-1]
        with Browser(address, folder / "profile", *PAGE) as browser:
            loaded = (
                "[...document.querySelectorAll('#images img')].filter((i) => i.complete).length"
            )
            if not browser.wait_for(f"{loaded} == {len(PHOTOGRAPHS)}", PAGE_SECONDS):
                sys.exit(f"The page has not shown the images in {PAGE_SECONDS} seconds.")
            browser.screenshot(path)
    finally:
        receiver.terminate()
        receiver.wait()


def on_virtual_screen(*command: object, environment: dict[str, str]) -> None:
    screen = f"-screen 0 {SCREEN[0]}x{SCREEN[1]}x24"
    words = ["xvfb-run", "-a", "-s", screen, *map(str, command)]
    subprocess.run(words, check=True, env=environment)


def main() -> int:
    if sys.argv[1:2] == ["--companion"]:
        grab_companion(Path(sys.argv[2]), Path(sys.argv[3]))
        return 0
    docs = ROOT / "docs"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        preferences = folder / "grc.conf"
        width, height = SCREEN
        preferences.write_text(
            f"[main]\nmain_window_width = {width}\nmain_window_height = {height}\n"
            f"blocks_window_position = {width - 260}\nconsole_window_position = {height - 60}\n"
        )
        environment = {
            **os.environ,
            "HOME": name,
            "GRC_PREFS_PATH": str(preferences),
            "GRC_BLOCKS_PATH": str(PREFIX / "share" / "gnuradio" / "grc" / "blocks"),
        }
        subprocess.run([PREFIX / "bin" / "vqdeepsc", "demo", "--output", folder], check=True)
        shutil.copy(folder / "panel.png", docs / "panel.png")
        grab_page(folder, docs / "receive_web.png")
        for name, size in WINDOWS.items():
            subprocess.run(
                [sys.executable, shutil.which("grcc"), "-o", folder, EXAMPLES / f"{name}.grc"],
                check=True,
                env=environment,
            )
            on_virtual_screen(
                sys.executable,
                ROOT / "scripts" / "run_gui_example.py",
                folder / f"{name}.py",
                *("--screenshot", docs / f"{name}.png", "--size", size),
                environment=environment,
            )
        # Companion shows what the image's path is on this machine, which concerns nobody.
        shown = folder / FLOWGRAPH.name
        shown.write_text(FLOWGRAPH.read_text().replace(SAMPLE_IMAGE, "'\"photograph.jpg\"'"))
        on_virtual_screen(
            sys.executable,
            Path(__file__),
            *("--companion", shown, docs / "companion.png"),
            environment=environment,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
