/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complex_gaussian.h"

namespace gr::vqdeepsc::kernel {

void complex_gaussian([[maybe_unused]] InstructionSet set,
                      std::uint64_t seed,
                      std::uint32_t stream,
                      std::uint64_t first_pair,
                      std::size_t pairs,
                      float* out)
{
#if defined(__x86_64__)
    if (set == InstructionSet::avx512) {
        return complex_gaussian_avx512(seed, stream, first_pair, pairs, out);
    }
    if (set == InstructionSet::avx2) {
        return complex_gaussian_avx2(seed, stream, first_pair, pairs, out);
    }
    if (set == InstructionSet::sse41) {
        return complex_gaussian_sse41(seed, stream, first_pair, pairs, out);
    }
#endif
    complex_gaussian_portable(seed, stream, first_pair, pairs, out);
}

} // namespace gr::vqdeepsc::kernel
