/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/vqdeepsc/ldpc_fec_decoder.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_ldpc_fec_decoder(py::module& m)
{
    using gr::vqdeepsc::ldpc_fec_decoder;
    py::class_<ldpc_fec_decoder, gr::fec::generic_decoder, std::shared_ptr<ldpc_fec_decoder>>(
        m,
        "ldpc_fec_decoder",
        "The 5G NR LDPC decoder (3GPP TS 38.212 5) for the blocks of gnuradio.fec.\n\n"
        "coded_bits floats with LLR = ln P(1)/P(0) become payload_bits bytes with one bit each;\n"
        "shorter frames keep the rate. ValueError for parameters out of range.")
        .def(py::init(&ldpc_fec_decoder::make),
             py::arg("payload_bits"),
             py::arg("coded_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("redundancy_version") = 0,
             py::arg("iterations") = 20);
}
