/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/vqdeepsc/burst_demodulator.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

void bind_burst_demodulator(py::module& m)
{
    using gr::vqdeepsc::burst_demodulator;
    py::class_<burst_demodulator, gr::block, gr::basic_block, std::shared_ptr<burst_demodulator>>(
        m,
        "burst_demodulator",
        "Turns the bursts that burst_detector marks into frames of LLRs ln P(1)/P(0).\n\n"
        "The first LLR of a frame carries a tag frame, a dictionary with the header and how well "
        "it\n"
        "was received. A burst with a header that is damaged or not for this receiver becomes a 0\n"
        "with a tag refused. session\n"
        "is the only one to receive, -1 for all or -2 for the first that comes; formats are pairs "
        "of\n"
        "bits_per_symbol and code_rate, none for all. ValueError for parameters out of range.")
        .def(py::init(&burst_demodulator::make),
             py::arg("fft_size") = 256,
             py::arg("cyclic_prefix") = 32,
             py::arg("model") = -1,
             py::arg("payload_bits") = 0,
             py::arg("sample_rate") = 1e6,
             py::arg("session") = -1,
             py::arg("formats") = std::vector<std::pair<int, std::string>>())
        .def("set_sample_rate",
             &burst_demodulator::set_sample_rate,
             py::arg("sample_rate"),
             "In Hz, above 0; only scales cfo_hz.")
        .def("sample_rate", &burst_demodulator::sample_rate);
}
