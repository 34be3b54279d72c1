/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_check_node_simd.h"

#include <arm_neon.h>

namespace gr::vqdeepsc::kernel {

namespace {

template <typename Element>
struct LookUpTables {
    uint8x16_t gain = vld1q_u8(LdpcFixedPoint<Element>::GAIN.data());
    uint8x16_t loss = vld1q_u8(LdpcFixedPoint<Element>::LOSS.data());
};

struct Int8Ops {
    using Element = std::int8_t;
    using Vector = uint8x16_t;
    using Tables = LookUpTables<Element>;
    static constexpr int LANES = 16;

    static int8x16_t numbers(Vector a) { return vreinterpretq_s8_u8(a); }
    static Vector bits(int8x16_t a) { return vreinterpretq_u8_s8(a); }

    static Vector load(const Element* from) { return bits(vld1q_s8(from)); }
    static void store(Element* to, Vector a) { vst1q_s8(to, numbers(a)); }
    static Vector fill(int value) { return vdupq_n_u8(static_cast<std::uint8_t>(value)); }
    static Vector exclusive_or(Vector a, Vector b) { return veorq_u8(a, b); }
    static Vector absolute(Vector a) { return bits(vabsq_s8(numbers(a))); }
    static Vector add_signed(Vector a, Vector b) { return bits(vqaddq_s8(numbers(a), numbers(b))); }
    static Vector subtract_signed(Vector a, Vector b)
    {
        return bits(vqsubq_s8(numbers(a), numbers(b)));
    }
    static Vector clip(Vector a)
    {
        return bits(vmaxq_s8(numbers(a), vdupq_n_s8(-LdpcFixedPoint<Element>::POSTERIOR_LIMIT)));
    }
    static Vector min(Vector a, Vector b) { return vminq_u8(a, b); }
    static Vector max(Vector a, Vector b) { return vmaxq_u8(a, b); }
    static Vector subtract(Vector a, Vector b) { return vqsubq_u8(a, b); }
    // From 16 on the look-up gives zero.
    static Vector loss_less_gain(Vector smaller, Vector larger, const Tables& tables)
    {
        const Vector gain = vqtbl1q_u8(tables.gain, vqaddq_u8(larger, smaller));
        const Vector loss = vqtbl1q_u8(tables.loss, vsubq_u8(larger, smaller));
        return vqsubq_u8(loss, gain);
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        return vbslq_u8(vceqq_u8(a, b), equal, different);
    }
    static Vector apply_sign(Vector a, Vector sign)
    {
        const int8x16_t negative = vnegq_s8(numbers(a));
        return vbslq_u8(vcltzq_s8(numbers(sign)), bits(negative), a);
    }
    static bool any_negative(Vector a, int lanes)
    {
        static constexpr std::int8_t LANE[LANES] = { 0, 1, 2,  3,  4,  5,  6,  7,
                                                     8, 9, 10, 11, 12, 13, 14, 15 };
        const Vector used = vcltq_s8(vld1q_s8(LANE), vdupq_n_s8(static_cast<Element>(lanes)));
        return vminvq_s8(numbers(vandq_u8(a, used))) < 0;
    }
};

struct Int16Ops {
    using Element = std::int16_t;
    using Vector = uint16x8_t;
    using Tables = LookUpTables<Element>;
    static constexpr int LANES = 8;

    static int16x8_t numbers(Vector a) { return vreinterpretq_s16_u16(a); }
    static Vector bits(int16x8_t a) { return vreinterpretq_u16_s16(a); }

    static Vector load(const Element* from) { return bits(vld1q_s16(from)); }
    static void store(Element* to, Vector a) { vst1q_s16(to, numbers(a)); }
    static Vector fill(int value) { return vdupq_n_u16(static_cast<std::uint16_t>(value)); }
    static Vector exclusive_or(Vector a, Vector b) { return veorq_u16(a, b); }
    static Vector absolute(Vector a) { return bits(vabsq_s16(numbers(a))); }
    static Vector add_signed(Vector a, Vector b)
    {
        return bits(vqaddq_s16(numbers(a), numbers(b)));
    }
    static Vector subtract_signed(Vector a, Vector b)
    {
        return bits(vqsubq_s16(numbers(a), numbers(b)));
    }
    static Vector clip(Vector a)
    {
        return bits(vmaxq_s16(numbers(a), vdupq_n_s16(-LdpcFixedPoint<Element>::POSTERIOR_LIMIT)));
    }
    static Vector min(Vector a, Vector b) { return vminq_u16(a, b); }
    static Vector max(Vector a, Vector b) { return vmaxq_u16(a, b); }
    static Vector subtract(Vector a, Vector b) { return vqsubq_u16(a, b); }
    // Table values fit bytes; the shift saturates, and from 16 on the look-up gives zero.
    static Vector loss_less_gain(Vector smaller, Vector larger, const Tables& tables)
    {
        constexpr int SHIFT = LdpcFixedPoint<Element>::INDEX_SHIFT;
        const uint8x8_t sum = vqshrn_n_u16(vqaddq_u16(larger, smaller), SHIFT);
        const uint8x8_t distance = vqshrn_n_u16(vsubq_u16(larger, smaller), SHIFT);
        const uint8x8_t gain = vqtbl1_u8(tables.gain, sum);
        const uint8x8_t loss = vqtbl1_u8(tables.loss, distance);
        return vmovl_u8(vqsub_u8(loss, gain));
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        return vbslq_u16(vceqq_u16(a, b), equal, different);
    }
    static Vector apply_sign(Vector a, Vector sign)
    {
        const int16x8_t negative = vnegq_s16(numbers(a));
        return vbslq_u16(vcltzq_s16(numbers(sign)), bits(negative), a);
    }
    static bool any_negative(Vector a, int lanes)
    {
        static constexpr std::int16_t LANE[LANES] = { 0, 1, 2, 3, 4, 5, 6, 7 };
        const Vector used = vcltq_s16(vld1q_s16(LANE), vdupq_n_s16(static_cast<Element>(lanes)));
        return vminvq_s16(numbers(vandq_u16(a, used))) < 0;
    }
};

} // namespace

LdpcCheckNode<std::int8_t> ldpc_check_node_int8_neon()
{
    using Layers = LdpcLayers<Int8Ops>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

LdpcCheckNode<std::int16_t> ldpc_check_node_int16_neon()
{
    using Layers = LdpcLayers<Int16Ops>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

} // namespace gr::vqdeepsc::kernel
