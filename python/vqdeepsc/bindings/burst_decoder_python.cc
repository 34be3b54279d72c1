/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport_blocks_caster.h"
#include <gnuradio/vqdeepsc/burst_decoder.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

void bind_burst_decoder(py::module& m)
{
    using gr::vqdeepsc::burst_decoder;
    py::class_<burst_decoder,
               gr::sync_block,
               gr::block,
               gr::basic_block,
               std::shared_ptr<burst_decoder>>(
        m,
        "burst_decoder",
        "Decodes the frames of burst_demodulator, each as its header says, and publishes them.\n\n"
        "Message ports: regions, pairs of a dictionary and an f32vector of LLRs ln P(1)/P(0); "
        "log,\n"
        "a dictionary for each frame. transport_blocks: those that a header may name, each as at "
        "the\n"
        "burst_modulator. While backlog regions wait at a block behind the port regions, no "
        "more\n"
        "samples are taken. uep_profiles: of progressive models, whose frames have any length: "
        "coded\n"
        "bits for each payload bit of the first of seven parts, and whether these hold at rate\n"
        "1/3 and change with the rate. ValueError for parameters out of range.")
        .def(py::init(&burst_decoder::make),
             py::arg("iterations") = 20,
             py::arg("transport_blocks") = py::tuple(),
             py::arg("backlog") = 1024,
             py::arg("uep_profiles") = std::vector<std::pair<std::vector<double>, bool>>())
        .def("set_iterations",
             &burst_decoder::set_iterations,
             py::arg("iterations"),
             "The most iterations that a code block gets; acts from the next frame on.")
        .def("iterations", &burst_decoder::iterations);
}
