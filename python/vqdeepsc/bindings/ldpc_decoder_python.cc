/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport_blocks_caster.h"
#include <gnuradio/vqdeepsc/ldpc_decoder.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

void bind_ldpc_decoder(py::module& m)
{
    using gr::vqdeepsc::ldpc_decoder;
    py::class_<ldpc_decoder, gr::block, gr::basic_block, std::shared_ptr<ldpc_decoder>>(
        m,
        "ldpc_decoder",
        "Decodes frames of LLRs ln P(1)/P(0) of 5G NR LDPC transport blocks (3GPP TS 38.212 5).\n\n"
        "Input: floats. Output: for each payload bit its a-posteriori LLR (soft_output) or a\n"
        "byte with its decision. For every frame the message port frames publishes crc_ok,\n"
        "block_errors, blocks, iterations (mean), block_crc_ok and block_iterations (of each code\n"
        "block); a frame tag that is a dictionary gains the same. transport_blocks: as at the\n"
        "encoder.\n"
        "ValueError for parameters out of range.")
        .def(py::init(&ldpc_decoder::make),
             py::arg("payload_bits"),
             py::arg("coded_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("redundancy_version") = 0,
             py::arg("iterations") = 20,
             py::arg("soft_output") = true,
             py::arg("frame_tag") = "frame",
             py::arg("transport_blocks") = py::tuple())
        .def("set_iterations",
             &ldpc_decoder::set_iterations,
             py::arg("iterations"),
             "The most iterations that a code block gets; acts from the next frame on.")
        .def("iterations", &ldpc_decoder::iterations);
}
