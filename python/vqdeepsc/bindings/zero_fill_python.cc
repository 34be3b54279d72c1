/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/vqdeepsc/zero_fill.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_zero_fill(py::module& m)
{
    using gr::vqdeepsc::zero_fill;

    py::class_<zero_fill, gr::block, gr::basic_block, std::shared_ptr<zero_fill>>(
        m, "zero_fill", R"(
Puts zeros between bursts, for sinks that know no end of burst.

Input and output: complex samples. A burst lasts from the sample tagged tx_sob to the one tagged
tx_eob and is never interrupted. Tags keep their samples.)")
        .def(py::init(&zero_fill::make),
             py::arg("continuous") = true,
             py::arg("gap") = 0,
             py::arg("tail") = 0,
             R"(
continuous: whether zeros go out as long as there is no burst, at the sink's pace.
gap: zeros after each burst, at least 0.
tail: zeros after the input's end, at least 0.
Raises ValueError naming a value that is out of range.)");
}
