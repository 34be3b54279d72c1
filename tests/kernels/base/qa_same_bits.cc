/* SPDX-License-Identifier: GPL-3.0-or-later */
// What kernels compute is the same on every processor: hashes of their outputs. Inputs come from
// whole numbers, so that no library of mathematics has a part in them.
#include "kernels/channel/fading_channel.h"
#include "kernels/qam/qam_demapper.h"
#include "ldpc/ldpc_experiment.h"

#include <cmath>
#include <complex>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

BOOST_TEST_DONT_PRINT_LOG_VALUE(InstructionSet)

namespace {

constexpr std::uint64_t DEMAPPED = 14000433995595625554U;
constexpr std::uint64_t FADED = 8856991500356565845U;
constexpr std::uint64_t DECODED_INT8 = 4987539148503604721U;
constexpr std::uint64_t DECODED_INT16 = 13867126004598257299U;

// FNV-1a.
class Hash
{
public:
    template <typename Value>
    void add(const std::vector<Value>& values)
    {
        const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
        for (std::size_t i = 0; i < values.size() * sizeof(Value); ++i) {
            d_value = (d_value ^ bytes[i]) * 1099511628211U;
        }
    }
    std::uint64_t value() const { return d_value; }

private:
    std::uint64_t d_value = 14695981039346656037U;
};

// Within +-2, of 24 bits.
std::vector<float> numbers(std::size_t count, unsigned seed)
{
    std::mt19937 generator(seed);
    std::vector<float> values(count);
    for (float& value : values) {
        value = static_cast<float>(static_cast<int>(generator() >> 8) - (1 << 23)) / (1 << 22);
    }
    return values;
}

std::vector<std::complex<float>> symbols(std::size_t count)
{
    const std::vector<float> values = numbers(2 * count, 1);
    std::vector<std::complex<float>> symbols(count);
    for (std::size_t i = 0; i < count; ++i) {
        symbols[i] = { values[2 * i], values[2 * i + 1] };
    }
    return symbols;
}

BOOST_DATA_TEST_CASE(demapper, supported_instruction_sets(), set)
{
    const auto received = symbols(3001);
    std::vector<float> noise = numbers(received.size(), 2);
    for (float& density : noise) {
        density = 0.01f + std::abs(density);
    }
    Hash hash;
    for (const int bits : { 2, 4, 6, 8 }) {
        for (const auto method : { QamDemapper::Method::max_log, QamDemapper::Method::exact }) {
            std::vector<float> llrs(received.size() * bits);
            QamDemapper(bits, method, set)
                .demap(received.data(), received.size(), noise.data(), llrs.data());
            hash.add(llrs);
        }
    }
    BOOST_CHECK_MESSAGE(hash.value() == DEMAPPED,
                        instruction_set_name(set) + ": " + std::to_string(hash.value()));
}

BOOST_DATA_TEST_CASE(channel, supported_instruction_sets(), set)
{
    const auto sent = symbols(5003);
    Hash hash;
    for (const auto kind : { FadingChannel::Kind::awgn,
                             FadingChannel::Kind::rayleigh,
                             FadingChannel::Kind::rician }) {
        for (const std::int64_t block : { 1, 7 }) {
            std::vector<std::complex<float>> received(sent.size());
            std::vector<std::complex<float>> coefficients(sent.size());
            FadingChannel(kind, 3.0, 4.0, block, 99, set)
                .apply(sent.data(), sent.size(), received.data(), coefficients.data());
            hash.add(received);
            hash.add(coefficients);
        }
    }
    BOOST_CHECK_MESSAGE(hash.value() == FADED,
                        instruction_set_name(set) + ": " + std::to_string(hash.value()));
}

BOOST_DATA_TEST_CASE(decoder, supported_instruction_sets() * EACH_PRECISION, set, precision)
{
    Hash hash;
    for (const std::size_t bits : { 40, 333, 1111, 8424, 20032 }) {
        Noise noise(4);
        const std::size_t coded_bits = 3 * bits;
        const Bits coded = encode(coded_bits, noise.bits(bits));
        Llrs llrs = numbers(coded_bits, 3);
        for (std::size_t i = 0; i < coded_bits; ++i) {
            // most of the signs are right
            llrs[i] += coded[i] ? 1.0f : -1.0f;
        }
        TransportDecoder decoder(
            bits, coded_bits, 4, 0, 6, options(precision, EarlyStop::crc, set));
        const Decoded decoded = decode(decoder, llrs);
        hash.add(decoded.payload);
        hash.add(decoded.posterior);
    }
    const std::uint64_t expected = precision == Precision::int8 ? DECODED_INT8 : DECODED_INT16;
    BOOST_CHECK_MESSAGE(hash.value() == expected,
                        instruction_set_name(set) + ", " + name_of(precision) + ": " +
                            std::to_string(hash.value()));
}

} // namespace
