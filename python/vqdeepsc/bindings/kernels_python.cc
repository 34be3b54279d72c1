/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/cpu_features.h"
#include "kernels/csi_equalizer.h"
#include "kernels/fading_channel.h"
#include "kernels/ldpc_frame.h"
#include "kernels/ldpc_transport.h"
#include "kernels/qam_constellation.h"
#include "kernels/qam_demapper.h"
#include "kernels/snr.h"

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace py = pybind11;
namespace kernel = gr::vqdeepsc::kernel;

namespace {

using Complex = std::complex<float>;
template <typename T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

std::string shape_text(const py::array& array)
{
    return py::str(array.attr("shape")).cast<std::string>();
}

template <typename T>
std::size_t vector_length(const Array<T>& array, const char* name)
{
    if (array.ndim() != 1) {
        throw std::invalid_argument(std::string(name) + " has shape " + shape_text(array) +
                                    ", must have one dimension");
    }
    return static_cast<std::size_t>(array.size());
}

template <typename T>
void check_length(const Array<T>& array, std::size_t length, const char* name)
{
    if (vector_length(array, name) != length) {
        throw std::invalid_argument(std::string(name) + " has " + std::to_string(array.size()) +
                                    " values, must have " + std::to_string(length));
    }
}

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
                throw std::invalid_argument("n0 is " + std::to_string(n0) +
                                            ", must be at least 0");
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

// Negative numbers would reach the kernels as huge ones.
std::size_t checked_size(std::int64_t value, const char* name)
{
    if (value < 1) {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) +
                                    ", must be at least 1");
    }
    return static_cast<std::size_t>(value);
}

kernel::TransportDecoder::Options decoder_options(const std::string& precision,
                                                  const std::string& early_stop,
                                                  const std::string& instruction_set)
{
    using kernel::TransportDecoder;
    TransportDecoder::Options options;
    if (precision == "int8") {
        options.precision = TransportDecoder::Precision::int8;
    } else if (precision == "int16") {
        options.precision = TransportDecoder::Precision::int16;
    } else {
        throw std::invalid_argument("precision is '" + precision + "', must be 'int8' or 'int16'");
    }
    if (early_stop == "none") {
        options.early_stop = TransportDecoder::EarlyStop::none;
    } else if (early_stop == "parity") {
        options.early_stop = TransportDecoder::EarlyStop::parity;
    } else if (early_stop == "crc") {
        options.early_stop = TransportDecoder::EarlyStop::crc;
    } else {
        throw std::invalid_argument("early_stop is '" + early_stop +
                                    "', must be 'none', 'parity' or 'crc'");
    }
    options.instruction_set = kernel::instruction_set_from_name(instruction_set);
    return options;
}

// Runs a decoding function with room for its outputs and returns all as a tuple.
template <typename Decode>
py::tuple decoded(std::size_t payload_bits, const Decode& decode)
{
    py::array_t<std::uint8_t> payload(payload_bits);
    py::array_t<float> posterior(payload_bits);
    std::uint8_t* bits = payload.mutable_data();
    float* llrs = posterior.mutable_data();
    kernel::TransportDecoderResult result;
    {
        py::gil_scoped_release release;
        result = decode(bits, llrs);
    }
    return py::make_tuple(payload,
                          posterior,
                          result.crc_ok,
                          result.block_errors,
                          result.blocks,
                          result.iterations);
}

// Payload to coded bits, with the lengths checked.
template <typename Encoder>
py::array_t<std::uint8_t> encoded(Encoder& encoder,
                                  const Array<std::uint8_t>& payload,
                                  std::size_t payload_bits,
                                  std::size_t coded_bits)
{
    check_length(payload, payload_bits, "payload");
    py::array_t<std::uint8_t> coded(coded_bits);
    const std::uint8_t* input = payload.data();
    std::uint8_t* output = coded.mutable_data();
    {
        py::gil_scoped_release release;
        encoder.encode(input, output);
    }
    return coded;
}

void bind_ldpc_frame(py::module& m)
{
    using kernel::FrameDecoder;
    using kernel::FrameEncoder;

    py::class_<FrameEncoder>(m, "LdpcFrameEncoder", R"(Transport blocks of a frame one after another.

As LdpcEncoder, but parts of a frame may be coded at different rates.)")
        .def(py::init([](std::int64_t payload_bits,
                         std::int64_t coded_bits,
                         int bits_per_symbol,
                         const kernel::TransportBlocks& transport_blocks) {
                 return FrameEncoder(checked_size(payload_bits, "payload_bits"),
                                     checked_size(coded_bits, "coded_bits"),
                                     bits_per_symbol,
                                     0,
                                     transport_blocks);
             }),
             py::arg("payload_bits"),
             py::arg("coded_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("transport_blocks") = kernel::TransportBlocks(),
             R"(payload_bits, coded_bits: of the whole frame; bits_per_symbol: as in LdpcEncoder.
transport_blocks: (payload bits, coded bits) of each, in order and in whole symbols; empty for a
single one. Raises ValueError naming what is out of range or does not add up.)")
        .def(
            "encode",
            [](FrameEncoder& self, const Array<std::uint8_t>& payload) {
                return encoded(self, payload, self.payload_bits(), self.coded_bits());
            },
            py::arg("payload"),
            "As LdpcEncoder.encode().");

    py::class_<FrameDecoder>(
        m, "LdpcFrameDecoder", "The inverse of LdpcFrameEncoder; as LdpcDecoder.")
        .def(py::init([](std::int64_t payload_bits,
                         std::int64_t coded_bits,
                         int bits_per_symbol,
                         int iterations,
                         const kernel::TransportBlocks& transport_blocks) {
                 return FrameDecoder(checked_size(payload_bits, "payload_bits"),
                                     checked_size(coded_bits, "coded_bits"),
                                     bits_per_symbol,
                                     0,
                                     iterations,
                                     transport_blocks);
             }),
             py::arg("payload_bits"),
             py::arg("coded_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("iterations") = 20,
             py::arg("transport_blocks") = kernel::TransportBlocks(),
             "As LdpcFrameEncoder; iterations: most of a code block, 1 to 1,000.")
        .def(
            "decode",
            [](FrameDecoder& self, const Array<float>& llrs) {
                check_length(llrs, self.coded_bits(), "llrs");
                const float* input = llrs.data();
                return decoded(self.payload_bits(), [&](std::uint8_t* bits, float* posterior) {
                    return self.decode(input, bits, posterior);
                });
            },
            py::arg("llrs"),
            "As LdpcDecoder.decode(), with the code blocks of the whole frame.");
}

void bind_ldpc(py::module& m)
{
    using kernel::TransportDecoder;
    using kernel::TransportEncoder;

    py::class_<TransportEncoder>(m, "LdpcEncoder", R"(5G NR LDPC encoder (3GPP TS 38.212).

Attaches CRCs, cuts code blocks, encodes, matches the rate and interleaves: payload_bits in,
exactly coded_bits out. One object serves one thread at a time.)")
        .def(py::init([](std::int64_t payload_bits,
                         std::int64_t coded_bits,
                         int bits_per_symbol,
                         int redundancy_version) {
                 return TransportEncoder(checked_size(payload_bits, "payload_bits"),
                                         checked_size(coded_bits, "coded_bits"),
                                         bits_per_symbol,
                                         redundancy_version);
             }),
             py::arg("payload_bits"),
             py::arg("coded_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("redundancy_version") = 0,
             R"(payload_bits: at least 1. coded_bits: at least payload_bits.
bits_per_symbol: 1, 2, 4, 6 or 8 (interleaver). redundancy_version: 0 to 3.
Raises ValueError naming a value that is out of range.)")
        .def(
            "encode",
            [](TransportEncoder& self, const Array<std::uint8_t>& payload) {
                const auto& sizes = self.segmentation();
                return encoded(self, payload, sizes.payload_bits, sizes.coded_bits);
            },
            py::arg("payload"),
            R"(payload: uint8[payload_bits], one bit each (the lowest).
Returns uint8[coded_bits], 0 or 1. Raises ValueError for another length.)");

    py::class_<TransportDecoder>(m, "LdpcDecoder", R"(5G NR LDPC decoder (3GPP TS 38.212).

The inverse of LdpcEncoder from LLR = ln P(bit = 1) / P(bit = 0), true to scale; NaN counts as
0. One object serves one thread at a time.)")
        .def(py::init([](std::int64_t payload_bits,
                         std::int64_t coded_bits,
                         int bits_per_symbol,
                         int redundancy_version,
                         int iterations,
                         const std::string& precision,
                         const std::string& early_stop,
                         const std::string& instruction_set) {
                 return TransportDecoder(
                     checked_size(payload_bits, "payload_bits"),
                     checked_size(coded_bits, "coded_bits"),
                     bits_per_symbol,
                     redundancy_version,
                     iterations,
                     decoder_options(precision, early_stop, instruction_set));
             }),
             py::arg("payload_bits"),
             py::arg("coded_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("redundancy_version") = 0,
             py::arg("iterations") = 20,
             py::arg("precision") = "int8",
             py::arg("early_stop") = "crc",
             py::arg("instruction_set") = "auto",
             R"(payload_bits, coded_bits, bits_per_symbol, redundancy_version: as in LdpcEncoder.
iterations: most iterations of a code block, 1 to 1,000.
precision: of the messages, "int8" (fastest) or "int16".
early_stop: before the last iteration "none", when "parity" holds or when the "crc" does too.
instruction_set: "auto" or one of instruction_sets(); the results do not depend on it.
Raises ValueError naming a value that is out of range.)")
        .def(
            "decode",
            [](TransportDecoder& self, const Array<float>& llrs) {
                check_length(llrs, self.segmentation().coded_bits, "llrs");
                const float* input = llrs.data();
                return decoded(self.segmentation().payload_bits, [&](std::uint8_t* bits, float* posterior) {
                    return self.decode(input, bits, posterior);
                });
            },
            py::arg("llrs"),
            R"(llrs: float32[coded_bits].
Returns (payload uint8[payload_bits], a-posteriori LLRs float32[payload_bits], crc_ok: bool,
block_errors: int, blocks: int, iterations: float, the mean of the code blocks). Raises
ValueError for another length.)")
        .def("reset", &TransportDecoder::reset, "Forgets what add_llrs() collected.")
        .def(
            "add_llrs",
            [](TransportDecoder& self, int redundancy_version, const Array<float>& llrs) {
                check_length(llrs, self.segmentation().coded_bits, "llrs");
                const float* input = llrs.data();
                py::gil_scoped_release release;
                self.add_llrs(redundancy_version, input);
            },
            py::arg("redundancy_version"),
            py::arg("llrs"),
            R"(Adds a transmission of the same payload to those since reset().

redundancy_version: 0 to 3. llrs: float32[coded_bits]. Raises ValueError for other values.)")
        .def(
            "decode_combined",
            [](TransportDecoder& self) {
                return decoded(self.segmentation().payload_bits, [&](std::uint8_t* bits, float* posterior) {
                    return self.decode_combined(bits, posterior);
                });
            },
            "Decodes the sum of all transmissions since reset(); returns as decode() does.")
        .def_property("iterations",
                      &TransportDecoder::iterations,
                      &TransportDecoder::set_iterations,
                      "Most iterations of a code block, 1 to 1,000.")
        .def_property_readonly(
            "block_results",
            [](const TransportDecoder& self) {
                py::list results;
                for (const kernel::CodeBlockResult& block : self.block_results()) {
                    results.append(py::make_tuple(block.crc_ok, block.iterations));
                }
                return results;
            },
            "(crc_ok: bool, iterations: int) of each code block decoded last; empty before.");
}

// pybind11 before 2.12 reads the arrays of NumPy 2 wrongly, without an error.
void refuse_unknown_numpy()
{
#if PYBIND11_VERSION_MAJOR * 100 + PYBIND11_VERSION_MINOR < 212
    const auto version =
        py::module_::import("numpy").attr("__version__").cast<std::string>();
    if (std::stoi(version) >= 2) {
        throw py::import_error("gr-vqdeepsc was built with pybind11 " +
                               std::to_string(PYBIND11_VERSION_MAJOR) + "." +
                               std::to_string(PYBIND11_VERSION_MINOR) +
                               ", which cannot use NumPy " + version +
                               ": install a NumPy below 2, or build with pybind11 2.12.");
    }
#endif
}

} // namespace

PYBIND11_MODULE(vqdeepsc_kernels, m)
{
    m.doc() = "Signal processing kernels of gr-vqdeepsc on NumPy arrays";
    m.attr("PYBIND11_VERSION") =
        py::make_tuple(PYBIND11_VERSION_MAJOR, PYBIND11_VERSION_MINOR);
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
    bind_qam(m);
    bind_channel(m);
    bind_ldpc(m);
    bind_ldpc_frame(m);
}
