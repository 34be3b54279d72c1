# SPDX-License-Identifier: GPL-3.0-or-later
"""Image display: pixels of the widget, and messages that cannot be shown."""

import os
import time

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np
import pmt
from flowgraph import photograph
from gnuradio import gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import image_to_pdu
from gnuradio.vqdeepsc.blocks.image_display import image_display
from PyQt5 import Qt, sip

PORT = pmt.intern("images")
SECONDS = 60
SIDE = 256
"""An image as large as the widget is shown pixel by pixel."""


class QaImageDisplay(gr_unittest.TestCase):
    def setUp(self):
        self.application = Qt.QApplication.instance() or Qt.QApplication([])
        self.top = gr.top_block()
        self.display = image_display("received")
        self.inbox = self.display.to_basic_block()
        self.decoder = vqdeepsc.semantic_decoder()
        self.top.msg_connect(self.decoder, "images", self.display, "images")
        self.widget = self.display.qwidget()
        self.label = self.widget.findChild(Qt.QLabel)
        self.label.setFixedSize(SIDE, SIDE)
        self.widget.show()
        self.top.start()

    def tearDown(self):
        self.top.stop()
        self.top.wait()

    def wait_until(self, condition):
        deadline = time.monotonic() + SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline, "it never came")
            self.application.processEvents()
            time.sleep(0.01)

    def shown(self) -> np.ndarray:
        """uint8 [H, W, 3] of what the widget shows."""
        image = self.label.pixmap().toImage().convertToFormat(Qt.QImage.Format_RGB888)
        rows = image.constBits().asstring(image.sizeInBytes())
        table = np.frombuffer(rows, np.uint8).reshape(image.height(), image.bytesPerLine())
        return table[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)

    def shows(self, image: np.ndarray) -> bool:
        return self.label.pixmap() is not None and np.array_equal(self.shown(), image)

    def test_shows_the_newest_image(self):
        first = photograph(SIDE, SIDE)
        for image in (first, 255 - first):
            self.inbox._post(PORT, image_to_pdu(image, 1))
            self.wait_until(lambda image=image: self.shows(image))

    def test_a_wide_image_keeps_its_proportions(self):
        self.inbox._post(PORT, image_to_pdu(photograph(512, 128), 1))
        self.wait_until(lambda: self.label.pixmap() is not None)
        self.assertEqual(self.shown().shape, (64, 256, 3))

    def test_what_is_no_image_is_passed_over(self):
        image = photograph(SIDE, SIDE)
        self.inbox._post(PORT, pmt.intern("no image"))
        self.inbox._post(PORT, image_to_pdu(image, 1))
        self.wait_until(lambda: self.shows(image))

    def test_images_after_the_window_was_closed_are_taken(self):
        sip.delete(self.label)
        for number in range(2):
            self.inbox._post(PORT, image_to_pdu(photograph(16, 16), number))
        self.wait_until(lambda: not self.inbox.nmsgs(PORT))


if __name__ == "__main__":
    gr_unittest.run(QaImageDisplay)
