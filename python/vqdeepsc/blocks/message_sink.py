# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks that end a chain of messages, and what a flowgraph leaves behind."""

from collections.abc import Iterator

import pmt
from gnuradio import gr


def waiting_messages(block: gr.basic_block, port: str) -> Iterator[pmt.pmt_base]:
    """Messages that wait at a port of a block, taken away; the flowgraph has ended.

    Word that it ends may overtake messages, which then wait for ever."""
    inbox, name = block.to_basic_block(), pmt.intern(port)
    while inbox.nmsgs(name):
        yield inbox.delete_head_nowait(name)


class message_sink(gr.basic_block):
    """A block with one message port and a thread of its own; a subclass takes the messages.

    :param name: of the block
    :param port: at which messages come
    """

    def __init__(self, name: str, port: str) -> None:
        gr.basic_block.__init__(self, name, None, None)
        self._port = port
        self.message_port_register_in(pmt.intern(port))
        self.set_msg_handler(pmt.intern(port), self._take)

    def _take(self, message: pmt.pmt_base) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """Take what the scheduler left; call it when the flowgraph has ended."""
        for message in waiting_messages(self, self._port):
            self._take(message)
