/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cmath>
#include <cstddef>

namespace gr {
namespace vqdeepsc {

// GNU Radio 3.10.11 made the input of generic_work() constant; CMake finds out which it is.
#ifdef VQDEEPSC_FEC_INPUT_IS_CONST
using fec_input = const void*;
#else
using fec_input = void*;
#endif

//! Coded bits of a frame of payload_bits at the rate of the largest one.
inline size_t
coded_bits_at_rate(size_t payload_bits, size_t largest_payload_bits, size_t largest_coded_bits)
{
    return std::lround(static_cast<double>(payload_bits) * largest_coded_bits /
                       largest_payload_bits);
}

} // namespace vqdeepsc
} // namespace gr
