/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_fec_encoder_impl.h"

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
      d_largest_payload_bits(payload_bits),
      d_largest_coded_bits(coded_bits),
      d_bits_per_symbol(bits_per_symbol),
      d_redundancy_version(redundancy_version),
      d_payload_bits(payload_bits),
      d_encoder(payload_bits, coded_bits, bits_per_symbol, redundancy_version)
{
}

double ldpc_fec_encoder_impl::rate()
{
    return static_cast<double>(d_largest_coded_bits) / d_largest_payload_bits;
}

int ldpc_fec_encoder_impl::get_input_size()
{
    return static_cast<int>(d_payload_bits);
}

int ldpc_fec_encoder_impl::get_output_size()
{
    return static_cast<int>(
        coded_bits_at_rate(d_payload_bits, d_largest_payload_bits, d_largest_coded_bits));
}

bool ldpc_fec_encoder_impl::set_frame_size(unsigned int frame_size)
{
    if (frame_size < 1 || frame_size > d_largest_payload_bits) {
        return false;
    }
    if (frame_size != d_payload_bits) {
        d_encoder = kernel::TransportEncoder(
            frame_size,
            coded_bits_at_rate(frame_size, d_largest_payload_bits, d_largest_coded_bits),
            d_bits_per_symbol,
            d_redundancy_version);
        d_payload_bits = frame_size;
    }
    return true;
}

void ldpc_fec_encoder_impl::generic_work(fec_input in_buffer, void* out_buffer)
{
    d_encoder.encode(static_cast<const uint8_t*>(in_buffer), static_cast<uint8_t*>(out_buffer));
}

} // namespace vqdeepsc
} // namespace gr
