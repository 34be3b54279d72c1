/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_check_node_simd.h"

#include <immintrin.h>

namespace gr::vqdeepsc::kernel {

namespace {

__m256i broadcast(const std::array<std::uint8_t, 16>& values)
{
    const __m128i lane = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values.data()));
    return _mm256_broadcastsi128_si256(lane);
}

// One table in each group of 16 lanes, as the shuffles want them.
template <typename Element>
struct ShuffleTables {
    __m256i gain = broadcast(LdpcFixedPoint<Element>::GAIN);
    __m256i loss = broadcast(LdpcFixedPoint<Element>::LOSS);
};

struct Int8Ops {
    using Element = std::int8_t;
    using Vector = __m256i;
    using Tables = ShuffleTables<Element>;
    static constexpr int LANES = 32;

    static Vector load(const Element* from)
    {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    }
    static void store(Element* to, Vector a)
    {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a);
    }
    static Vector fill(int value) { return _mm256_set1_epi8(static_cast<Element>(value)); }
    static Vector exclusive_or(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
    static Vector absolute(Vector a) { return _mm256_abs_epi8(a); }
    static Vector add_signed(Vector a, Vector b) { return _mm256_adds_epi8(a, b); }
    static Vector subtract_signed(Vector a, Vector b) { return _mm256_subs_epi8(a, b); }
    static Vector clip(Vector a)
    {
        return _mm256_max_epi8(a, fill(-LdpcFixedPoint<Element>::POSTERIOR_LIMIT));
    }
    static Vector min(Vector a, Vector b) { return _mm256_min_epu8(a, b); }
    static Vector max(Vector a, Vector b) { return _mm256_max_epu8(a, b); }
    static Vector subtract(Vector a, Vector b) { return _mm256_subs_epu8(a, b); }
    // From 128 on, which distances of 16 and more reach, the shuffle gives zero.
    static Vector loss_less_gain(Vector smaller, Vector larger, const Tables& tables)
    {
        const Vector shifted = _mm256_adds_epu8(larger, fill(112));
        const Vector gain = _mm256_shuffle_epi8(tables.gain, _mm256_adds_epu8(shifted, smaller));
        const Vector loss = _mm256_shuffle_epi8(tables.loss, _mm256_subs_epu8(shifted, smaller));
        return _mm256_subs_epu8(loss, gain);
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        return _mm256_blendv_epi8(different, equal, _mm256_cmpeq_epi8(a, b));
    }
    static Vector apply_sign(Vector a, Vector sign)
    {
        // The instruction gives zero where the sign is zero.
        return _mm256_sign_epi8(a, _mm256_or_si256(sign, fill(1)));
    }
    static bool any_negative(Vector a, int lanes)
    {
        const std::uint64_t negative = static_cast<std::uint32_t>(_mm256_movemask_epi8(a));
        return negative << (64 - lanes) != 0;
    }
};

struct Int16Ops {
    using Element = std::int16_t;
    using Vector = __m256i;
    using Tables = ShuffleTables<Element>;
    static constexpr int LANES = 16;

    static Vector load(const Element* from)
    {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    }
    static void store(Element* to, Vector a)
    {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a);
    }
    static Vector fill(int value) { return _mm256_set1_epi16(static_cast<Element>(value)); }
    static Vector exclusive_or(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
    static Vector absolute(Vector a) { return _mm256_abs_epi16(a); }
    static Vector add_signed(Vector a, Vector b) { return _mm256_adds_epi16(a, b); }
    static Vector subtract_signed(Vector a, Vector b) { return _mm256_subs_epi16(a, b); }
    static Vector clip(Vector a)
    {
        return _mm256_max_epi16(a, fill(-LdpcFixedPoint<Element>::POSTERIOR_LIMIT));
    }
    static Vector min(Vector a, Vector b) { return _mm256_min_epu16(a, b); }
    static Vector max(Vector a, Vector b) { return _mm256_max_epu16(a, b); }
    static Vector subtract(Vector a, Vector b) { return _mm256_subs_epu16(a, b); }
    static Vector loss_less_gain(Vector smaller, Vector larger, const Tables& tables)
    {
        const Vector gain = look_up(tables.gain, _mm256_adds_epu16(larger, smaller));
        const Vector loss = look_up(tables.loss, _mm256_subs_epu16(larger, smaller));
        return _mm256_subs_epu16(loss, gain);
    }
    static Vector look_up(Vector table, Vector a)
    {
        const Vector index =
            _mm256_min_epu16(_mm256_srli_epi16(a, LdpcFixedPoint<Element>::INDEX_SHIFT), fill(15));
        // A set top bit makes the shuffle write zero to the upper byte.
        return _mm256_shuffle_epi8(table, _mm256_or_si256(index, fill(0x8000)));
    }
    static Vector choose_equal(Vector a, Vector b, Vector equal, Vector different)
    {
        return _mm256_blendv_epi8(different, equal, _mm256_cmpeq_epi16(a, b));
    }
    static Vector apply_sign(Vector a, Vector sign)
    {
        // The instruction gives zero where the sign is zero.
        return _mm256_sign_epi16(a, _mm256_or_si256(sign, fill(1)));
    }
    static bool any_negative(Vector a, int lanes)
    {
        const Vector bytes = _mm256_srai_epi16(a, 15);
        const std::uint64_t negative = static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
        return negative << (64 - 2 * lanes) != 0;
    }
};

} // namespace

LdpcCheckNode<std::int8_t> ldpc_check_node_int8_avx2()
{
    using Layers = LdpcLayers<Int8Ops>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

LdpcCheckNode<std::int16_t> ldpc_check_node_int16_avx2()
{
    using Layers = LdpcLayers<Int16Ops>;
    return { Layers::quantise, Layers::iterate, Layers::core_satisfied };
}

} // namespace gr::vqdeepsc::kernel
