/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complex_gaussian.h"
#include "complex_gaussian_simd.h"

namespace gr::vqdeepsc::kernel {

void complex_gaussian_sse41(std::uint64_t seed,
                            std::uint32_t stream,
                            std::uint64_t first_pair,
                            std::size_t pairs,
                            float* out)
{
    complex_gaussian_tiles(seed, stream, first_pair, pairs, out);
}

} // namespace gr::vqdeepsc::kernel
