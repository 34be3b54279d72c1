/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_SIMD_MATH_H
#define INCLUDED_VQDEEPSC_KERNEL_SIMD_MATH_H

/* Elementary functions as polynomials, so that loops over them become vector code and every
 * instruction set gives the same bits. Internal linkage: each file that includes this header is
 * compiled for another instruction set. No fused multiply-add (-ffp-contract=off). */

namespace gr::vqdeepsc::kernel {
namespace {

inline int float_bits(float x)
{
    int bits;
    __builtin_memcpy(&bits, &x, sizeof(bits));
    return bits;
}

inline float bits_float(int bits)
{
    float x;
    __builtin_memcpy(&x, &bits, sizeof(x));
    return x;
}

// ln(2) in two parts; the first has trailing zeros, so that its product with an exponent is exact.
constexpr float ln2_high = 0.693359375f;
constexpr float ln2_low = -2.12194440e-4f;

// ln(1 + x) for 1/sqrt(2) <= 1 + x <= sqrt(2); relative error 4e-8 before rounding.
inline float log1p_polynomial(float x)
{
    float p = 8.700359613e-02f;
    p = p * x - 1.426747590e-01f;
    p = p * x + 1.491478682e-01f;
    p = p * x - 1.657758653e-01f;
    p = p * x + 1.996306181e-01f;
    p = p * x - 2.500133812e-01f;
    p = p * x + 3.333390951e-01f;
    const float square = x * x;
    return x + (square * x * p - 0.5f * square);
}

// x = mantissa * 2^exponent with 1/sqrt(2) <= mantissa < sqrt(2), for normal x > 0.
inline float split_exponent(float x, float& exponent)
{
    const int steps = (float_bits(x) - 0x3f3504f3) >> 23;
    exponent = static_cast<float>(steps);
    return bits_float(float_bits(x) - steps * (1 << 23));
}

// ln(x) for normal x > 0.
inline float log_approx(float x)
{
    float exponent;
    const float mantissa = split_exponent(x, exponent);
    return exponent * ln2_high + (exponent * ln2_low + log1p_polynomial(mantissa - 1.0f));
}

// exp(x) for x <= 0, and 1.6e-38 for anything smaller or not a number.
inline float exp_approx(float x)
{
    const float clamped = x > -87.0f ? x : -87.0f;
    constexpr float round_to_integer = 12582912.0f; // 1.5 * 2^23
    const float shifted = clamped * 1.442695041f + round_to_integer;
    const float exponent = shifted - round_to_integer;
    const float r = (clamped - exponent * ln2_high) - exponent * ln2_low;
    float p = 1.395048923e-03f;
    p = p * r + 8.368889801e-03f;
    p = p * r + 4.166620597e-02f;
    p = p * r + 1.666651815e-01f;
    p = p * r + 5.000000000e-01f;
    const float fraction = 1.0f + (r + r * r * p);
    return bits_float(float_bits(fraction) + static_cast<int>(exponent) * (1 << 23));
}

// sin(x) and cos(x) for |x| <= pi/4; absolute error 4e-9 before rounding.
inline float sin_polynomial(float x)
{
    const float square = x * x;
    const float p = (-1.951726590e-04f * square + 8.332177997e-03f) * square - 1.666665524e-01f;
    return x + x * square * p;
}

inline float cos_polynomial(float x)
{
    const float square = x * x;
    const float p = (2.443841367e-05f * square - 1.388736768e-03f) * square + 4.166664556e-02f;
    return 1.0f - (0.5f * square - square * square * p);
}

} // namespace
} // namespace gr::vqdeepsc::kernel

#endif
