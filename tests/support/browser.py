# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium that a test asks questions, over its DevTools protocol."""

import asyncio
import base64
import json
import shutil
import subprocess
import time
import urllib.request

from tornado.websocket import websocket_connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """A page in Chromium; a context. profile: an empty folder; width, height: in pixels."""

    def __init__(self, url, profile, width=400, height=900):
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        options += [f"--window-size={width},{height}", f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [CHROMIUM, *options, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._address = profile / "DevToolsActivePort"
        self._metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def evaluate(self, expression):
        """The value of a JavaScript expression."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=60):
        """Evaluates until it is true; what it was at the end."""
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(expression)) and time.monotonic() < deadline:
            time.sleep(0.2)
        return value

    def screenshot(self, path):
        content = self._call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(content))

    def _call(self, method, **parameters):
        return asyncio.run(self._ask(method, parameters))

    async def _ask(self, method, parameters):
        deadline = time.monotonic() + 60
        while not (pages := self._pages()) and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        connection = await websocket_connect(pages[0]["webSocketDebuggerUrl"])
        for message in (
            {"id": 1, "method": "Emulation.setDeviceMetricsOverride", "params": self._metrics},
            {"id": 2, "method": method, "params": parameters},
        ):
            await connection.write_message(json.dumps(message))
        while (answer := json.loads(await connection.read_message())).get("id") != 2:
            pass
        connection.close()
        return answer["result"]

    def _pages(self):
        try:
            port = self._address.read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=10) as answer:
                return [page for page in json.load(answer) if page["type"] == "page"]
        except (OSError, IndexError):
            return []
