/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cmath>
#include <cstddef>
#include <gnuradio/fec/generic_encoder.h>

namespace gr {
namespace vqdeepsc {

template <typename Coder, typename Input>
Input input_of(void (Coder::*)(Input, void*));

//! const void* or void*: GNU Radio 3.10.11 made the input of generic_work() constant.
using fec_input = decltype(input_of(&gr::fec::generic_encoder::generic_work));

//! Coded bits of a frame of payload_bits at the rate of the largest one.
inline size_t coded_bits_at_rate(size_t payload_bits,
                                 size_t largest_payload_bits,
                                 size_t largest_coded_bits)
{
    return std::lround(static_cast<double>(payload_bits) * largest_coded_bits /
                       largest_payload_bits);
}

} // namespace vqdeepsc
} // namespace gr
