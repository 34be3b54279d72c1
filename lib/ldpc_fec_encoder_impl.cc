/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_fec_encoder_impl.h"
#include <algorithm>

namespace gr {
namespace vqdeepsc {

ldpc_fec_encoder::sptr ldpc_fec_encoder::make(size_t payload_bits,
                                              size_t coded_bits,
                                              int bits_per_symbol,
                                              int redundancy_version)
{
    return std::make_shared<ldpc_fec_encoder_impl>(
        payload_bits, coded_bits, bits_per_symbol, redundancy_version);
}

ldpc_fec_encoder_impl::ldpc_fec_encoder_impl(size_t payload_bits,
                                             size_t coded_bits,
                                             int bits_per_symbol,
                                             int redundancy_version)
    : ldpc_fec_encoder("ldpc_fec_encoder"),
      d_frame(payload_bits, coded_bits, bits_per_symbol),
      d_redundancy_version(redundancy_version)
{
    make_coder();
}

double ldpc_fec_encoder_impl::rate()
{
    return d_frame.rate();
}

int ldpc_fec_encoder_impl::get_input_size()
{
    return static_cast<int>(d_frame.payload_bits());
}

int ldpc_fec_encoder_impl::get_output_size()
{
    return static_cast<int>(d_frame.coded_bits());
}

void ldpc_fec_encoder_impl::make_coder()
{
    d_encoder.reset();
    if (!d_frame.error()) {
        d_encoder.emplace(d_frame.payload_bits(),
                          d_frame.coded_bits(),
                          d_frame.bits_per_symbol(),
                          d_redundancy_version);
    }
}

// An exception here would leave the flowgraph waiting for ever.
bool ldpc_fec_encoder_impl::set_frame_size(unsigned int frame_size)
{
    const size_t before = d_frame.payload_bits();
    if (!d_frame.resize(frame_size)) { // as the wrappers ask for when they are made
        return false;
    }
    if (frame_size != before) {
        make_coder();
        if (const auto error = d_frame.error()) {
            d_logger->error("{}", *error);
        }
    }
    return d_encoder.has_value();
}

void ldpc_fec_encoder_impl::generic_work(fec_input in_buffer, void* out_buffer)
{
    auto* coded = static_cast<uint8_t*>(out_buffer);
    if (!d_encoder) {
        std::fill_n(coded, d_frame.coded_bits(), uint8_t{ 0 });
        return;
    }
    d_encoder->encode(static_cast<const uint8_t*>(in_buffer), coded);
}

} // namespace vqdeepsc
} // namespace gr
