/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_encoder_impl.h"

#include "burst_dictionary.h"
#include <gnuradio/io_signature.h>

namespace gr {
namespace vqdeepsc {

ldpc_encoder::sptr ldpc_encoder::make(size_t payload_bits,
                                      size_t coded_bits,
                                      int bits_per_symbol,
                                      int redundancy_version,
                                      const std::string& frame_tag,
                                      const TransportBlocks& transport_blocks)
{
    return gnuradio::make_block_sptr<ldpc_encoder_impl>(
        kernel::FrameEncoder(
            payload_bits, coded_bits, bits_per_symbol, redundancy_version, transport_blocks),
        redundancy_version,
        frame_tag);
}

ldpc_encoder_impl::ldpc_encoder_impl(kernel::FrameEncoder&& encoder,
                                     int redundancy_version,
                                     const std::string& frame_tag)
    : gr::block("ldpc_encoder",
                gr::io_signature::make(1, 1, sizeof(uint8_t)),
                gr::io_signature::make(1, 1, sizeof(uint8_t))),
      frame_block<ldpc_encoder>(encoder.payload_bits(),
                                sizeof(uint8_t),
                                encoder.coded_bits(),
                                sizeof(uint8_t),
                                frame_tag),
      d_redundancy_version(redundancy_version),
      d_encoder(std::move(encoder))
{
    set_relative_rate(d_encoder.coded_bits(), d_encoder.payload_bits());
}

void ldpc_encoder_impl::process_frame(const char* input, char* output, std::vector<gr::tag_t>& tags)
{
    int version = d_redundancy_version;
    const auto error = read_redundancy_version(tags, frame_tag(), version);
    if (!error.empty()) {
        d_logger->error("a frame was not encoded: {:s}", error);
        drop_frame();
        return;
    }
    d_encoder.set_redundancy_version(version);
    d_encoder.encode(reinterpret_cast<const uint8_t*>(input), reinterpret_cast<uint8_t*>(output));
}

} // namespace vqdeepsc
} // namespace gr
