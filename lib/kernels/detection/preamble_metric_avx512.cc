/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preamble_metric_simd.h"

namespace gr::vqdeepsc::kernel {

void sum_short_symbols_avx512(const float* real,
                              const float* imag,
                              std::size_t count,
                              const ShortSymbolSums& sums)
{
    sum_all(real, imag, count, sums);
}

void measure_preambles_avx512(const ShortSymbolSums& sums, std::size_t count, float* metric)
{
    measure_all(sums, count, metric);
}

} // namespace gr::vqdeepsc::kernel
