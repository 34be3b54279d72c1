/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gold_sequence.h"

namespace gr::vqdeepsc::kernel {

std::vector<std::uint8_t> gold_sequence(std::uint32_t initial, std::size_t length)
{
    // Both registers hold 31 bits, the next one to come out lowest.
    std::uint32_t x1 = 1;
    std::uint32_t x2 = initial & 0x7fffffffU;
    const auto step = [&x1, &x2] {
        x1 = x1 >> 1 | ((x1 >> 3 ^ x1) & 1U) << 30;
        x2 = x2 >> 1 | ((x2 >> 3 ^ x2 >> 2 ^ x2 >> 1 ^ x2) & 1U) << 30;
    };
    constexpr int SKIPPED = 1600;
    for (int i = 0; i < SKIPPED; ++i) {
        step();
    }
    std::vector<std::uint8_t> bits(length);
    for (auto& bit : bits) {
        bit = (x1 ^ x2) & 1U;
        step();
    }
    return bits;
}

} // namespace gr::vqdeepsc::kernel
