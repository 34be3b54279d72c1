/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/vqdeepsc/csi_equalizer.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_csi_equalizer(py::module& m)
{
    using gr::vqdeepsc::csi_equalizer;

    py::class_<csi_equalizer,
               gr::sync_block,
               gr::block,
               gr::basic_block,
               std::shared_ptr<csi_equalizer>>(m, "csi_equalizer", R"(
Divides known channel coefficients out: conj(h) y / |h|^2 (paper, eq. 4).

Input 0: received complex symbols y. Input 1: coefficients h. Output 0: estimates of the sent
symbols. Output 1 (optional): float, their noise densities N0 / |h|^2, N0 = 10^(-snr_db / 10).
Where h is 0 or not a number the estimate is 0 and the density 1e30. Tags of input 0 go to both
outputs.)")
        .def(py::init(&csi_equalizer::make), py::arg("snr_db") = 10.0, R"(
snr_db: Es/N0 in dB of the received symbols, at least -200; inf for no noise.
Raises ValueError naming a value that is out of range.)")
        .def("set_snr_db", &csi_equalizer::set_snr_db, py::arg("snr_db"))
        .def("snr_db", &csi_equalizer::snr_db);
}
