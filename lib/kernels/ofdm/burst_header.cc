/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_header.h"

#include "kernels/base/crc.h"

#include <algorithm>
#include <stdexcept>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr int VERSION = 1;
constexpr int REGION_PIXELS = 128;
constexpr std::array<int, 3> BITS_PER_SYMBOL = { 2, 4, 6 };
constexpr std::array<std::array<int, 2>, 4> RATE_RATIOS = {
    { { 1, 3 }, { 1, 2 }, { 2, 3 }, { 3, 4 } }
};

int region_count(int width, int height)
{
    return (width + REGION_PIXELS - 1) / REGION_PIXELS *
           ((height + REGION_PIXELS - 1) / REGION_PIXELS);
}

bool known_bits_per_symbol(int bits)
{
    return std::find(BITS_PER_SYMBOL.begin(), BITS_PER_SYMBOL.end(), bits) != BITS_PER_SYMBOL.end();
}

std::string outside(const char* name, long value, long low, long high)
{
    if (value >= low && value <= high) {
        return {};
    }
    return std::string(name) + " is " + std::to_string(value) + ", must be " + std::to_string(low) +
           " to " + std::to_string(high);
}

} // namespace

const std::array<const char*, 4> CODE_RATES = { "1/3", "1/2", "2/3", "3/4" };

int code_rate_from_name(const std::string& name)
{
    const auto found = std::find(CODE_RATES.begin(), CODE_RATES.end(), name);
    if (found == CODE_RATES.end()) {
        throw std::invalid_argument("code_rate is '" + name +
                                    "', must be '1/3', '1/2', '2/3' or '3/4'");
    }
    return static_cast<int>(found - CODE_RATES.begin());
}

int protection_number(const TransportBlocks& transport_blocks)
{
    if (transport_blocks.size() <= 1) {
        return 0;
    }
    constexpr int LENGTH = 24;
    std::vector<std::uint8_t> bits;
    for (const auto& [payload, coded] : transport_blocks) {
        for (const std::size_t number : { payload, coded }) {
            for (int i = LENGTH - 1; i >= 0; --i) {
                bits.push_back(number >> i & 1);
            }
        }
    }
    return 1 + static_cast<int>(crc24a().compute(bits.data(), bits.size()) % 255);
}

std::size_t BurstHeader::coded_bits() const
{
    const auto [numerator, denominator] = RATE_RATIOS[code_rate];
    const std::size_t bits =
        (static_cast<std::size_t>(payload_bits) * denominator + numerator - 1) / numerator;
    return (bits + bits_per_symbol - 1) / bits_per_symbol * bits_per_symbol;
}

std::string BurstHeader::fault() const
{
    if (!known_bits_per_symbol(bits_per_symbol)) {
        return "bits_per_symbol is " + std::to_string(bits_per_symbol) + ", must be 2, 4 or 6";
    }
    for (const auto& problem : { outside("code_rate", code_rate, 0, CODE_RATES.size() - 1),
                                 outside("payload_bits", payload_bits, 1, MAX_PAYLOAD_BITS),
                                 outside("model", model, 0, 65535),
                                 outside("picture", picture, 0, 65535),
                                 outside("width", width, 1, 65535),
                                 outside("height", height, 1, 65535),
                                 outside("protection", protection, 0, 255) }) {
        if (!problem.empty()) {
            return problem;
        }
    }
    return outside("region", region, 0, region_count(width, height) - 1);
}

namespace {

// Calls field(value, bits) for each field in the order on the air.
template <typename Header, typename Field>
void for_each_field(Header& header, int& version, int& modulation, const Field& field)
{
    field(version, 8);
    field(modulation, 4);
    field(header.code_rate, 4);
    field(header.payload_bits, 16);
    field(header.model, 16);
    field(header.picture, 16);
    field(header.width, 16);
    field(header.height, 16);
    field(header.region, 24);
    field(header.protection, 8);
}

} // namespace

std::array<std::uint8_t, PROTECTED_HEADER_BITS> pack_header(const BurstHeader& header)
{
    if (const auto fault = header.fault(); !fault.empty()) {
        throw std::invalid_argument(fault);
    }
    std::array<std::uint8_t, PROTECTED_HEADER_BITS> bits{};
    auto* out = bits.data();
    int version = VERSION;
    int modulation = header.bits_per_symbol / 2 - 1;
    for_each_field(header, version, modulation, [&out](int value, int length) {
        for (int i = length - 1; i >= 0; --i) {
            *out++ = value >> i & 1;
        }
    });
    crc24a().append(bits.data(), HEADER_BITS, out);
    return bits;
}

ReceivedHeader unpack_header(const std::array<std::uint8_t, PROTECTED_HEADER_BITS>& bits)
{
    ReceivedHeader received;
    received.crc_ok = crc24a().check(bits.data(), bits.size());
    if (!received.crc_ok) {
        return received;
    }
    const auto* in = bits.data();
    int version = 0;
    int modulation = 0;
    for_each_field(received.header, version, modulation, [&in](int& value, int length) {
        value = 0;
        for (int i = 0; i < length; ++i) {
            value = value << 1 | *in++;
        }
    });
    received.header.bits_per_symbol = 2 * (modulation + 1);
    if (version != VERSION) {
        received.fault = "the burst is of version " + std::to_string(version) +
                         ", known is version " + std::to_string(VERSION);
    } else {
        received.fault = received.header.fault();
    }
    return received;
}

BurstHeader make_burst_header(std::size_t payload_bits,
                              int bits_per_symbol,
                              const std::string& code_rate)
{
    BurstHeader header;
    header.bits_per_symbol = bits_per_symbol;
    header.code_rate = code_rate_from_name(code_rate);
    header.payload_bits = static_cast<int>(std::min<std::size_t>(payload_bits, 1 << 30));
    if (const auto fault = header.fault(); !fault.empty()) {
        throw std::invalid_argument(fault);
    }
    return header;
}

} // namespace gr::vqdeepsc::kernel
