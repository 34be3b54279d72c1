/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bindings.h"

#include "arrays.h"
#include "kernels/base/cpu_features.h"
#include "kernels/ldpc/ldpc_frame.h"
#include "kernels/ldpc/ldpc_transport.h"
#include "kernels/ldpc/uep_profile.h"
#include "transport_blocks_caster.h"

#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gr::vqdeepsc::bindings {

namespace {

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

// An object of a named tuple that bind_ldpc() makes.
template <typename... Values>
py::object named_tuple(const char* type, Values&&... values)
{
    return py::module_::import("vqdeepsc.kernels").attr(type)(std::forward<Values>(values)...);
}

// Runs a decoding function with room for its outputs and returns all as a Decoded.
template <typename Decode>
py::object decoded(std::size_t payload_bits, const Decode& decode)
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
    return named_tuple("Decoded",
                       payload,
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

    py::class_<FrameEncoder>(
        m, "LdpcFrameEncoder", R"(Transport blocks of a frame one after another.

As LdpcEncoder, but parts of a frame may be coded at different rates.)")
        .def(py::init([](std::int64_t payload_bits,
                         std::int64_t coded_bits,
                         int bits_per_symbol,
                         const TransportBlocks& transport_blocks) {
                 return FrameEncoder(checked_size(payload_bits, "payload_bits"),
                                     checked_size(coded_bits, "coded_bits"),
                                     bits_per_symbol,
                                     0,
                                     transport_blocks);
             }),
             py::arg("payload_bits"),
             py::arg("coded_bits"),
             py::arg("bits_per_symbol") = 4,
             py::arg("transport_blocks") = py::tuple(),
             R"(payload_bits, coded_bits: of the whole frame; bits_per_symbol: as in LdpcEncoder.
transport_blocks: vqdeepsc.link.TransportBlocks, or (payload bits, coded bits) of each, in order
and in whole symbols; empty for a single one. Raises ValueError naming what is out of range or does
not add up.)")
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
                         const TransportBlocks& transport_blocks) {
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
             py::arg("transport_blocks") = py::tuple(),
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

kernel::UepProfile::Scaling uep_scaling(const std::string& name)
{
    using Scaling = kernel::UepProfile::Scaling;
    if (name == "none") {
        return Scaling::NONE;
    }
    if (name == "coded bits") {
        return Scaling::CODED_BITS;
    }
    if (name == "redundancy") {
        return Scaling::REDUNDANCY;
    }
    throw std::invalid_argument("scaling is '" + name +
                                "', must be 'none', 'coded bits' or 'redundancy'");
}

void bind_uep_profile(py::module& m)
{
    m.attr("EMBEDDED_PARTS") = kernel::EMBEDDED_PARTS;
    m.def(
        "embedded_part_bits",
        [](std::int64_t payload_bits) {
            return kernel::embedded_part_bits(checked_size(payload_bits, "payload_bits"));
        },
        py::arg("payload_bits"),
        R"(Payload bits of each part of a frame whose bits are an embedded code: EMBEDDED_PARTS of
them, or a single one for a frame of fewer than 2,504 bits.)");
    m.def(
        "uep_transport_blocks",
        [](const std::vector<std::int64_t>& part_bits,
           std::int64_t coded_bits,
           int bits_per_symbol,
           const std::vector<double>& factors,
           const std::string& scaling,
           bool on_strong_bits) {
            std::vector<std::size_t> parts;
            parts.reserve(part_bits.size());
            for (const std::int64_t bits : part_bits) {
                parts.push_back(checked_size(bits, "the payload of a part"));
            }
            std::vector<std::pair<std::size_t, std::size_t>> blocks;
            for (const auto& block :
                 kernel::uep_transport_blocks(parts,
                                              checked_size(coded_bits, "coded_bits"),
                                              bits_per_symbol,
                                              { factors, uep_scaling(scaling), on_strong_bits })
                     .blocks) {
                blocks.emplace_back(block.payload_bits, block.coded_bits);
            }
            return blocks;
        },
        py::arg("part_bits"),
        py::arg("coded_bits"),
        py::arg("bits_per_symbol"),
        py::arg("factors"),
        py::arg("scaling"),
        py::arg("on_strong_bits") = false,
        R"(The transport blocks (payload bits, coded bits) of a frame with unequal error protection.

part_bits: payload bits of its parts. factors: coded bits for each payload bit of the first parts.
Neighbours with equal factors share a block, and so do the parts without one, which get the rest.
scaling: "none", or for factors that hold at rate 1/3 "coded bits" or "redundancy", to which they
are in proportion at others, in blocks that suit any bits_per_symbol. on_strong_bits: as
in vqdeepsc.link.TransportBlocks. Raises ValueError naming what is out of range or does not fit.)");
}

} // namespace

void bind_ldpc(py::module& m)
{
    const auto namedtuple = py::module_::import("collections").attr("namedtuple");
    m.attr("Decoded") = namedtuple("Decoded",
                                   "bits llrs crc_ok block_errors blocks iterations",
                                   py::arg("module") = "vqdeepsc.kernels");
    m.attr("CodeBlockResult") =
        namedtuple("CodeBlockResult", "crc_ok iterations", py::arg("module") = "vqdeepsc.kernels");
    bind_ldpc_frame(m);
    bind_uep_profile(m);
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
                 return TransportDecoder(checked_size(payload_bits, "payload_bits"),
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
                return decoded(self.segmentation().payload_bits,
                               [&](std::uint8_t* bits, float* posterior) {
                                   return self.decode(input, bits, posterior);
                               });
            },
            py::arg("llrs"),
            R"(llrs: float32[coded_bits].
Returns a Decoded, a named tuple of bits uint8[payload_bits], llrs float32[payload_bits] (a
posteriori), crc_ok: bool, block_errors: int, blocks: int, iterations: float (the mean of the
code blocks). Raises ValueError for another length.)")
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
                return decoded(self.segmentation().payload_bits,
                               [&](std::uint8_t* bits, float* posterior) {
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
                    results.append(named_tuple("CodeBlockResult", block.crc_ok, block.iterations));
                }
                return results;
            },
            "CodeBlockResult of each code block decoded last; empty before.");
}

} // namespace gr::vqdeepsc::bindings
