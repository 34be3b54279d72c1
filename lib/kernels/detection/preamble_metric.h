/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_PREAMBLE_METRIC_H
#define INCLUDED_VQDEEPSC_KERNEL_PREAMBLE_METRIC_H

#include "kernels/base/cpu_features.h"

#include <cstddef>

namespace gr::vqdeepsc::kernel {

/*! Of each sample on, summed over a short symbol: conj(sample) times the sample a short symbol
 * later, and the energy. The last SHORT_SYMBOL_SAMPLES - 1 sums are not whole. */
struct ShortSymbolSums {
    float* real;   //!< of the products
    float* imag;   //!< of the products
    float* energy; //!< of the samples
};

/*! Sums of count samples, without running sums, which would remember a large sample for ever.
 *
 * \param set  instruction set; the bits do not depend on it
 * \param real, imag count + SHORT_SYMBOL_SAMPLES samples each
 * \param sums count values each, which do not overlap
 */
void sum_short_symbols(InstructionSet set,
                       const float* real,
                       const float* imag,
                       std::size_t count,
                       const ShortSymbolSums& sums);

/*! How alike all short symbols of a preamble are that begins at each sample, 0 to 1: the power of
 * the sum of their products, with the signs of a preamble, over the square of their energy.
 *
 * \param set    instruction set; the bits do not depend on it
 * \param sums   count values each, and those of a preamble more
 * \param metric count values
 */
void measure_preambles(InstructionSet set,
                       const ShortSymbolSums& sums,
                       std::size_t count,
                       float* metric);

void sum_short_symbols_portable(const float*, const float*, std::size_t, const ShortSymbolSums&);
void measure_preambles_portable(const ShortSymbolSums&, std::size_t, float*);
void sum_short_symbols_avx2(const float*, const float*, std::size_t, const ShortSymbolSums&);
void measure_preambles_avx2(const ShortSymbolSums&, std::size_t, float*);
void sum_short_symbols_avx512(const float*, const float*, std::size_t, const ShortSymbolSums&);
void measure_preambles_avx512(const ShortSymbolSums&, std::size_t, float*);

} // namespace gr::vqdeepsc::kernel

#endif
