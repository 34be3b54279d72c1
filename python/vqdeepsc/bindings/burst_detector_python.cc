/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/vqdeepsc/burst_detector.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_burst_detector(py::module& m)
{
    using gr::vqdeepsc::burst_detector;
    py::class_<burst_detector,
               gr::sync_block,
               gr::block,
               gr::basic_block,
               std::shared_ptr<burst_detector>>(
        m,
        "burst_detector",
        "Marks where the preambles of bursts end in a stream of samples.\n\n"
        "Passes samples through; the sample decision_delay() after the first one that follows a\n"
        "preamble carries a tag burst, a dictionary with cfo (cycles per sample), correlation, "
        "dc\n"
        "(the constant in the samples, which burst_demodulator takes away; 0 without remove_dc) "
        "and\n"
        "mirrored (I and Q are swapped, as cfo and dc are; burst_demodulator swaps them back).\n"
        "largest_cfo is the frequency offset in cycles per sample that is found, 0.01 to 0.25;\n"
        "whitening the order of the filter against interference, 0 to 32, 0 for none, whose taps "
        "are\n"
        "in the tag.\n"
        "ValueError for them, or for a threshold (least correlation) outside 0.1 to 0.9.")
        .def(py::init(&burst_detector::make),
             py::arg("threshold") = 0.12f,
             py::arg("remove_dc") = true,
             py::arg("largest_cfo") = burst_detector::DEFAULT_LARGEST_CFO,
             py::arg("whitening") = burst_detector::DEFAULT_WHITENING)
        .def_static("decision_delay",
                    &burst_detector::decision_delay,
                    "Samples from the first of the training to the tag.");
}
