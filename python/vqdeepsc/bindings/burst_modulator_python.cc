/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/ofdm/burst_header.h"

#include "transport_blocks_caster.h"
#include <gnuradio/vqdeepsc/burst_modulator.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

void bind_burst_modulator(py::module& m)
{
    using gr::vqdeepsc::burst_modulator;
    namespace kernel = gr::vqdeepsc::kernel;
    m.attr("BURST_CODE_RATES") = py::tuple(py::cast(kernel::CODE_RATES));
    m.attr("BURST_BITS_PER_SYMBOL") = py::tuple(py::cast(kernel::BURST_BITS_PER_SYMBOL));
    py::class_<burst_modulator, gr::block, gr::basic_block, std::shared_ptr<burst_modulator>>(
        m,
        "burst_modulator",
        "Makes a burst (preamble, training, header, OFDM payload) of each frame of coded bits.\n\n"
        "Input: bytes with one coded bit each, frames begin at a tag frame with the dictionary of "
        "a\n"
        "region. Output: samples; tx_sob and tx_eob mark the ends of each burst. "
        "transport_blocks:\n"
        "as at the ldpc_encoder; the header names them. burst_profile: 0 static, 1 pedestrian,\n"
        "2 vehicular. ValueError for parameters out of range. "
        "The format is in docs/air-interface.md.")
        .def(py::init(&burst_modulator::make),
             py::arg("payload_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("code_rate") = "1/3",
             py::arg("fft_size") = 256,
             py::arg("cyclic_prefix") = 32,
             py::arg("amplitude") = 0.3f,
             py::arg("peak") = 1.0f,
             py::arg("transport_blocks") = py::tuple(),
             py::arg("burst_profile") = 0)
        .def("coded_bits", &burst_modulator::coded_bits, "Bits that a frame has.")
        .def("burst_samples", &burst_modulator::burst_samples, "Samples that a burst has.")
        .def("set_amplitude",
             &burst_modulator::set_amplitude,
             py::arg("amplitude"),
             "Root mean square of the samples, above 0; acts from the next burst on.")
        .def("amplitude", &burst_modulator::amplitude)
        .def("set_peak",
             &burst_modulator::set_peak,
             py::arg("peak"),
             "Largest magnitude of a sample, above 0; acts from the next burst on.")
        .def("peak", &burst_modulator::peak);
}
