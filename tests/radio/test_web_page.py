# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc receive --web`: the page, its events and its images."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from browser import CHROMIUM, Browser
from conftest import assert_one_sentence, run_command, run_here
from gnuradio.vqdeepsc.radio.web import WebPage, parse_address
from vqdeepsc.errors import ParameterError
from vqdeepsc.images.files import save_image


def fetch(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read(), answer.headers


def status(url, **headers):
    with pytest.raises(urllib.error.HTTPError) as error:
        fetch(url, **headers)
    return error.value.code


def read_events(page, count, **headers):
    request = urllib.request.Request(page.url + "events", headers=headers)
    found = []
    with urllib.request.urlopen(request, timeout=10) as answer:
        while len(found) < count:
            line = answer.readline().decode()
            if line.startswith("data: "):
                found.append(json.loads(line[6:]))
    return found


@pytest.fixture
def page():
    with WebPage("0") as page:
        yield page


@pytest.fixture
def image_file(tmp_path, photograph):
    save_image(tmp_path / "sent.png", photograph[:128, :128])
    return tmp_path / "sent.png"


def test_addresses():
    assert parse_address("8080") == ("127.0.0.1", 8080)
    assert parse_address("0.0.0.0:80") == ("0.0.0.0", 80)
    assert parse_address("[::1]:80") == ("::1", 80)
    for text in ("", "http", "localhost:", "1.2.3.4:99999"):
        with pytest.raises(ParameterError, match="is no address"):
            parse_address(text)


def test_events_come_in_order_and_again_from_where_they_broke_off(page):
    for i in range(5):
        page.add({"time": "now", "event": "burst", "snr_db": float(i)})
    assert [event["snr_db"] for event in read_events(page, 5)] == [0, 1, 2, 3, 4]
    rest = read_events(page, 2, **{"Last-Event-ID": "2"})
    assert [event["snr_db"] for event in rest] == [3, 4]
    log, headers = fetch(page.url + "log")
    assert len(log.splitlines()) == 5
    assert "attachment" in headers["Content-Disposition"]


def test_images_of_the_log_and_no_other_file(page, image_file):
    page.add({"time": "now", "event": "end"})
    page.add({"time": "now", "event": "image", "file": str(image_file)})
    number = read_events(page, 2)[1]["link"]
    content, headers = fetch(f"{page.url}images/{number}")
    assert content == image_file.read_bytes()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for path in ("images/99", "images/..%2Fsent.png", f"images/{image_file}", "etc/passwd"):
        assert status(page.url + path) == 404
    image_file.unlink()
    assert status(f"{page.url}images/{number}") == 404


def test_a_foreign_name_for_loopback_is_refused(page):
    assert status(page.url, Host="evil.example") == 403
    assert fetch(page.url, Host="localhost")[0].startswith(b"<!DOCTYPE html>")


def test_an_address_in_use_is_one_sentence(page, capfd, tmp_path):
    radio = ("--radio", "file", "--device", "none.cf32", "--output", tmp_path / "out")
    done = run_here(capfd, "receive", *radio, "--web", str(page.port))
    assert_one_sentence(done, str(page.port), "in use")


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
def test_a_browser_shows_what_a_receiver_decodes(tmp_path, image_file):
    radio = ("--radio", "zmq", "--device", f"ipc://{tmp_path}/samples")
    program = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
    command = ["receive", *radio, "--output", tmp_path / "out", "--web", "0"]
    receiver = subprocess.Popen(
        [sys.executable, "-u", "-c", program, *map(str, command)], stdout=subprocess.PIPE, text=True
    )
    try:
        url = receiver.stdout.readline().split()[-1]
        sent = run_command("transmit", image_file, *radio)
        assert sent.returncode == 0, sent.stderr
        with Browser(url, tmp_path / "profile") as browser:
            assert browser.wait_for("document.querySelector('#images img')?.naturalWidth") == 128
            shown = browser.evaluate("document.body.innerText")
            assert browser.evaluate("document.body.scrollWidth") <= 400
        receiver.send_signal(signal.SIGINT)
        assert receiver.wait(60) == 0
    finally:
        receiver.kill()
        receiver.wait()
    assert "live" in shown
    assert "128×128, 1 of 1 regions" in shown
    assert "0 of 5" in shown
