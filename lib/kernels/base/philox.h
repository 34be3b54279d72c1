/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_PHILOX_H
#define INCLUDED_VQDEEPSC_KERNEL_PHILOX_H

#include <array>
#include <cstdint>

namespace gr::vqdeepsc::kernel {

/*! Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011: four random 32-bit words for each counter and key.
 */
inline std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                               std::array<std::uint32_t, 2> key)
{
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product0 = std::uint64_t{ 0xD2511F53 } * counter[0];
        const std::uint64_t product1 = std::uint64_t{ 0xCD9E8D57 } * counter[2];
        counter = { static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
                    static_cast<std::uint32_t>(product1),
                    static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
                    static_cast<std::uint32_t>(product0) };
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    return counter;
}

} // namespace gr::vqdeepsc::kernel

#endif
