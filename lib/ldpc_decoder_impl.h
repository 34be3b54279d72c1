/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "frame_block.h"
#include "kernels/ldpc/ldpc_frame.h"
#include <gnuradio/vqdeepsc/ldpc_decoder.h>
#include <mutex>

namespace gr {
namespace vqdeepsc {

class ldpc_decoder_impl final : public frame_block<ldpc_decoder>
{
public:
    ldpc_decoder_impl(kernel::FrameDecoder&& decoder,
                      int redundancy_version,
                      bool soft_output,
                      const std::string& frame_tag);

    void set_iterations(int iterations) override;
    int iterations() const override;

private:
    void process_frame(const char* input, char* output, std::vector<gr::tag_t>& tags) override;

    const int d_redundancy_version; // of frames whose tag names none
    const bool d_soft_output;
    const pmt::pmt_t d_port;
    mutable std::mutex d_mutex; // guards d_decoder, whose iterations may change while running
    kernel::FrameDecoder d_decoder;
    std::vector<uint8_t> d_bits;
};

} // namespace vqdeepsc
} // namespace gr
