/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bindings.h"

#include "arrays.h"
#include "kernels/base/snr.h"
#include "kernels/channel/csi_equalizer.h"
#include "kernels/channel/fading_channel.h"

#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gr::vqdeepsc::bindings {

void bind_channel(py::module& m)
{
    m.def("noise_density",
          &kernel::noise_density,
          py::arg("snr_db"),
          "N0 = 10^(-snr_db / 10) for Es = 1. Raises ValueError unless snr_db >= -200.");

    using kernel::FadingChannel;
    py::class_<FadingChannel>(m, "FadingChannel", R"(y = h x + w (paper, eq. 3).

E|h|^2 = 1, w ~ CN(0, N0), N0 = 10^(-snr_db / 10) for symbols of mean energy 1. Noise of symbol i
depends on seed and i only, h of block i // block_length on seed and that number only, so results
do not depend on how a stream is cut. One object serves one thread at a time.)")
        .def(py::init([](const std::string& kind,
                         double snr_db,
                         double rician_factor,
                         std::int64_t block_length,
                         std::uint64_t seed,
                         const std::string& instruction_set) {
                 return FadingChannel(kernel::fading_kind_from_name(kind),
                                      snr_db,
                                      rician_factor,
                                      block_length,
                                      seed,
                                      kernel::instruction_set_from_name(instruction_set));
             }),
             py::arg("kind") = "awgn",
             py::arg("snr_db") = 10.0,
             py::arg("rician_factor") = 1.0,
             py::arg("block_length") = 1,
             py::arg("seed") = 0,
             py::arg("instruction_set") = "auto",
             R"(kind: "awgn" (h = 1), "rayleigh" (h ~ CN(0, 1)) or "rician"
    (h = sqrt(r / (r + 1)) + CN(0, 1 / (r + 1)), r = rician_factor).
snr_db: Es/N0 in dB, at least -200; inf switches the noise off.
rician_factor: r >= 0.
block_length: symbols that share one h, at least 1.
seed: 0 to 2^64 - 1.
instruction_set: "auto" or one of instruction_sets(); the results do not depend on it.
Raises ValueError naming a value that is out of range.)")
        .def(
            "apply",
            [](FadingChannel& self, const Array<Complex>& symbols) {
                const std::size_t count = vector_length(symbols, "symbols");
                py::array_t<Complex> received(count);
                py::array_t<Complex> coefficients(count);
                const Complex* x = symbols.data();
                Complex* y = received.mutable_data();
                Complex* h = coefficients.mutable_data();
                {
                    py::gil_scoped_release release;
                    self.apply(x, count, y, h);
                }
                return py::make_tuple(received, coefficients);
            },
            py::arg("symbols"),
            R"(The next symbols of the stream, complex64[n].
Returns y and h, complex64[n] each. Raises ValueError for other shapes.)")
        .def_property("position",
                      &FadingChannel::position,
                      &FadingChannel::seek,
                      "Number of the symbol that apply() takes next.")
        .def_property(
            "kind",
            [](const FadingChannel& self) { return kernel::fading_kind_name(self.kind()); },
            [](FadingChannel& self, const std::string& kind) {
                self.set_kind(kernel::fading_kind_from_name(kind));
            })
        .def_property("snr_db", &FadingChannel::snr_db, &FadingChannel::set_snr_db)
        .def_property(
            "rician_factor", &FadingChannel::rician_factor, &FadingChannel::set_rician_factor)
        .def_property(
            "block_length", &FadingChannel::block_length, &FadingChannel::set_block_length)
        .def_property_readonly("seed", &FadingChannel::seed);

    m.def(
        "csi_equalize",
        [](const Array<Complex>& y, const Array<Complex>& h, float n0) {
            const std::size_t count = vector_length(y, "y");
            check_length(h, count, "h");
            if (!(n0 >= 0.0f)) {
                throw std::invalid_argument("n0 is " + std::to_string(n0) + ", must be at least 0");
            }
            py::array_t<Complex> estimate(count);
            py::array_t<float> noise(count);
            const Complex* received = y.data();
            const Complex* coefficients = h.data();
            Complex* estimate_out = estimate.mutable_data();
            float* noise_out = noise.mutable_data();
            {
                py::gil_scoped_release release;
                kernel::csi_equalize(received, coefficients, count, n0, estimate_out, noise_out);
            }
            return py::make_tuple(estimate, noise);
        },
        py::arg("y"),
        py::arg("h"),
        py::arg("n0"),
        R"(Divides known channel coefficients out (paper, eq. 4).

y: received values, complex64[n]. h: coefficients, complex64[n]. n0: noise density N0 >= 0.
Returns conj(h) y / |h|^2, complex64[n], and its noise density N0 / |h|^2, float32[n]; where
|h|^2 is below 1e-30, above 1e30 or not a number, 0 and 1e30. Raises ValueError for other shapes
or a negative n0.)");
}

} // namespace gr::vqdeepsc::bindings
