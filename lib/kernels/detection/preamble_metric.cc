/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preamble_metric.h"

namespace gr::vqdeepsc::kernel {

void sum_short_symbols([[maybe_unused]] InstructionSet set,
                       const float* real,
                       const float* imag,
                       std::size_t count,
                       const ShortSymbolSums& sums)
{
#if defined(__x86_64__)
    if (set == InstructionSet::avx512) {
        return sum_short_symbols_avx512(real, imag, count, sums);
    }
    if (set == InstructionSet::avx2) {
        return sum_short_symbols_avx2(real, imag, count, sums);
    }
#endif
    sum_short_symbols_portable(real, imag, count, sums);
}

void measure_preambles([[maybe_unused]] InstructionSet set,
                       const ShortSymbolSums& sums,
                       std::size_t count,
                       float* metric)
{
#if defined(__x86_64__)
    if (set == InstructionSet::avx512) {
        return measure_preambles_avx512(sums, count, metric);
    }
    if (set == InstructionSet::avx2) {
        return measure_preambles_avx2(sums, count, metric);
    }
#endif
    measure_preambles_portable(sums, count, metric);
}

} // namespace gr::vqdeepsc::kernel
