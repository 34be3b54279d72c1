/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_QAM_DEMAPPER_SIMD_H
#define INCLUDED_VQDEEPSC_KERNEL_QAM_DEMAPPER_SIMD_H

/* Gray QAM is the product of two Gray PAMs, so real and imaginary parts are demapped alike: every
 * loop below runs over the 2n parts of n symbols and becomes vector code. */

#include "kernels/base/simd_math.h"
#include "qam_demapper_job.h"

namespace gr::vqdeepsc::kernel {
namespace {

constexpr int tile_symbols = 128;
constexpr int tile_parts = 2 * tile_symbols;

inline float clip(float x, float limit)
{
    const float below = x > limit ? limit : x;
    return below < -limit ? -limit : below;
}

inline float number_or_zero(float x)
{
    return x == x ? x : 0.0f;
}

inline float inverse_noise(float noise)
{
    const float positive = noise < smallest_noise ? smallest_noise : noise;
    return positive >= erasure_noise ? 0.0f : 1.0f / positive;
}

// Bit j of PAM level l (counted from the lowest amplitude), Gray labels of TS 38.211.
constexpr bool level_bit(int bits, int level, int j)
{
    int t = (1 << bits) - 1 - 2 * level;
    for (int i = 0; i < j; ++i) {
        t = (t < 0 ? -t : t) - (1 << (bits - 1 - i));
    }
    return t > 0;
}

// y folded j times, so that bit j is 1 for t > 0.
template <int bits, int j>
inline float fold(float y, float a)
{
    if constexpr (j == 0) {
        return -y;
    } else {
        return __builtin_fabsf(fold<bits, j - 1>(y, a)) - a * static_cast<float>(1 << (bits - j));
    }
}

// The largest of the lines 0 to k at |t|, as (min |t+s|^2 - min |t-s|^2) with s = a, 3a, ...
template <int k>
inline float largest_line(float magnitude, float a)
{
    constexpr float slope = 4.0f * (k + 1);
    constexpr float offset = 4.0f * k * (k + 1);
    const float line = slope * a * magnitude - offset * a * a;
    if constexpr (k == 0) {
        return line;
    } else {
        const float others = largest_line<k - 1>(magnitude, a);
        return line > others ? line : others;
    }
}

// Max-log LLR times N0 of bit j.
template <int bits, int j>
inline float max_log_metric(float y, float a)
{
    const float t = fold<bits, j>(y, a);
    return __builtin_copysignf(largest_line<(1 << (bits - 1 - j)) - 1>(__builtin_fabsf(t), a), t);
}

// -|y-s|^2 of level l, less y^2.
template <int bits, int l>
inline float level_metric(float y, float a)
{
    const float s = a * static_cast<float>(2 * l + 1 - (1 << bits));
    return 2.0f * y * s - s * s;
}

// The best metric of the levels 0 to l whose bit j is b.
template <int bits, int j, bool b, int l = (1 << bits) - 1>
inline float best_metric(float y, float a)
{
    if constexpr (l < 0) {
        return -3.0e38f;
    } else if constexpr (level_bit(bits, l, j) == b) {
        const float metric = level_metric<bits, l>(y, a);
        const float others = best_metric<bits, j, b, l - 1>(y, a);
        return metric > others ? metric : others;
    } else {
        return best_metric<bits, j, b, l - 1>(y, a);
    }
}

// Sum of exp((metric - best) / N0) over those levels.
template <int bits, int j, bool b, int l = (1 << bits) - 1>
inline float sum_of_exponentials(float y, float a, float best, float inverse)
{
    if constexpr (l < 0) {
        return 0.0f;
    } else if constexpr (level_bit(bits, l, j) == b) {
        return exp_approx((level_metric<bits, l>(y, a) - best) * inverse) +
               sum_of_exponentials<bits, j, b, l - 1>(y, a, best, inverse);
    } else {
        return sum_of_exponentials<bits, j, b, l - 1>(y, a, best, inverse);
    }
}

// What the exact LLR has beyond max-log: ln of the ratio of the sums, each over its largest term.
template <int bits, int j>
inline float exact_correction(float y, float a, float inverse)
{
    const float ones =
        sum_of_exponentials<bits, j, true>(y, a, best_metric<bits, j, true>(y, a), inverse);
    const float zeros =
        sum_of_exponentials<bits, j, false>(y, a, best_metric<bits, j, false>(y, a), inverse);
    return log_approx(ones / zeros);
}

template <int bits, bool exact, int j = 0>
inline void demap_parts(const float* __restrict input,
                        const float* __restrict inverse,
                        int parts,
                        float a,
                        float (*__restrict llr)[tile_parts])
{
    float* __restrict out = llr[j];
    for (int i = 0; i < parts; ++i) {
        const float y = clip(input[i], 1.0e9f);
        float value = max_log_metric<bits, j>(y, a) * inverse[i];
        if constexpr (exact && bits > 1) {
            value += exact_correction<bits, j>(y, a, inverse[i]);
        }
        out[i] = number_or_zero(clip(value, llr_limit));
    }
    if constexpr (j + 1 < bits) {
        demap_parts<bits, exact, j + 1>(input, inverse, parts, a, llr);
    }
}

// Brings llr[j][i] of parts i into the order of the labels: b0 (real), b1 (imaginary), b2, ...
template <int bits>
inline void write_floats(const float (*__restrict llr)[tile_parts],
                         int symbols,
                         float* __restrict out)
{
    // Real and imaginary parts stay together, so they move as one 64-bit word.
    using Pair __attribute__((may_alias, aligned(4))) = std::uint64_t;
    Pair* __restrict to = reinterpret_cast<Pair*>(out);
    for (int i = 0; i < symbols; ++i) {
        for (int j = 0; j < bits; ++j) {
            to[i * bits + j] = reinterpret_cast<const Pair*>(llr[j])[i];
        }
    }
}

template <int bits>
inline void write_quantised(const float (*__restrict llr)[tile_parts],
                            int symbols,
                            float steps_per_nat,
                            float saturation,
                            std::int8_t* __restrict out)
{
    constexpr float round_to_integer = 12582912.0f; // 1.5 * 2^23
    alignas(64) std::int8_t quantised[bits][tile_parts];
    for (int j = 0; j < bits; ++j) {
        for (int i = 0; i < 2 * symbols; ++i) {
            const float steps = clip(llr[j][i] * steps_per_nat, saturation);
            quantised[j][i] = static_cast<std::int8_t>(float_bits(steps + round_to_integer));
        }
    }
    using Pair __attribute__((may_alias, aligned(1))) = std::uint16_t;
    Pair* __restrict to = reinterpret_cast<Pair*>(out);
    for (int i = 0; i < symbols; ++i) {
        for (int j = 0; j < bits; ++j) {
            to[i * bits + j] = reinterpret_cast<const Pair*>(quantised[j])[i];
        }
    }
}

template <int bits, bool exact>
void demap_tiles(const QamDemapperJob& job)
{
    alignas(64) float llr[bits][tile_parts];
    alignas(64) float inverse[tile_parts];
    if (job.noise == nullptr) {
        const float uniform = inverse_noise(job.uniform_noise);
        for (float& value : inverse) {
            value = uniform;
        }
    }
    for (std::size_t done = 0; done < job.symbols; done += tile_symbols) {
        const std::size_t left = job.symbols - done;
        const int symbols = left < tile_symbols ? static_cast<int>(left) : tile_symbols;
        if (job.noise != nullptr) {
            const float* __restrict noise = job.noise + done;
            for (int i = 0; i < symbols; ++i) {
                const float value = inverse_noise(noise[i]);
                inverse[2 * i] = value;
                inverse[2 * i + 1] = value;
            }
        }
        demap_parts<bits, exact>(
            job.input + 2 * done, inverse, 2 * symbols, job.half_distance, llr);
        const std::size_t written = done * 2 * bits;
        if (job.llr != nullptr) {
            write_floats<bits>(llr, symbols, job.llr + written);
        } else {
            write_quantised<bits>(
                llr, symbols, job.steps_per_nat, job.saturation, job.quantised + written);
        }
    }
}

template <bool exact>
void demap_by_bits(const QamDemapperJob& job)
{
    switch (job.bits_per_symbol) {
    case 2:
        return demap_tiles<1, exact>(job);
    case 4:
        return demap_tiles<2, exact>(job);
    case 6:
        return demap_tiles<3, exact>(job);
    default:
        return demap_tiles<4, exact>(job);
    }
}

inline void qam_demap(const QamDemapperJob& job)
{
    if (job.exact) {
        demap_by_bits<true>(job);
    } else {
        demap_by_bits<false>(job);
    }
}

} // namespace
} // namespace gr::vqdeepsc::kernel

#endif
