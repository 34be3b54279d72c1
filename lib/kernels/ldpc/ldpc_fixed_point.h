/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_FIXED_POINT_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_FIXED_POINT_H

#include <array>
#include <cstdint>

namespace gr::vqdeepsc::kernel {

/*! Number format of the decoder for messages of one width.
 *
 * GAIN and LOSS tabulate STEPS_PER_NAT * ln(1 + exp(-x)) for x = 0, 1, 2 ... steps, or for pairs
 * of steps where INDEX_SHIFT is 1. A row adds up the roundings of all its bits: with the gain
 * rounded to the nearest step and the loss rounded down (int16) they nearly cancel, which is
 * worth 0.1 dB; for int8 both tables were found by search around that rule.
 */
template <typename Element>
struct LdpcFixedPoint;

template <>
struct LdpcFixedPoint<std::int8_t> {
    static constexpr float STEPS_PER_NAT = 5.0f;
    static constexpr int CHANNEL_LIMIT = 127;
    static constexpr int POSTERIOR_LIMIT = 127;
    /*! With 5 nats, small sets of bits stay wrong (a floor of 0.4 % of the frames). With 9, a
     * saturated bit's input, 127 less the limit and less the loss of a row of 19, can fall short
     * of the limit; messages shrink, their column follows, and frames fail on good channels. */
    static constexpr int MESSAGE_LIMIT = 40;
    static constexpr int INDEX_SHIFT = 0;
    using Table = std::array<std::uint8_t, 16>;
    static constexpr Table GAIN = { 4, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0 };
    static constexpr Table LOSS = { 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0 };
};

template <>
struct LdpcFixedPoint<std::int16_t> {
    static constexpr float STEPS_PER_NAT = 8.0f;
    static constexpr int CHANNEL_LIMIT = 1023;
    static constexpr int POSTERIOR_LIMIT = 32767;
    static constexpr int MESSAGE_LIMIT = 1023;
    static constexpr int INDEX_SHIFT = 1;
    using Table = std::array<std::uint8_t, 16>;
    static constexpr Table GAIN = { 5, 4, 4, 3, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0 };
    static constexpr Table LOSS = { 5, 4, 3, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0 };
};

} // namespace gr::vqdeepsc::kernel

#endif
