/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/hier_block2.h>
#include <memory>
#include <pybind11/pybind11.h>
#include <string>

namespace py = pybind11;

void bind_hier_ports(py::module& m)
{
    m.def(
        "connect_hier_output",
        [](gr::hier_block2& hier, const gr::basic_block_sptr& block, const std::string& port) {
            // GNU Radio keeps what is connected in the hier block. Were that the hier block itself,
            // it would own itself and never go away, so it gets a pointer that owns nothing.
            const gr::basic_block_sptr self(std::shared_ptr<gr::basic_block>(), &hier);
            hier.msg_connect(block, port, self, port);
        },
        py::arg("hier"),
        py::arg("block"),
        py::arg("port"),
        "Connects a message port of a block inside a hier block to the hier block's port of that "
        "name.");
}
