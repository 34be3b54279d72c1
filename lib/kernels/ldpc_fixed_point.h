/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_FIXED_POINT_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_FIXED_POINT_H

#include <array>
#include <cstdint>

namespace gr::vqdeepsc::kernel {

/*! Number format of the decoder for messages of one width. */
template <typename Element>
struct LdpcFixedPoint;

template <>
struct LdpcFixedPoint<std::int8_t> {
    static constexpr float STEPS_PER_NAT = 4.0f;
    static constexpr int CHANNEL_LIMIT = 127;
    static constexpr int POSTERIOR_LIMIT = 127;
    /*! Larger messages saturate the posteriors of columns with many rows, and frames fail. */
    static constexpr int MESSAGE_LIMIT = 31;
    /*! round(STEPS_PER_NAT * ln(1 + exp(-i / STEPS_PER_NAT))) for a distance of i steps. */
    static constexpr int INDEX_SHIFT = 0;
    static constexpr std::array<std::uint8_t, 16> CORRECTION = { 3, 2, 2, 2, 1, 1, 1, 1,
                                                                 1, 0, 0, 0, 0, 0, 0, 0 };
};

template <>
struct LdpcFixedPoint<std::int16_t> {
    static constexpr float STEPS_PER_NAT = 8.0f;
    static constexpr int CHANNEL_LIMIT = 1023;
    static constexpr int POSTERIOR_LIMIT = 32767;
    static constexpr int MESSAGE_LIMIT = 1023;
    /*! The same for distances of 2 i and 2 i + 1 steps. */
    static constexpr int INDEX_SHIFT = 1;
    static constexpr std::array<std::uint8_t, 16> CORRECTION = { 5, 4, 4, 3, 2, 2, 2, 1,
                                                                 1, 1, 1, 0, 0, 0, 0, 0 };
};

} // namespace gr::vqdeepsc::kernel

#endif
