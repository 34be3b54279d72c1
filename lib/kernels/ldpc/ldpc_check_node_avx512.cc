/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_check_node_simd.h"

#include <immintrin.h>

namespace gr::vqdeepsc::kernel {

namespace {

__m512i broadcast(const std::array<std::uint8_t, 16>& values)
{
    const __m128i lane = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values.data()));
    // The unmasked form warns of uninitialised use in GCC 12.
    return _mm512_maskz_broadcast_i32x4(0xffff, lane);
}

// One table in each group of 16 lanes, as the shuffles want them.
template <typename Element>
struct ShuffleTables {
    __m512i gain = broadcast(LdpcFixedPoint<Element>::GAIN);
    __m512i loss = broadcast(LdpcFixedPoint<Element>::LOSS);
};

struct Int8Ops {
    using Element = std::int8_t;
    using Vector = __m512i;
    using Tables = ShuffleTables<Element>;
    static constexpr int LANES = 64;

    static Vector load(const Element* from) { return _mm512_loadu_si512(from); }
    static void store(Element* to, Vector a) { _mm512_storeu_si512(to, a); }
    static Vector fill(int value) { return _mm512_set1_epi8(static_cast<Element>(value)); }
    static Vector exclusive_or(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
    static Vector absolute(Vector a) { return _mm512_abs_epi8(a); }
    static Vector add_signed(Vector a, Vector b) { return _mm512_adds_epi8(a, b); }
    static Vector subtract_signed(Vector a, Vector b) { return _mm512_subs_epi8(a, b); }
    static Vector clip(Vector a)
    {
        return _mm512_max_epi8(a, fill(-LdpcFixedPoint<Element>::POSTERIOR_LIMIT));
    }
    static Vector min(Vector a, Vector b) { return _mm512_min_epu8(a, b); }
    static Vector max(Vector a, Vector b) { return _mm512_max_epu8(a, b); }
    static Vector subtract(Vector a, Vector b) { return _mm512_subs_epu8(a, b); }
    // From 128 on, which distances of 16 and more reach, the shuffle gives zero.
    static Vector loss_less_gain(Vector smaller, Vector larger, const Tables& tables)
    {
        const Vector shifted = _mm512_adds_epu8(larger, fill(112));
        const Vector gain = _mm512_shuffle_epi8(tables.gain, _mm512_adds_epu8(shifted, smaller));
        const Vector loss = _mm512_shuffle_epi8(tables.loss, _mm512_subs_epu8(shifted, smaller));
        return _mm512_subs_epu8(loss, gain);
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        return _mm512_mask_blend_epi8(_mm512_cmpeq_epi8_mask(a, b), different, equal);
    }
    static Vector apply_sign(Vector a, Vector sign)
    {
        return _mm512_mask_sub_epi8(a, _mm512_movepi8_mask(sign), _mm512_setzero_si512(), a);
    }
    static bool any_negative(Vector a, int lanes)
    {
        const std::uint64_t negative = _mm512_movepi8_mask(a);
        return negative << (64 - lanes) != 0;
    }
};

struct Int16Ops {
    using Element = std::int16_t;
    using Vector = __m512i;
    using Tables = ShuffleTables<Element>;
    static constexpr int LANES = 32;

    static Vector load(const Element* from) { return _mm512_loadu_si512(from); }
    static void store(Element* to, Vector a) { _mm512_storeu_si512(to, a); }
    static Vector fill(int value) { return _mm512_set1_epi16(static_cast<Element>(value)); }
    static Vector exclusive_or(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
    static Vector absolute(Vector a) { return _mm512_abs_epi16(a); }
    static Vector add_signed(Vector a, Vector b) { return _mm512_adds_epi16(a, b); }
    static Vector subtract_signed(Vector a, Vector b) { return _mm512_subs_epi16(a, b); }
    static Vector clip(Vector a)
    {
        return _mm512_max_epi16(a, fill(-LdpcFixedPoint<Element>::POSTERIOR_LIMIT));
    }
    static Vector min(Vector a, Vector b) { return _mm512_min_epu16(a, b); }
    static Vector max(Vector a, Vector b) { return _mm512_max_epu16(a, b); }
    static Vector subtract(Vector a, Vector b) { return _mm512_subs_epu16(a, b); }
    static Vector loss_less_gain(Vector smaller, Vector larger, const Tables& tables)
    {
        const Vector gain = look_up(tables.gain, _mm512_adds_epu16(larger, smaller));
        const Vector loss = look_up(tables.loss, _mm512_subs_epu16(larger, smaller));
        return _mm512_subs_epu16(loss, gain);
    }
    static Vector look_up(Vector table, Vector a)
    {
        const Vector index =
            _mm512_min_epu16(_mm512_srli_epi16(a, LdpcFixedPoint<Element>::INDEX_SHIFT), fill(15));
        // A set top bit makes the shuffle write zero to the upper byte.
        return _mm512_shuffle_epi8(table, _mm512_or_si512(index, fill(0x8000)));
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        return _mm512_mask_blend_epi16(_mm512_cmpeq_epi16_mask(a, b), different, equal);
    }
    static Vector apply_sign(Vector a, Vector sign)
    {
        return _mm512_mask_sub_epi16(a, _mm512_movepi16_mask(sign), _mm512_setzero_si512(), a);
    }
    static bool any_negative(Vector a, int lanes)
    {
        const std::uint64_t negative = _mm512_movepi16_mask(a);
        return negative << (64 - lanes) != 0;
    }
};

} // namespace

LdpcCheckNode<std::int8_t> ldpc_check_node_int8_avx512()
{
    using Layers = LdpcLayers<Int8Ops>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

LdpcCheckNode<std::int16_t> ldpc_check_node_int16_avx512()
{
    using Layers = LdpcLayers<Int16Ops>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

} // namespace gr::vqdeepsc::kernel
