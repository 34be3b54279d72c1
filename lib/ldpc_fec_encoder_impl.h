/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "fec_frame.h"
#include "kernels/ldpc/ldpc_transport.h"
#include <gnuradio/vqdeepsc/ldpc_fec_encoder.h>
#include <optional>

namespace gr {
namespace vqdeepsc {

class ldpc_fec_encoder_impl final : public ldpc_fec_encoder
{
public:
    ldpc_fec_encoder_impl(size_t payload_bits,
                          size_t coded_bits,
                          int bits_per_symbol,
                          int redundancy_version);

    double rate() override;
    int get_input_size() override;
    int get_output_size() override;
    bool set_frame_size(unsigned int frame_size) override;

private:
    void generic_work(fec_input in_buffer, void* out_buffer) override;
    void make_coder();

    fec_frame d_frame;
    const int d_redundancy_version;
    std::optional<kernel::TransportEncoder> d_encoder; // none for a frame without room for it
};

} // namespace vqdeepsc
} // namespace gr
