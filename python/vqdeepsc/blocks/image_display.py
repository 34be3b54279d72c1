# SPDX-License-Identifier: GPL-3.0-or-later
"""A Qt widget that shows the newest image."""

import numpy as np
import pmt
from gnuradio import gr
from numpy.typing import NDArray
from PyQt5 import Qt

from .frames import FrameError, pdu_to_image


class _ImageLabel(Qt.QLabel):
    """Shows RGB images, scaled to the widget's size. Signals cross from the block's thread."""

    arrived = Qt.pyqtSignal(object)

    def __init__(self, title: str, parent: Qt.QWidget | None) -> None:
        super().__init__(title, parent)
        self.setAlignment(Qt.Qt.AlignCenter)
        self.setMinimumSize(256, 256)
        self.setSizePolicy(Qt.QSizePolicy.Expanding, Qt.QSizePolicy.Expanding)
        self._pixmap: Qt.QPixmap | None = None
        self.arrived.connect(self._show)

    def _show(self, image: NDArray[np.uint8]) -> None:
        height, width = image.shape[:2]
        # QImage refers to the bytes, QPixmap copies them.
        view = Qt.QImage(image.tobytes(), width, height, 3 * width, Qt.QImage.Format_RGB888)
        self._pixmap = Qt.QPixmap.fromImage(view)
        self._fit()

    def _fit(self) -> None:
        if self._pixmap is not None:
            self.setPixmap(
                self._pixmap.scaled(self.size(), Qt.Qt.KeepAspectRatio, Qt.Qt.SmoothTransformation)
            )

    def resizeEvent(self, event: Qt.QResizeEvent) -> None:  # noqa: N802
        self._fit()
        super().resizeEvent(event)


class image_display(gr.basic_block):
    """Shows each image PDU at the message port ``images`` in a Qt window.

    A PDU that is no image is logged and skipped.

    :param title: what stands above the image
    :param parent: the Qt widget around it
    """

    def __init__(self, title: str = "", parent: Qt.QWidget | None = None) -> None:
        gr.basic_block.__init__(self, "image_display", None, None)
        self._box = Qt.QGroupBox(title, parent)
        self._label = _ImageLabel("no image yet", self._box)
        layout = Qt.QVBoxLayout(self._box)
        layout.addWidget(self._label)
        port = pmt.intern("images")
        self.message_port_register_in(port)
        self.set_msg_handler(port, self._take_image)

    def qwidget(self) -> Qt.QWidget:
        """The widget for the flowgraph's layout."""
        return self._box

    def _take_image(self, pdu: pmt.pmt_base) -> None:
        try:
            self._label.arrived.emit(pdu_to_image(pdu)[0])
        except FrameError as error:
            self.logger.error(f"image PDU skipped: {error}")
        except Exception as error:
            # The scheduler swallows what a handler raises.
            self.logger.error(f"image not shown: {error}")
