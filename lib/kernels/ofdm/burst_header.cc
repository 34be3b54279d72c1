/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_header.h"

#include "kernels/base/crc.h"

#include <algorithm>
#include <stdexcept>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr std::size_t PARITY_BITS = 24;
constexpr std::size_t PROTECTED_HEADER_BITS_1 = 128 + PARITY_BITS;
constexpr std::size_t PROTECTED_HEADER_BITS_2 = 216 + PARITY_BITS;
constexpr int ITERATIONS = 20;
constexpr std::array<std::array<int, 2>, 4> RATE_RATIOS = {
    { { 1, 3 }, { 1, 2 }, { 2, 3 }, { 3, 4 } }
};

bool known_bits_per_symbol(int bits)
{
    const auto& known = BURST_BITS_PER_SYMBOL;
    return std::find(known.begin(), known.end(), bits) != known.end();
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

int code_rate_from_name(const std::string& name)
{
    const auto found = std::find(CODE_RATES.begin(), CODE_RATES.end(), name);
    if (found == CODE_RATES.end()) {
        throw std::invalid_argument("code_rate is '" + name +
                                    "', must be '1/3', '1/2', '2/3' or '3/4'");
    }
    return static_cast<int>(found - CODE_RATES.begin());
}

int uep_profile_id(const TransportBlocks& transport_blocks)
{
    if (transport_blocks.blocks.size() <= 1) {
        return 0;
    }
    constexpr int LENGTH = 24;
    std::vector<std::uint8_t> bits;
    for (const auto& block : transport_blocks.blocks) {
        for (const std::size_t number : { block.payload_bits, block.coded_bits }) {
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

std::string BurstHeader::error() const
{
    if (!known_bits_per_symbol(bits_per_symbol)) {
        return "bits_per_symbol is " + std::to_string(bits_per_symbol) + ", must be 2, 4 or 6";
    }
    for (const auto& problem :
         { outside("code_rate", code_rate, 0, CODE_RATES.size() - 1),
           outside("payload_bits", payload_bits, 1, MAX_PAYLOAD_BITS),
           outside("uep_profile", uep_profile, 0, 255),
           outside("redundancy_version", redundancy_version, 0, frame.version == 1 ? 0 : 3),
           outside("burst_profile",
                   burst_profile,
                   0,
                   frame.version == 1 ? 0 : static_cast<long>(BURST_PROFILES.size()) - 1) }) {
        if (!problem.empty()) {
            return problem;
        }
    }
    return frame.error();
}

bool BurstHeader::coded_as(const BurstHeader& other) const
{
    return bits_per_symbol == other.bits_per_symbol && code_rate == other.code_rate &&
           payload_bits == other.payload_bits && uep_profile == other.uep_profile;
}

namespace {

// Writes fields, most significant bit first.
class Packer
{
public:
    explicit Packer(std::size_t bits) { d_bits.reserve(bits); }

    template <typename Value>
    void operator()(const Value& value, int length)
    {
        for (int i = length - 1; i >= 0; --i) {
            d_bits.push_back(static_cast<std::uint64_t>(value) >> i & 1);
        }
    }
    std::vector<std::uint8_t>& bits() { return d_bits; }

private:
    std::vector<std::uint8_t> d_bits;
};

// Reads them.
class Unpacker
{
public:
    explicit Unpacker(const std::vector<std::uint8_t>& bits) : d_next(bits.data()) {}

    template <typename Value>
    void operator()(Value& value, int length)
    {
        std::uint64_t number = 0;
        for (int i = 0; i < length; ++i) {
            number = number << 1 | *d_next++;
        }
        value = static_cast<Value>(number);
    }

private:
    const std::uint8_t* d_next;
};

// What is on the air, but not as it is in a BurstHeader.
struct Coding {
    std::uint32_t modulation = 0;
    std::uint32_t region = 0; // of version 1
    std::uint64_t spare = 0;
};

// Calls field(value, bits) for each field in the order on the air.
template <typename Header, typename Field>
void for_each_field(Header& header, Coding& coding, Field& field)
{
    field(header.frame.version, 8);
    if (header.frame.version == 1) {
        field(coding.modulation, 4);
        field(header.code_rate, 4);
        field(header.payload_bits, 16);
        field(header.frame.model, 16);
        field(header.frame.image, 16);
        field(header.frame.width, 16);
        field(header.frame.height, 16);
        field(coding.region, 24);
        field(header.uep_profile, 8);
        return;
    }
    field(header.burst_profile, 4);
    field(coding.modulation, 4);
    field(header.code_rate, 4);
    field(header.uep_profile, 8);
    field(header.redundancy_version, 2);
    field(header.payload_bits, 16);
    for (auto entry = FRAME_FIELDS.begin() + 1; entry != FRAME_FIELDS.end(); ++entry) {
        field(header.frame.*entry->value, entry->bits);
    }
    field(coding.spare, 34);
}

} // namespace

std::vector<std::uint8_t> pack_header(const BurstHeader& header)
{
    if (const auto error = header.error(); !error.empty()) {
        throw std::invalid_argument(error);
    }
    Packer packer(PROTECTED_HEADER_BITS_2);
    Coding coding;
    coding.modulation = header.bits_per_symbol / 2 - 1;
    coding.region = header.frame.first_block / REGION_BLOCKS;
    for_each_field(header, coding, packer);
    auto& bits = packer.bits();
    const std::size_t fields = bits.size();
    bits.resize(fields + PARITY_BITS);
    crc24a().append(bits.data(), fields, bits.data() + fields);
    return bits;
}

ReceivedHeader unpack_header(const std::vector<std::uint8_t>& bits)
{
    ReceivedHeader received;
    received.crc_ok = crc24a().check(bits.data(), bits.size());
    if (!received.crc_ok) {
        return received;
    }
    const std::uint32_t expected = bits.size() == PROTECTED_HEADER_BITS_1 ? 1 : 2;
    auto& header = received.header;
    Unpacker unpacker(bits);
    std::uint32_t version = 0;
    unpacker(version, 8);
    if (version != expected) {
        received.error =
            "the burst is of version " + std::to_string(version) + ", known are versions 1 and 2";
        return received;
    }
    Coding coding;
    header.frame.version = expected;
    unpacker = Unpacker(bits);
    for_each_field(header, coding, unpacker);
    header.bits_per_symbol = 2 * (static_cast<int>(coding.modulation) + 1);
    if (version == 1) {
        header.frame.first_block = coding.region * REGION_BLOCKS;
    }
    if (coding.spare != 0) {
        received.error = "bits of the header are set that mean nothing in version 2";
    } else {
        received.error = header.error();
    }
    return received;
}

BurstHeaderCodec::Version::Version(std::size_t count)
    : bits(count),
      encoder(count, CODED_HEADER_BITS, HEADER_BITS_PER_SYMBOL),
      decoder(count, CODED_HEADER_BITS, HEADER_BITS_PER_SYMBOL, 0, ITERATIONS)
{
}

BurstHeaderCodec::BurstHeaderCodec()
    : d_versions{ Version(PROTECTED_HEADER_BITS_2), Version(PROTECTED_HEADER_BITS_1) }
{
}

CodedHeader BurstHeaderCodec::encode(const BurstHeader& header)
{
    const auto bits = pack_header(header);
    CodedHeader coded;
    d_versions[header.frame.version == 1].encoder.encode(bits.data(), coded.data());
    return coded;
}

ReceivedHeader BurstHeaderCodec::decode(const float* llrs, CodedHeader& coded)
{
    for (auto& version : d_versions) {
        if (version.decoder.decode(llrs, version.bits.data()).crc_ok) {
            auto received = unpack_header(version.bits);
            if (received.crc_ok) {
                version.encoder.encode(version.bits.data(), coded.data());
                return received;
            }
        }
    }
    return {};
}

BurstHeader make_burst_header(std::size_t payload_bits,
                              int bits_per_symbol,
                              const std::string& code_rate)
{
    BurstHeader header;
    header.bits_per_symbol = bits_per_symbol;
    header.code_rate = code_rate_from_name(code_rate);
    header.payload_bits = static_cast<int>(std::min<std::size_t>(payload_bits, 1 << 30));
    if (const auto error = header.error(); !error.empty()) {
        throw std::invalid_argument(error);
    }
    return header;
}

} // namespace gr::vqdeepsc::kernel
