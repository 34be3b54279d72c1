/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/vqdeepsc/ldpc_fec_encoder.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_ldpc_fec_encoder(py::module& m)
{
    using gr::vqdeepsc::ldpc_fec_encoder;
    py::class_<ldpc_fec_encoder, gr::fec::generic_encoder, std::shared_ptr<ldpc_fec_encoder>>(
        m,
        "ldpc_fec_encoder",
        "The 5G NR LDPC encoder (3GPP TS 38.212 5) for the blocks of gnuradio.fec.\n\n"
        "payload_bits bytes with one bit each become coded_bits bytes; shorter frames keep the\n"
        "rate. ValueError for parameters out of range.")
        .def(py::init(&ldpc_fec_encoder::make),
             py::arg("payload_bits"),
             py::arg("coded_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("redundancy_version") = 0);
}
