/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/ldpc/ldpc_transport.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <random>
#include <string>
#include <vector>

using namespace gr::vqdeepsc::kernel;
using Precision = TransportDecoder::Precision;
using EarlyStop = TransportDecoder::EarlyStop;
using Bits = std::vector<std::uint8_t>;
using Llrs = std::vector<float>;

BOOST_TEST_DONT_PRINT_LOG_VALUE(Precision)

inline const auto EACH_PRECISION =
    boost::unit_test::data::make({ Precision::int8, Precision::int16 });

class Noise
{
public:
    explicit Noise(unsigned seed) : d_generator(seed) {}

    Bits bits(std::size_t count)
    {
        Bits bits(count);
        for (auto& bit : bits) {
            bit = d_generator() & 1;
        }
        return bits;
    }

    double gaussian()
    {
        const double u = (d_generator() + 1.0) / 4294967297.0;
        const double v = d_generator() / 4294967296.0;
        return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
    }

    // True LLRs of +-1 in noise of variance sigma^2: ln P(1)/P(0) = -2 y / sigma^2 with 0 -> +1.
    Llrs channel(const Bits& coded, double sigma)
    {
        Llrs llrs(coded.size());
        for (std::size_t i = 0; i < coded.size(); i++) {
            const double y = 1.0 - 2.0 * coded[i] + sigma * gaussian();
            llrs[i] = static_cast<float>(-2.0 * y / (sigma * sigma));
        }
        return llrs;
    }

private:
    std::mt19937 d_generator;
};

inline Bits encode(std::size_t coded_bits, const Bits& payload, int per_symbol = 4, int version = 0)
{
    TransportEncoder encoder(payload.size(), coded_bits, per_symbol, version);
    Bits coded(coded_bits);
    encoder.encode(payload.data(), coded.data());
    return coded;
}

struct Decoded {
    TransportDecoderResult result;
    Bits payload;
    Llrs posterior;
};

inline Decoded decode(TransportDecoder& decoder, const Llrs& llrs)
{
    const std::size_t bits = decoder.segmentation().payload_bits;
    Decoded decoded{ {}, Bits(bits), Llrs(bits) };
    decoded.result = decoder.decode(llrs.data(), decoded.payload.data(), decoded.posterior.data());
    return decoded;
}

inline TransportDecoder::Options options(Precision precision,
                                         EarlyStop early_stop = EarlyStop::crc,
                                         InstructionSet set = best_instruction_set())
{
    TransportDecoder::Options options;
    options.precision = precision;
    options.early_stop = early_stop;
    options.instruction_set = set;
    return options;
}

inline std::string name_of(Precision precision)
{
    return precision == Precision::int8 ? "int8" : "int16";
}
