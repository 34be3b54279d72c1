/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crc.h"

namespace gr::vqdeepsc::kernel {

namespace {

std::uint32_t pack_byte(const std::uint8_t* bits)
{
    std::uint32_t byte = 0;
    for (int i = 0; i < 8; i++) {
        byte = byte << 1 | bits[i];
    }
    return byte;
}

} // namespace

// The register is kept at the top of 32 bits, so that one table step serves every length.
Crc::Crc(int length, std::uint32_t polynomial)
    : d_length(length), d_polynomial(polynomial << (32 - length))
{
    for (std::uint32_t byte = 0; byte < 256; byte++) {
        std::uint32_t remainder = byte << 24;
        for (int i = 0; i < 8; i++) {
            remainder = remainder << 1 ^ (remainder >> 31 ? d_polynomial : 0);
        }
        d_table[0][byte] = remainder;
    }
    for (std::size_t k = 1; k < d_table.size(); k++) {
        for (std::size_t byte = 0; byte < 256; byte++) {
            const std::uint32_t before = d_table[k - 1][byte];
            d_table[k][byte] = before << 8 ^ d_table[0][before >> 24];
        }
    }
}

std::uint32_t Crc::compute(const std::uint8_t* bits, std::size_t count) const
{
    std::uint32_t remainder = 0;
    std::size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        remainder ^= pack_byte(bits + i) << 24 | pack_byte(bits + i + 8) << 16 |
                     pack_byte(bits + i + 16) << 8 | pack_byte(bits + i + 24);
        remainder = d_table[3][remainder >> 24] ^ d_table[2][remainder >> 16 & 255] ^
                    d_table[1][remainder >> 8 & 255] ^ d_table[0][remainder & 255];
    }
    for (; i < count; i++) {
        remainder ^= static_cast<std::uint32_t>(bits[i]) << 31;
        remainder = remainder << 1 ^ (remainder >> 31 ? d_polynomial : 0);
    }
    return remainder >> (32 - d_length);
}

void Crc::append(const std::uint8_t* bits, std::size_t count, std::uint8_t* parity) const
{
    const std::uint32_t value = compute(bits, count);
    for (int i = 0; i < d_length; i++) {
        parity[i] = value >> (d_length - 1 - i) & 1;
    }
}

bool Crc::check(const std::uint8_t* bits, std::size_t count) const
{
    // The remainder of a message with its own parity is zero.
    return compute(bits, count) == 0;
}

const Crc& crc24a()
{
    static const Crc crc(24, 0x864cfb);
    return crc;
}

const Crc& crc24b()
{
    static const Crc crc(24, 0x800063);
    return crc;
}

const Crc& crc16()
{
    static const Crc crc(16, 0x1021);
    return crc;
}

} // namespace gr::vqdeepsc::kernel
