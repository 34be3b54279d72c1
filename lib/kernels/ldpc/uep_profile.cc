/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "uep_profile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <stdexcept>

namespace gr::vqdeepsc::kernel {

namespace {

// Bits of a block of 16x16 pixels up to the end of each layer, where it has 313 of them.
constexpr std::array<std::size_t, EMBEDDED_PARTS> PART_ENDS = { 1, 9, 57, 121, 185, 249, 313 };
constexpr std::size_t SHORTEST_IN_PARTS = 8 * PART_ENDS.back();

constexpr std::uint64_t FACTOR_UNIT = 100'000;
constexpr std::uint64_t EXPANSION = 3; // coded bits for each payload bit where factors hold
constexpr std::uint64_t ANY_SYMBOL = 24;
// Products stay below 2^64.
constexpr std::size_t MOST_PAYLOAD_BITS = 1 << 17;
constexpr std::size_t MOST_CODED_BITS = 1 << 23;

std::uint64_t whole_factor(double factor)
{
    return std::llround(factor * FACTOR_UNIT);
}

// Coded bits of a block in whole units, rounded up; all in integers, so that both ends agree.
std::size_t coded_block_bits(std::uint64_t bits,
                             std::uint64_t factor,
                             std::uint64_t payload_bits,
                             std::uint64_t coded_bits,
                             UepProfile::Scaling scaling,
                             std::uint64_t unit)
{
    std::uint64_t wanted = bits, divisor = FACTOR_UNIT * unit;
    switch (scaling) {
    case UepProfile::Scaling::NONE:
        wanted *= factor;
        break;
    case UepProfile::Scaling::CODED_BITS: // factor x coded / (3 payload)
        wanted *= factor * coded_bits;
        divisor *= EXPANSION * payload_bits;
        break;
    case UepProfile::Scaling::REDUNDANCY: // 1 + (factor - 1) (coded - payload) / (2 payload)
        wanted *= FACTOR_UNIT * (EXPANSION - 1) * payload_bits +
                  (factor - FACTOR_UNIT) * (coded_bits - payload_bits);
        divisor *= (EXPANSION - 1) * payload_bits;
        break;
    }
    return (wanted + divisor - 1) / divisor * unit;
}

} // namespace

std::string UepProfile::error() const
{
    const int most = scaling == Scaling::NONE ? 10'000 : 100;
    for (const double factor : factors) {
        if (!(factor >= 1 && factor < most)) {
            return "a factor of the protection is " + std::to_string(factor) +
                   ", must be 1 to below " + std::to_string(most);
        }
    }
    return {};
}

std::vector<std::size_t> embedded_part_bits(std::size_t payload_bits)
{
    if (payload_bits < SHORTEST_IN_PARTS) {
        return { payload_bits };
    }
    std::vector<std::size_t> parts;
    std::size_t start = 0;
    for (const std::size_t share : PART_ENDS) {
        const std::size_t end = payload_bits * share / PART_ENDS.back();
        parts.push_back(end - start);
        start = end;
    }
    return parts;
}

TransportBlocks uep_transport_blocks(const std::vector<std::size_t>& part_bits,
                                     std::size_t coded_bits,
                                     int bits_per_symbol,
                                     const UepProfile& profile)
{
    if (const auto error = profile.error(); !error.empty()) {
        throw std::invalid_argument(error);
    }
    const std::size_t payload_bits =
        std::accumulate(part_bits.begin(), part_bits.end(), std::size_t{ 0 });
    if (part_bits.size() <= 1) {
        return frame_blocks(payload_bits, coded_bits, bits_per_symbol, {});
    }
    if (payload_bits > MOST_PAYLOAD_BITS || coded_bits > MOST_CODED_BITS) {
        throw std::invalid_argument("a frame with parts has at most " +
                                    std::to_string(MOST_PAYLOAD_BITS) + " payload bits and " +
                                    std::to_string(MOST_CODED_BITS) + " coded bits");
    }
    const auto& factors = profile.factors;
    if (factors.empty() || factors.size() >= part_bits.size()) {
        throw std::invalid_argument("the protection has " + std::to_string(factors.size()) +
                                    " numbers, but " + std::to_string(part_bits.size()) +
                                    " parts need 1 to " + std::to_string(part_bits.size() - 1));
    }
    if (coded_bits < payload_bits) {
        throw std::invalid_argument("coded_bits is " + std::to_string(coded_bits) +
                                    ", must be at least payload_bits, " +
                                    std::to_string(payload_bits));
    }
    // A header's profile id tells few lists apart, so those of a profile suit any constellation.
    const std::uint64_t unit =
        profile.scaling == UepProfile::Scaling::NONE ? bits_per_symbol : ANY_SYMBOL;
    std::vector<TransportBlock> blocks;
    auto left = static_cast<std::int64_t>(coded_bits);
    for (std::size_t i = 0; i < factors.size(); ++i) {
        std::size_t bits = part_bits[i];
        if (i && whole_factor(factors[i]) == whole_factor(factors[i - 1])) {
            bits += blocks.back().payload_bits;
            left += blocks.back().coded_bits;
            blocks.pop_back();
        }
        const auto factor = whole_factor(factors[i]);
        blocks.push_back(
            { bits,
              coded_block_bits(bits, factor, payload_bits, coded_bits, profile.scaling, unit) });
        left -= blocks.back().coded_bits;
    }
    const auto last = static_cast<std::int64_t>(
        std::accumulate(part_bits.begin() + factors.size(), part_bits.end(), std::size_t{ 0 }));
    if (left < last) {
        throw std::invalid_argument("the protection leaves " +
                                    std::to_string(std::max<std::int64_t>(left, 0)) +
                                    " coded bits for " + std::to_string(last) + " of payload");
    }
    blocks.push_back({ static_cast<std::size_t>(last), static_cast<std::size_t>(left) });
    return frame_blocks(
        payload_bits, coded_bits, bits_per_symbol, { std::move(blocks), profile.on_strong_bits });
}

} // namespace gr::vqdeepsc::kernel
