/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_COMPLEX_GAUSSIAN_SIMD_H
#define INCLUDED_VQDEEPSC_KERNEL_COMPLEX_GAUSSIAN_SIMD_H

#include "kernels/base/simd_math.h"

#include <cstddef>
#include <cstdint>

namespace gr::vqdeepsc::kernel {
namespace {

// One CN(0, 1) value from two words: |z|^2 = -ln(u) with u in (0, 1], phase = word / 2^32 turns.
inline void box_muller(std::uint32_t word0, std::uint32_t word1, float& real, float& imaginary)
{
    const float scaled = static_cast<float>(static_cast<int>(word0 >> 1)) + 0.5f; // u * 2^31
    float exponent;
    const float mantissa = split_exponent(scaled, exponent);
    const float missing = 31.0f - exponent;
    const float power =
        missing * ln2_high + (missing * ln2_low - log1p_polynomial(mantissa - 1.0f));
    const float magnitude = __builtin_sqrtf(power);

    const std::uint32_t quadrant = (word1 + 0x20000000u) >> 30;
    const int remainder = static_cast<int>(word1 - (quadrant << 30));
    const float angle = static_cast<float>(remainder) * 1.462918079e-09f; // 2 pi / 2^32
    const float sine = sin_polynomial(angle);
    const float cosine = cos_polynomial(angle);
    const bool odd = (quadrant & 1u) != 0;
    const int sign_real = static_cast<int>(((quadrant + 1u) & 2u) << 30);
    const int sign_imaginary = static_cast<int>((quadrant & 2u) << 30);
    real = magnitude * bits_float(float_bits(odd ? sine : cosine) ^ sign_real);
    imaginary = magnitude * bits_float(float_bits(odd ? cosine : sine) ^ sign_imaginary);
}

constexpr int gaussian_tile = 64;

inline void gaussian_pairs(std::uint64_t seed,
                           std::uint32_t stream,
                           std::uint64_t first_pair,
                           float* __restrict real0,
                           float* __restrict imaginary0,
                           float* __restrict real1,
                           float* __restrict imaginary1)
{
    const auto low = static_cast<std::uint32_t>(first_pair);
    const auto high = static_cast<std::uint32_t>(first_pair >> 32);
    for (int i = 0; i < gaussian_tile; ++i) {
        std::uint32_t c0 = low + static_cast<std::uint32_t>(i);
        std::uint32_t c1 = high + (c0 < low ? 1u : 0u);
        std::uint32_t c2 = stream;
        std::uint32_t c3 = 0;
        auto key0 = static_cast<std::uint32_t>(seed);
        auto key1 = static_cast<std::uint32_t>(seed >> 32);
#pragma GCC unroll 10
        for (int round = 0; round < 10; ++round) {
            const std::uint32_t high0 =
                static_cast<std::uint32_t>((std::uint64_t{ 0xD2511F53 } * c0) >> 32);
            const std::uint32_t high1 =
                static_cast<std::uint32_t>((std::uint64_t{ 0xCD9E8D57 } * c2) >> 32);
            const std::uint32_t low0 = 0xD2511F53u * c0;
            const std::uint32_t low1 = 0xCD9E8D57u * c2;
            c0 = high1 ^ c1 ^ key0;
            c1 = low1;
            c2 = high0 ^ c3 ^ key1;
            c3 = low0;
            key0 += 0x9E3779B9u;
            key1 += 0xBB67AE85u;
        }
        box_muller(c0, c1, real0[i], imaginary0[i]);
        box_muller(c2, c3, real1[i], imaginary1[i]);
    }
}

inline void complex_gaussian_tiles(std::uint64_t seed,
                                   std::uint32_t stream,
                                   std::uint64_t first_pair,
                                   std::size_t pairs,
                                   float* __restrict out)
{
    alignas(64) float part[4][gaussian_tile];
    for (std::size_t done = 0; done < pairs; done += gaussian_tile) {
        gaussian_pairs(seed, stream, first_pair + done, part[0], part[1], part[2], part[3]);
        float* __restrict to = out + 4 * done;
        if (pairs - done >= gaussian_tile) {
            for (int i = 0; i < gaussian_tile; ++i) {
                for (int j = 0; j < 4; ++j) {
                    to[4 * i + j] = part[j][i];
                }
            }
        } else {
            for (int i = 0; i < static_cast<int>(pairs - done); ++i) {
                for (int j = 0; j < 4; ++j) {
                    to[4 * i + j] = part[j][i];
                }
            }
        }
    }
}

} // namespace
} // namespace gr::vqdeepsc::kernel

#endif
