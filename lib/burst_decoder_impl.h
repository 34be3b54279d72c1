/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/ldpc/ldpc_frame.h"
#include "kernels/ldpc/uep_profile.h"
#include "kernels/ofdm/burst_header.h"
#include "kernels/reception/copy_combiner.h"
#include <gnuradio/vqdeepsc/burst_decoder.h>
#include <mutex>
#include <string>
#include <vector>

namespace gr {
namespace vqdeepsc {

class burst_decoder_impl final : public burst_decoder
{
public:
    burst_decoder_impl(int iterations,
                       const std::vector<TransportBlocks>& transport_blocks,
                       size_t backlog,
                       const std::vector<kernel::UepProfile>& uep_profiles);

    void set_iterations(int iterations) override;
    int iterations() const override;

    bool start() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    void begin(const gr::tag_t& tag);
    std::vector<TransportBlocks> transport_blocks(const kernel::BurstHeader& header) const;
    std::string prepare_decoders(const kernel::BurstHeader& header);
    bool must_wait();
    void decode();
    kernel::TransportDecoderResult decode(const kernel::Copies& copies,
                                          std::vector<float>& posterior);
    kernel::TransportDecoderResult decode(kernel::FrameDecoder& decoder,
                                          const kernel::Copies& copies,
                                          std::vector<float>& posterior);

    const pmt::pmt_t d_regions;
    const pmt::pmt_t d_log;
    const std::vector<TransportBlocks> d_transport_blocks;
    const size_t d_backlog;
    const std::vector<kernel::UepProfile> d_uep_profiles;
    mutable std::mutex d_mutex;
    int d_iterations;
    // Of the format of the last frame, one for each list of transport blocks that it may have.
    std::vector<kernel::FrameDecoder> d_decoders;
    kernel::CopyCombiner d_copies;
    kernel::BurstHeader d_header;
    pmt::pmt_t d_frame;
    std::vector<float> d_llrs;
    size_t d_filled = 0;
    bool d_waited = false;
};

} // namespace vqdeepsc
} // namespace gr
