/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "frame_block.h"
#include "kernels/ldpc/ldpc_frame.h"
#include <gnuradio/vqdeepsc/ldpc_encoder.h>

namespace gr {
namespace vqdeepsc {

class ldpc_encoder_impl final : public frame_block<ldpc_encoder>
{
public:
    ldpc_encoder_impl(kernel::FrameEncoder&& encoder,
                      int redundancy_version,
                      const std::string& frame_tag);

private:
    void process_frame(const char* input, char* output, std::vector<gr::tag_t>& tags) override;

    const int d_redundancy_version; // of frames whose tag names none
    kernel::FrameEncoder d_encoder;
};

} // namespace vqdeepsc
} // namespace gr
