/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_frame.h"

#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

TransportBlocks frame_blocks(std::size_t payload_bits,
                             std::size_t coded_bits,
                             int bits_per_symbol,
                             const TransportBlocks& blocks)
{
    // These say in the same words what is out of range, whether blocks are named or not.
    const LdpcSegmentation whole(payload_bits, coded_bits, bits_per_symbol);
    if (blocks.empty()) {
        whole.require_room();
        return { { payload_bits, coded_bits } };
    }
    std::size_t payload = 0, coded = 0;
    for (const auto& [block_payload, block_coded] : blocks) {
        if (coded % bits_per_symbol != 0) {
            throw std::invalid_argument("a transport block ends after " + std::to_string(coded) +
                                        " coded bits, inside a symbol of " +
                                        std::to_string(bits_per_symbol) + " bits");
        }
        const LdpcSegmentation part(block_payload, block_coded, bits_per_symbol);
        part.require_room();
        payload += part.payload_bits;
        coded += part.coded_bits;
    }
    if (payload != payload_bits || coded != coded_bits) {
        throw std::invalid_argument(
            "the transport blocks have " + std::to_string(payload) + " payload bits and " +
            std::to_string(coded) + " coded bits, but payload_bits is " +
            std::to_string(payload_bits) + " and coded_bits " + std::to_string(coded_bits));
    }
    return blocks;
}

FrameEncoder::FrameEncoder(std::size_t payload_bits,
                           std::size_t coded_bits,
                           int bits_per_symbol,
                           int redundancy_version,
                           const TransportBlocks& transport_blocks)
    : d_payload_bits(payload_bits), d_coded_bits(coded_bits)
{
    for (const auto& [payload, coded] :
         frame_blocks(payload_bits, coded_bits, bits_per_symbol, transport_blocks)) {
        d_encoders.emplace_back(payload, coded, bits_per_symbol, redundancy_version);
    }
}

void FrameEncoder::encode(const std::uint8_t* payload, std::uint8_t* coded)
{
    for (auto& encoder : d_encoders) {
        encoder.encode(payload, coded);
        payload += encoder.segmentation().payload_bits;
        coded += encoder.segmentation().coded_bits;
    }
}

void FrameEncoder::set_redundancy_version(int redundancy_version)
{
    for (auto& encoder : d_encoders) {
        encoder.set_redundancy_version(redundancy_version);
    }
}

FrameDecoder::FrameDecoder(std::size_t payload_bits,
                           std::size_t coded_bits,
                           int bits_per_symbol,
                           int redundancy_version,
                           int iterations,
                           const TransportBlocks& transport_blocks)
    : d_redundancy_version(redundancy_version),
      d_payload_bits(payload_bits),
      d_coded_bits(coded_bits)
{
    for (const auto& [payload, coded] :
         frame_blocks(payload_bits, coded_bits, bits_per_symbol, transport_blocks)) {
        d_decoders.emplace_back(payload, coded, bits_per_symbol, redundancy_version, iterations);
    }
}

void FrameDecoder::set_iterations(int iterations)
{
    for (auto& decoder : d_decoders) {
        decoder.set_iterations(iterations);
    }
}

TransportDecoderResult FrameDecoder::decode(const float* llrs,
                                            std::uint8_t* payload,
                                            float* posterior)
{
    reset();
    add_llrs(d_redundancy_version, llrs);
    return decode_combined(payload, posterior);
}

void FrameDecoder::reset()
{
    for (auto& decoder : d_decoders) {
        decoder.reset();
    }
}

void FrameDecoder::add_llrs(int redundancy_version, const float* llrs)
{
    for (auto& decoder : d_decoders) {
        decoder.add_llrs(redundancy_version, llrs);
        llrs += decoder.segmentation().coded_bits;
    }
}

TransportDecoderResult FrameDecoder::decode_combined(std::uint8_t* payload, float* posterior)
{
    d_block_results.clear();
    TransportDecoderResult frame{ true, 0, 0, 0.0f };
    for (auto& decoder : d_decoders) {
        const auto result = decoder.decode_combined(payload, posterior);
        const auto& blocks = decoder.block_results();
        d_block_results.insert(d_block_results.end(), blocks.begin(), blocks.end());
        frame.crc_ok = frame.crc_ok && result.crc_ok;
        frame.block_errors += result.block_errors;
        frame.blocks += result.blocks;
        payload += payload ? decoder.segmentation().payload_bits : 0;
        posterior += posterior ? decoder.segmentation().payload_bits : 0;
    }
    long iterations = 0;
    for (const auto& block : d_block_results) {
        iterations += block.iterations;
    }
    frame.iterations = static_cast<float>(iterations) / frame.blocks;
    return frame;
}

} // namespace gr::vqdeepsc::kernel
