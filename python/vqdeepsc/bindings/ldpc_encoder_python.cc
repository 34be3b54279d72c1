/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport_blocks_caster.h"
#include <gnuradio/vqdeepsc/ldpc_encoder.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

void bind_ldpc_encoder(py::module& m)
{
    using gr::vqdeepsc::ldpc_encoder;
    py::class_<ldpc_encoder, gr::block, gr::basic_block, std::shared_ptr<ldpc_encoder>>(
        m,
        "ldpc_encoder",
        "Encodes frames of payload bits as 5G NR LDPC transport blocks (3GPP TS 38.212 5).\n\n"
        "Input and output: bytes with one bit each. A frame of payload_bits begins at an item\n"
        "with the tag frame_tag (an empty string: frames follow each other from the first item\n"
        "on) and becomes exactly coded_bits. transport_blocks: as transport_blocks() of this\n"
        "package gives them, or (payload bits, coded bits) of each, in order and in whole\n"
        "symbols; empty for a single one. ValueError for parameters out of range.")
        .def(py::init(&ldpc_encoder::make),
             py::arg("payload_bits"),
             py::arg("coded_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("redundancy_version") = 0,
             py::arg("frame_tag") = "frame",
             py::arg("transport_blocks") = py::tuple());
}
