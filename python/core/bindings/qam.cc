/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bindings.h"

#include "arrays.h"
#include "kernels/qam/qam_constellation.h"
#include "kernels/qam/qam_demapper.h"

#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gr::vqdeepsc::bindings {

namespace {

// Calls demap(noise) with a number or with the pointer to one value for each symbol.
template <typename Demap>
void with_noise(const Array<float>& noise, std::size_t symbols, const Demap& demap)
{
    if (noise.ndim() == 0) {
        const float density = *noise.data();
        py::gil_scoped_release release;
        demap(density);
    } else {
        check_length(noise, symbols, "noise");
        const float* densities = noise.data();
        py::gil_scoped_release release;
        demap(densities);
    }
}

} // namespace

void bind_qam(py::module& m)
{
    m.def(
        "qam_points",
        [](int bits_per_symbol) {
            const auto points = kernel::qam_points(bits_per_symbol);
            return py::array_t<Complex>(points.size(), points.data());
        },
        py::arg("bits_per_symbol"),
        R"(Gray QAM constellation of 3GPP TS 38.211 clauses 5.1.3 to 5.1.6, mean power 1.

bits_per_symbol: 2 (QPSK), 4, 6 or 8 (16-, 64-, 256-QAM).
Returns complex64[2**bits_per_symbol], the points in the order of their labels; b0 is the most
significant bit of a label. Raises ValueError for any other number of bits.)");

    using kernel::QamDemapper;
    py::class_<QamDemapper>(m, "QamDemapper", R"(Soft demapper for the Gray QAM of qam_points().

LLR = ln P(bit = 1) / P(bit = 0), equiprobable labels, most significant bit of the label first.
The noise density N0 is per complex symbol (N0 / 2 per real dimension); densities below 1e-30
count as 1e-30, and from 1e30 on the LLRs are 0. LLRs lie within +-1e6; a symbol or a density
that is not a number gives 0.)")
        .def(py::init([](int bits_per_symbol,
                         const std::string& method,
                         const std::string& instruction_set) {
                 return QamDemapper(bits_per_symbol,
                                    kernel::demapper_method_from_name(method),
                                    kernel::instruction_set_from_name(instruction_set));
             }),
             py::arg("bits_per_symbol") = 4,
             py::arg("method") = "maxlog",
             py::arg("instruction_set") = "auto",
             R"(bits_per_symbol: 2, 4, 6 or 8.
method: "maxlog", (min over b=0 of |y-s|^2 - min over b=1 of |y-s|^2) / N0, or "exact",
    ln(sum over b=1 of exp(-|y-s|^2 / N0)) - the same over b=0.
instruction_set: "auto" or one of instruction_sets(); the results do not depend on it.
Raises ValueError naming a value that is out of range.)")
        .def(
            "demap",
            [](const QamDemapper& self, const Array<Complex>& symbols, const Array<float>& noise) {
                const std::size_t count = vector_length(symbols, "symbols");
                py::array_t<float> llr(count * self.bits_per_symbol());
                const Complex* input = symbols.data();
                float* output = llr.mutable_data();
                with_noise(noise, count, [&](const auto density) {
                    self.demap(input, count, density, output);
                });
                return llr;
            },
            py::arg("symbols"),
            py::arg("noise"),
            R"(symbols: complex64[n], equalised. noise: N0, a number or float32[n].
Returns float32[n * bits_per_symbol]. Raises ValueError for other shapes.)")
        .def(
            "demap_quantised",
            [](const QamDemapper& self,
               const Array<Complex>& symbols,
               const Array<float>& noise,
               float steps_per_nat,
               int saturation) {
                const std::size_t count = vector_length(symbols, "symbols");
                py::array_t<std::int8_t> llr(count * self.bits_per_symbol());
                const Complex* input = symbols.data();
                std::int8_t* output = llr.mutable_data();
                with_noise(noise, count, [&](const auto density) {
                    self.demap(input, count, density, output, steps_per_nat, saturation);
                });
                return llr;
            },
            py::arg("symbols"),
            py::arg("noise"),
            py::arg("steps_per_nat") = 4.0f,
            py::arg("saturation") = 127,
            R"(As demap(), times steps_per_nat, rounded and clipped to +-saturation (1 to 127).
Returns int8[n * bits_per_symbol]. Raises ValueError for other shapes or values out of range.)");
}

} // namespace gr::vqdeepsc::bindings
