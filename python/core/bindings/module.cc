/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bindings.h"
#include "kernels/base/cpu_features.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

namespace py = pybind11;
namespace kernel = gr::vqdeepsc::kernel;

namespace {

// pybind11 before 2.12 reads the arrays of NumPy 2 wrongly, without an error.
void refuse_unknown_numpy()
{
#if PYBIND11_VERSION_MAJOR * 100 + PYBIND11_VERSION_MINOR < 212
    const auto version = py::module_::import("numpy").attr("__version__").cast<std::string>();
    if (std::stoi(version) >= 2) {
        throw py::import_error(
            "gr-vqdeepsc was built with pybind11 " + std::to_string(PYBIND11_VERSION_MAJOR) + "." +
            std::to_string(PYBIND11_VERSION_MINOR) + ", which cannot use NumPy " + version +
            ": install a NumPy below 2, or build with pybind11 2.12.");
    }
#endif
}

} // namespace

PYBIND11_MODULE(kernels, m)
{
    m.doc() = "Signal processing kernels of gr-vqdeepsc on NumPy arrays";
    m.attr("PYBIND11_VERSION") = py::make_tuple(PYBIND11_VERSION_MAJOR, PYBIND11_VERSION_MINOR);
    m.attr("__version__") = VQDEEPSC_VERSION;
    refuse_unknown_numpy();
    m.def(
        "instruction_sets",
        [] {
            std::vector<std::string> names;
            for (const auto set : kernel::supported_instruction_sets()) {
                names.push_back(kernel::instruction_set_name(set));
            }
            return names;
        },
        "Instruction sets that this processor runs, fastest first.");
    using namespace gr::vqdeepsc::bindings;
    bind_frame(m);
    bind_qam(m);
    bind_channel(m);
    bind_ldpc(m);
}
