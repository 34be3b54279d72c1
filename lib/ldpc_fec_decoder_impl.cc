/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_fec_decoder_impl.h"

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
      d_largest_payload_bits(payload_bits),
      d_largest_coded_bits(coded_bits),
      d_bits_per_symbol(bits_per_symbol),
      d_redundancy_version(redundancy_version),
      d_payload_bits(payload_bits),
      d_decoder(payload_bits, coded_bits, bits_per_symbol, redundancy_version, iterations)
{
}

double ldpc_fec_decoder_impl::rate()
{
    return static_cast<double>(d_largest_payload_bits) / d_largest_coded_bits;
}

int ldpc_fec_decoder_impl::get_input_size()
{
    return static_cast<int>(
        coded_bits_at_rate(d_payload_bits, d_largest_payload_bits, d_largest_coded_bits));
}

int ldpc_fec_decoder_impl::get_output_size()
{
    return static_cast<int>(d_payload_bits);
}

bool ldpc_fec_decoder_impl::set_frame_size(unsigned int frame_size)
{
    if (frame_size < 1 || frame_size > d_largest_payload_bits) {
        return false;
    }
    if (frame_size != d_payload_bits) {
        d_decoder = kernel::TransportDecoder(
            frame_size,
            coded_bits_at_rate(frame_size, d_largest_payload_bits, d_largest_coded_bits),
            d_bits_per_symbol,
            d_redundancy_version,
            d_decoder.iterations());
        d_payload_bits = frame_size;
    }
    return true;
}

void ldpc_fec_decoder_impl::generic_work(fec_input in_buffer, void* out_buffer)
{
    d_iterations =
        d_decoder.decode(static_cast<const float*>(in_buffer), static_cast<uint8_t*>(out_buffer))
            .iterations;
}

} // namespace vqdeepsc
} // namespace gr
