/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_COMPLEX_GAUSSIAN_H
#define INCLUDED_VQDEEPSC_KERNEL_COMPLEX_GAUSSIAN_H

#include "kernels/base/cpu_features.h"

#include <cstddef>
#include <cstdint>

namespace gr::vqdeepsc::kernel {

/*! Independent CN(0, 1) values numbered first_pair * 2, first_pair * 2 + 1, ...; value number i
 * depends on seed, stream and i only. Box-Muller on Philox4x32-10: counter = (i / 2 as 64 bits,
 * stream, 0), key = seed; the first two words give the even value, the other two the odd one.
 *
 * \param set        instruction set; the bits do not depend on it
 * \param seed       64-bit key
 * \param stream     which of 2^32 independent sequences
 * \param first_pair number of the first pair
 * \param pairs      pairs of values to write
 * \param out        2 * pairs complex values, real and imaginary part interleaved
 */
void complex_gaussian(InstructionSet set,
                      std::uint64_t seed,
                      std::uint32_t stream,
                      std::uint64_t first_pair,
                      std::size_t pairs,
                      float* out);

void complex_gaussian_portable(std::uint64_t seed,
                               std::uint32_t stream,
                               std::uint64_t first_pair,
                               std::size_t pairs,
                               float* out);
void complex_gaussian_sse41(std::uint64_t seed,
                            std::uint32_t stream,
                            std::uint64_t first_pair,
                            std::size_t pairs,
                            float* out);
void complex_gaussian_avx2(std::uint64_t seed,
                           std::uint32_t stream,
                           std::uint64_t first_pair,
                           std::size_t pairs,
                           float* out);
void complex_gaussian_avx512(std::uint64_t seed,
                             std::uint32_t stream,
                             std::uint64_t first_pair,
                             std::size_t pairs,
                             float* out);

} // namespace gr::vqdeepsc::kernel

#endif
