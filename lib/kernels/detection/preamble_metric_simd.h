/* SPDX-License-Identifier: GPL-3.0-or-later */
// For one file an instruction set: the compiler makes vector code of it.
#ifndef INCLUDED_VQDEEPSC_KERNEL_PREAMBLE_METRIC_SIMD_H
#define INCLUDED_VQDEEPSC_KERNEL_PREAMBLE_METRIC_SIMD_H

#include "kernels/ofdm/burst_format.h"
#include "preamble_metric.h"

#include <algorithm>
#include <cstddef>

namespace gr::vqdeepsc::kernel {

namespace {

/* Of each value and the SHORT_SYMBOL_SAMPLES - 1 behind it, by doubling. */
inline void sum_neighbours(float* values, std::size_t count)
{
    for (std::size_t width = 1; width < SHORT_SYMBOL_SAMPLES; width *= 2) {
        count -= std::min(count, width);
        for (std::size_t i = 0; i < count; ++i) {
            values[i] += values[i + width];
        }
    }
}

inline void sum_all(const float* real, const float* imag, std::size_t count, ShortSymbolSums sums)
{
    for (std::size_t i = 0; i < count; ++i) {
        const float a = real[i];
        const float b = imag[i];
        const float c = real[i + SHORT_SYMBOL_SAMPLES];
        const float d = imag[i + SHORT_SYMBOL_SAMPLES];
        sums.real[i] = a * c + b * d;
        sums.imag[i] = a * d - b * c;
        sums.energy[i] = a * a + b * b;
    }
    for (float* values : { sums.real, sums.imag, sums.energy }) {
        sum_neighbours(values, count);
    }
}

inline void measure_all(ShortSymbolSums sums, std::size_t count, float* metric)
{
    constexpr int SHORT = SHORT_SYMBOL_SAMPLES;
    constexpr int REPEATS = static_cast<int>(SHORT_SYMBOL_SIGNS.size());
    constexpr int LAST = (REPEATS - 1) * SHORT;
    for (std::size_t i = 0; i < count; ++i) {
        float real = 0.0f;
        float imag = 0.0f;
        float total = 0.0f;
        for (int k = 0; k < REPEATS - 1; ++k) {
            const float sign =
                static_cast<float>(SHORT_SYMBOL_SIGNS[k] * SHORT_SYMBOL_SIGNS[k + 1]);
            real += sign * sums.real[i + k * SHORT];
            imag += sign * sums.imag[i + k * SHORT];
            total += sums.energy[i + k * SHORT];
        }
        total = (total + sums.energy[i + LAST]) * (static_cast<float>(REPEATS - 1) / REPEATS);
        const float square = total * total;
        metric[i] = square > 0.0f ? (real * real + imag * imag) / square : 0.0f;
    }
}

} // namespace

} // namespace gr::vqdeepsc::kernel

#endif
