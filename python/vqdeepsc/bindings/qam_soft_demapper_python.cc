/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/vqdeepsc/qam_soft_demapper.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_qam_soft_demapper(py::module& m)
{
    using gr::vqdeepsc::qam_soft_demapper;

    py::class_<qam_soft_demapper,
               gr::sync_interpolator,
               gr::sync_block,
               gr::block,
               gr::basic_block,
               std::shared_ptr<qam_soft_demapper>>(m, "qam_soft_demapper", R"(
Log-likelihood ratios of the bits of Gray QAM symbols (3GPP TS 38.211 clauses 5.1.3 to 5.1.6).

Input 0: equalised complex symbols of a constellation of mean power 1. Input 1 (optional):
float, noise density N0/|h|^2 of each symbol. Output: for each symbol bits_per_symbol times
LLR = ln P(bit = 1) / P(bit = 0), most significant bit of the label first; floats within +-1e6,
or int8 numbers of steps. 0 where a symbol or its noise is not a number. Tags of input 0 go to
the first bit of their symbol.)")
        .def(py::init(&qam_soft_demapper::make),
             py::arg("bits_per_symbol") = 4,
             py::arg("noise") = 0.1f,
             py::arg("method") = "maxlog",
             py::arg("noise_input") = false,
             py::arg("quantised") = false,
             py::arg("steps_per_nat") = 4.0f,
             py::arg("saturation") = 127,
             R"(
bits_per_symbol: 2 (QPSK), 4, 6 or 8 (16-, 64-, 256-QAM).
noise: noise density N0 >= 0 per complex symbol, used while input 1 is not connected.
method: "maxlog" or "exact".
noise_input: whether input 1 has to be connected; it always may be.
quantised: int8 output, LLR * steps_per_nat (above 0, at most 1e6) rounded to the nearest integer
    and clipped to +-saturation (1 to 127), instead of float output.
Raises ValueError naming a value that is out of range.)")
        .def("set_noise", &qam_soft_demapper::set_noise, py::arg("noise"))
        .def("noise", &qam_soft_demapper::noise)
        .def("set_method", &qam_soft_demapper::set_method, py::arg("method"))
        .def("method", &qam_soft_demapper::method);
}
