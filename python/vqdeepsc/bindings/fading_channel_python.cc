/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/vqdeepsc/fading_channel.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_fading_channel(py::module& m)
{
    using gr::vqdeepsc::fading_channel;

    py::class_<fading_channel,
               gr::sync_block,
               gr::block,
               gr::basic_block,
               std::shared_ptr<fading_channel>>(m, "fading_channel", R"(
y = h x + w with E|h|^2 = 1 and w ~ CN(0, N0), N0 = 10^(-snr_db / 10) (paper, eq. 3).

Input: complex symbols of mean energy 1. Output 0: y. Output 1 (optional): h. Noise and
coefficients depend on the seed and the number of the symbol only, not on the scheduler. The
setters act from the next call of work() on.)")
        .def(py::init(&fading_channel::make),
             py::arg("kind") = "awgn",
             py::arg("snr_db") = 10.0,
             py::arg("rician_factor") = 1.0,
             py::arg("block_length") = 1,
             py::arg("seed") = 0,
             R"(
kind: "awgn" (h = 1), "rayleigh" (h ~ CN(0, 1)) or "rician"
    (h = sqrt(r / (r + 1)) + CN(0, 1 / (r + 1)), r = rician_factor).
snr_db: Es/N0 in dB, at least -200; inf switches the noise off.
rician_factor: r >= 0.
block_length: symbols that share one h, at least 1.
seed: 0 to 2^64 - 1.
Raises ValueError naming a value that is out of range.)")
        .def("set_kind", &fading_channel::set_kind, py::arg("kind"))
        .def("set_snr_db", &fading_channel::set_snr_db, py::arg("snr_db"))
        .def("set_rician_factor", &fading_channel::set_rician_factor, py::arg("rician_factor"))
        .def("set_block_length", &fading_channel::set_block_length, py::arg("block_length"))
        .def("kind", &fading_channel::kind)
        .def("snr_db", &fading_channel::snr_db)
        .def("rician_factor", &fading_channel::rician_factor)
        .def("block_length", &fading_channel::block_length)
        .def("seed", &fading_channel::seed);
}
