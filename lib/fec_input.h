/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/fec/generic_encoder.h>

namespace gr {
namespace vqdeepsc {

template <typename Coder, typename Input>
Input input_of(void (Coder::*)(Input, void*));

//! const void* or void*: GNU Radio 3.10.11 made the input of generic_work() constant.
using fec_input = decltype(input_of(&gr::fec::generic_encoder::generic_work));

} // namespace vqdeepsc
} // namespace gr
