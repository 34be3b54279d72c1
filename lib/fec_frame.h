/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/ldpc/ldpc_segmentation.h"
#include <cmath>
#include <cstddef>
#include <gnuradio/fec/generic_encoder.h>
#include <optional>
#include <stdexcept>
#include <string>

namespace gr {
namespace vqdeepsc {

template <typename Coder, typename Input>
Input input_of(void (Coder::*)(Input, void*));

//! const void* or void*: GNU Radio 3.10.11 made the input of generic_work() constant.
using fec_input = decltype(input_of(&gr::fec::generic_encoder::generic_work));

//! Sizes of the frames of an FEC definition: the largest one, and the present one at its rate.
class fec_frame
{
public:
    //! Throws std::invalid_argument for sizes in which payload and CRC have no room.
    fec_frame(size_t payload_bits, size_t coded_bits, int bits_per_symbol)
        : d_largest_payload_bits(payload_bits),
          d_largest_coded_bits(coded_bits),
          d_bits_per_symbol(bits_per_symbol),
          d_payload_bits(payload_bits)
    {
        segmentation().require_room();
    }

    size_t payload_bits() const { return d_payload_bits; }

    size_t coded_bits() const { return std::lround(d_payload_bits * rate()); }

    int bits_per_symbol() const { return d_bits_per_symbol; }

    //! Coded bits for each payload bit.
    double rate() const
    {
        return static_cast<double>(d_largest_coded_bits) / d_largest_payload_bits;
    }

    //! Takes a size of 1 to the largest one; whether it did. Another one changes nothing.
    bool resize(size_t payload_bits)
    {
        if (payload_bits < 1 || payload_bits > d_largest_payload_bits) {
            return false;
        }
        d_payload_bits = payload_bits;
        return true;
    }

    //! Why the present frame cannot be coded: a sentence, or none.
    std::optional<std::string> error() const
    {
        try {
            segmentation().require_room();
        } catch (const std::invalid_argument& error) {
            return "a frame of " + std::to_string(d_payload_bits) +
                   " bits is too short to be coded and is filled with zeros: " + error.what();
        }
        return std::nullopt;
    }

private:
    kernel::LdpcSegmentation segmentation() const
    {
        return kernel::LdpcSegmentation(d_payload_bits, coded_bits(), d_bits_per_symbol);
    }

    const size_t d_largest_payload_bits;
    const size_t d_largest_coded_bits;
    const int d_bits_per_symbol;
    size_t d_payload_bits;
};

} // namespace vqdeepsc
} // namespace gr
