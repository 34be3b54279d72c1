/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/base/crc.h"

#include <boost/test/unit_test.hpp>

#include <vector>

using gr::vqdeepsc::kernel::Crc;
using gr::vqdeepsc::kernel::crc16;
using gr::vqdeepsc::kernel::crc24a;
using gr::vqdeepsc::kernel::crc24b;

namespace {

std::vector<std::uint8_t> bits_of(const std::string& text)
{
    std::vector<std::uint8_t> bits;
    for (const unsigned char byte : text) {
        for (int i = 7; i >= 0; i--) {
            bits.push_back(byte >> i & 1);
        }
    }
    return bits;
}

// Division of polynomials bit by bit.
std::uint32_t divide(std::vector<std::uint8_t> bits, int length, std::uint32_t polynomial)
{
    bits.resize(bits.size() + length, 0);
    std::uint32_t remainder = 0;
    for (const std::uint8_t bit : bits) {
        const bool carry = remainder >> (length - 1) & 1;
        remainder = (remainder << 1 | bit) & ((1U << length) - 1);
        remainder ^= carry ? polynomial : 0;
    }
    return remainder;
}

BOOST_AUTO_TEST_CASE(against_division_and_catalogue)
{
    // The check values of CRC-16/XMODEM and CRC-24/LTE-A and -B in the catalogue of G. Cook.
    const auto digits = bits_of("123456789");
    BOOST_CHECK_MESSAGE(crc16().compute(digits.data(), digits.size()) == 0x31c3,
                        "CRC16 of 123456789");
    BOOST_CHECK_MESSAGE(crc24a().compute(digits.data(), digits.size()) == 0xcde703,
                        "CRC24A of 123456789");
    BOOST_CHECK_MESSAGE(crc24b().compute(digits.data(), digits.size()) == 0x23ef52,
                        "CRC24B of 123456789");

    struct Case {
        const Crc& crc;
        std::uint32_t polynomial;
    };
    const Case cases[] = { { crc16(), 0x1021 }, { crc24a(), 0x864cfb }, { crc24b(), 0x800063 } };
    std::uint32_t state = 1;
    for (const Case& one : cases) {
        for (std::size_t count = 0; count < 200; count++) {
            std::vector<std::uint8_t> bits(count);
            for (auto& bit : bits) {
                state = state * 1664525U + 1013904223U;
                bit = state >> 31;
            }
            const std::string name = "CRC of " + std::to_string(one.crc.length()) + " bits over " +
                                     std::to_string(count);
            BOOST_CHECK_MESSAGE(one.crc.compute(bits.data(), count) ==
                                    divide(bits, one.crc.length(), one.polynomial),
                                name + " against division");
            bits.resize(count + one.crc.length());
            one.crc.append(bits.data(), count, bits.data() + count);
            BOOST_CHECK_MESSAGE(one.crc.check(bits.data(), bits.size()),
                                name + " accepts its own parity");
            bits[state % bits.size()] ^= 1;
            BOOST_CHECK_MESSAGE(!one.crc.check(bits.data(), bits.size()),
                                name + " sees one wrong bit");
        }
    }
}

} // namespace
