/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "fec_input.h"
#include "kernels/ldpc/ldpc_transport.h"
#include <gnuradio/vqdeepsc/ldpc_fec_decoder.h>

namespace gr {
namespace vqdeepsc {

class ldpc_fec_decoder_impl final : public ldpc_fec_decoder
{
public:
    ldpc_fec_decoder_impl(size_t payload_bits,
                          size_t coded_bits,
                          int bits_per_symbol,
                          int redundancy_version,
                          int iterations);

    double rate() override;
    int get_input_size() override;
    int get_output_size() override;
    float get_iterations() override { return d_iterations; }
    bool set_frame_size(unsigned int frame_size) override;

private:
    void generic_work(fec_input in_buffer, void* out_buffer) override;

    const size_t d_largest_payload_bits;
    const size_t d_largest_coded_bits;
    const int d_bits_per_symbol;
    const int d_redundancy_version;
    size_t d_payload_bits;
    kernel::TransportDecoder d_decoder;
    float d_iterations = -1;
};

} // namespace vqdeepsc
} // namespace gr
