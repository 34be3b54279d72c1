/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_decoder_impl.h"

#include "burst_dictionary.h"
#include <gnuradio/io_signature.h>

namespace gr {
namespace vqdeepsc {

ldpc_decoder::sptr ldpc_decoder::make(size_t payload_bits,
                                      size_t coded_bits,
                                      int bits_per_symbol,
                                      int redundancy_version,
                                      int iterations,
                                      bool soft_output,
                                      const std::string& frame_tag,
                                      const TransportBlocks& transport_blocks)
{
    return gnuradio::make_block_sptr<ldpc_decoder_impl>(kernel::FrameDecoder(payload_bits,
                                                                             coded_bits,
                                                                             bits_per_symbol,
                                                                             redundancy_version,
                                                                             iterations,
                                                                             transport_blocks),
                                                        redundancy_version,
                                                        soft_output,
                                                        frame_tag);
}

ldpc_decoder_impl::ldpc_decoder_impl(kernel::FrameDecoder&& decoder,
                                     int redundancy_version,
                                     bool soft_output,
                                     const std::string& frame_tag)
    : gr::block("ldpc_decoder",
                gr::io_signature::make(1, 1, sizeof(float)),
                gr::io_signature::make(1, 1, soft_output ? sizeof(float) : sizeof(uint8_t))),
      frame_block<ldpc_decoder>(decoder.coded_bits(),
                                sizeof(float),
                                decoder.payload_bits(),
                                soft_output ? sizeof(float) : sizeof(uint8_t),
                                frame_tag),
      d_redundancy_version(redundancy_version),
      d_soft_output(soft_output),
      d_port(pmt::intern("frames")),
      d_decoder(std::move(decoder)),
      d_bits(soft_output ? d_decoder.payload_bits() : 0)
{
    set_relative_rate(d_decoder.payload_bits(), d_decoder.coded_bits());
    message_port_register_out(d_port);
}

void ldpc_decoder_impl::set_iterations(int iterations)
{
    const std::lock_guard<std::mutex> lock(d_mutex);
    d_decoder.set_iterations(iterations);
}

int ldpc_decoder_impl::iterations() const
{
    const std::lock_guard<std::mutex> lock(d_mutex);
    return d_decoder.iterations();
}

void ldpc_decoder_impl::process_frame(const char* input, char* output, std::vector<gr::tag_t>& tags)
{
    int version = d_redundancy_version;
    const auto error = read_redundancy_version(tags, frame_tag(), version);
    if (!error.empty()) {
        d_logger->error("a frame was not decoded: {:s}", error);
        drop_frame();
        return;
    }
    std::unique_lock<std::mutex> lock(d_mutex);
    d_decoder.reset();
    d_decoder.add_llrs(version, reinterpret_cast<const float*>(input));
    const auto result = d_decoder.decode_combined(
        d_soft_output ? d_bits.data() : reinterpret_cast<uint8_t*>(output),
        d_soft_output ? reinterpret_cast<float*>(output) : nullptr);
    const std::vector<kernel::CodeBlockResult> blocks = d_decoder.block_results();
    lock.unlock();

    const pmt::pmt_t block_crc_ok = pmt::make_vector(blocks.size(), pmt::PMT_NIL);
    const pmt::pmt_t block_iterations = pmt::make_vector(blocks.size(), pmt::PMT_NIL);
    for (size_t i = 0; i < blocks.size(); i++) {
        pmt::vector_set(block_crc_ok, i, pmt::from_bool(blocks[i].crc_ok));
        pmt::vector_set(block_iterations, i, pmt::from_long(blocks[i].iterations));
    }
    const auto report = [&](pmt::pmt_t dictionary) {
        const auto add = [&dictionary](const char* key, const pmt::pmt_t& value) {
            dictionary = pmt::dict_add(dictionary, pmt::intern(key), value);
        };
        add("crc_ok", pmt::from_bool(result.crc_ok));
        add("block_errors", pmt::from_long(result.block_errors));
        add("blocks", pmt::from_long(result.blocks));
        add("iterations", pmt::from_double(result.iterations));
        add("block_crc_ok", block_crc_ok);
        add("block_iterations", block_iterations);
        return dictionary;
    };
    for (auto& tag : tags) {
        if (pmt::eq(tag.key, frame_tag()) && pmt::is_dict(tag.value)) {
            tag.value = report(tag.value);
        }
    }
    message_port_pub(d_port, report(pmt::make_dict()));
}

} // namespace vqdeepsc
} // namespace gr
