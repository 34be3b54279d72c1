/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_fec_decoder_impl.h"
#include <algorithm>

namespace gr {
namespace vqdeepsc {

ldpc_fec_decoder::sptr ldpc_fec_decoder::make(size_t payload_bits,
                                              size_t coded_bits,
                                              int bits_per_symbol,
                                              int redundancy_version,
                                              int iterations)
{
    return std::make_shared<ldpc_fec_decoder_impl>(
        payload_bits, coded_bits, bits_per_symbol, redundancy_version, iterations);
}

ldpc_fec_decoder_impl::ldpc_fec_decoder_impl(size_t payload_bits,
                                             size_t coded_bits,
                                             int bits_per_symbol,
                                             int redundancy_version,
                                             int iterations)
    : ldpc_fec_decoder("ldpc_fec_decoder"),
      d_frame(payload_bits, coded_bits, bits_per_symbol),
      d_redundancy_version(redundancy_version),
      d_largest_iterations(iterations)
{
    make_coder();
}

double ldpc_fec_decoder_impl::rate()
{
    return 1 / d_frame.rate();
}

int ldpc_fec_decoder_impl::get_input_size()
{
    return static_cast<int>(d_frame.coded_bits());
}

int ldpc_fec_decoder_impl::get_output_size()
{
    return static_cast<int>(d_frame.payload_bits());
}

void ldpc_fec_decoder_impl::make_coder()
{
    d_decoder.reset();
    if (!d_frame.error()) {
        d_decoder.emplace(d_frame.payload_bits(),
                          d_frame.coded_bits(),
                          d_frame.bits_per_symbol(),
                          d_redundancy_version,
                          d_largest_iterations);
    }
}

// An exception here would leave the flowgraph waiting for ever.
bool ldpc_fec_decoder_impl::set_frame_size(unsigned int frame_size)
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
    return d_decoder.has_value();
}

void ldpc_fec_decoder_impl::generic_work(fec_input in_buffer, void* out_buffer)
{
    auto* payload = static_cast<uint8_t*>(out_buffer);
    if (!d_decoder) {
        std::fill_n(payload, d_frame.payload_bits(), uint8_t{ 0 });
        return;
    }
    d_iterations = d_decoder->decode(static_cast<const float*>(in_buffer), payload).iterations;
}

} // namespace vqdeepsc
} // namespace gr
