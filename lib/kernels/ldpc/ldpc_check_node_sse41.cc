/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_check_node_simd.h"

#include <immintrin.h>

namespace gr::vqdeepsc::kernel {

namespace {

__m128i broadcast(const std::array<std::uint8_t, 16>& values)
{
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(values.data()));
}

// One table in each group of 16 lanes, as the shuffles want them.
template <typename Element>
struct ShuffleTables {
    __m128i gain = broadcast(LdpcFixedPoint<Element>::GAIN);
    __m128i loss = broadcast(LdpcFixedPoint<Element>::LOSS);
};

struct Int8Ops {
    using Element = std::int8_t;
    using Vector = __m128i;
    using Tables = ShuffleTables<Element>;
    static constexpr int LANES = 16;

    static Vector load(const Element* from)
    {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    }
    static void store(Element* to, Vector a)
    {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), a);
    }
    static Vector fill(int value) { return _mm_set1_epi8(static_cast<Element>(value)); }
    static Vector exclusive_or(Vector a, Vector b) { return _mm_xor_si128(a, b); }
    static Vector absolute(Vector a) { return _mm_abs_epi8(a); }
    static Vector add_signed(Vector a, Vector b) { return _mm_adds_epi8(a, b); }
    static Vector subtract_signed(Vector a, Vector b) { return _mm_subs_epi8(a, b); }
    static Vector clip(Vector a)
    {
        return _mm_max_epi8(a, fill(-LdpcFixedPoint<Element>::POSTERIOR_LIMIT));
    }
    static Vector min(Vector a, Vector b) { return _mm_min_epu8(a, b); }
    static Vector max(Vector a, Vector b) { return _mm_max_epu8(a, b); }
    static Vector subtract(Vector a, Vector b) { return _mm_subs_epu8(a, b); }
    // From 128 on, which distances of 16 and more reach, the shuffle gives zero.
    static Vector loss_less_gain(Vector smaller, Vector larger, const Tables& tables)
    {
        const Vector shifted = _mm_adds_epu8(larger, fill(112));
        const Vector gain = _mm_shuffle_epi8(tables.gain, _mm_adds_epu8(shifted, smaller));
        const Vector loss = _mm_shuffle_epi8(tables.loss, _mm_subs_epu8(shifted, smaller));
        return _mm_subs_epu8(loss, gain);
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        return _mm_blendv_epi8(different, equal, _mm_cmpeq_epi8(a, b));
    }
    static Vector apply_sign(Vector a, Vector sign)
    {
        // The instruction gives zero where the sign is zero.
        return _mm_sign_epi8(a, _mm_or_si128(sign, fill(1)));
    }
    static bool any_negative(Vector a, int lanes)
    {
        const std::uint64_t negative = static_cast<std::uint32_t>(_mm_movemask_epi8(a));
        return negative << (64 - lanes) != 0;
    }
};

struct Int16Ops {
    using Element = std::int16_t;
    using Vector = __m128i;
    using Tables = ShuffleTables<Element>;
    static constexpr int LANES = 8;

    static Vector load(const Element* from)
    {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    }
    static void store(Element* to, Vector a)
    {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), a);
    }
    static Vector fill(int value) { return _mm_set1_epi16(static_cast<Element>(value)); }
    static Vector exclusive_or(Vector a, Vector b) { return _mm_xor_si128(a, b); }
    static Vector absolute(Vector a) { return _mm_abs_epi16(a); }
    static Vector add_signed(Vector a, Vector b) { return _mm_adds_epi16(a, b); }
    static Vector subtract_signed(Vector a, Vector b) { return _mm_subs_epi16(a, b); }
    static Vector clip(Vector a)
    {
        return _mm_max_epi16(a, fill(-LdpcFixedPoint<Element>::POSTERIOR_LIMIT));
    }
    static Vector min(Vector a, Vector b) { return _mm_min_epu16(a, b); }
    static Vector max(Vector a, Vector b) { return _mm_max_epu16(a, b); }
    static Vector subtract(Vector a, Vector b) { return _mm_subs_epu16(a, b); }
    static Vector loss_less_gain(Vector smaller, Vector larger, const Tables& tables)
    {
        const Vector gain = look_up(tables.gain, _mm_adds_epu16(larger, smaller));
        const Vector loss = look_up(tables.loss, _mm_subs_epu16(larger, smaller));
        return _mm_subs_epu16(loss, gain);
    }
    static Vector look_up(Vector table, Vector a)
    {
        const Vector index =
            _mm_min_epu16(_mm_srli_epi16(a, LdpcFixedPoint<Element>::INDEX_SHIFT), fill(15));
        // A set top bit makes the shuffle write zero to the upper byte.
        return _mm_shuffle_epi8(table, _mm_or_si128(index, fill(0x8000)));
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        return _mm_blendv_epi8(different, equal, _mm_cmpeq_epi16(a, b));
    }
    static Vector apply_sign(Vector a, Vector sign)
    {
        // The instruction gives zero where the sign is zero.
        return _mm_sign_epi16(a, _mm_or_si128(sign, fill(1)));
    }
    static bool any_negative(Vector a, int lanes)
    {
        const Vector bytes = _mm_srai_epi16(a, 15);
        const std::uint64_t negative = static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
        return negative << (64 - 2 * lanes) != 0;
    }
};

} // namespace

LdpcCheckNode<std::int8_t> ldpc_check_node_int8_sse41()
{
    using Layers = LdpcLayers<Int8Ops>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

LdpcCheckNode<std::int16_t> ldpc_check_node_int16_sse41()
{
    using Layers = LdpcLayers<Int16Ops>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

} // namespace gr::vqdeepsc::kernel
