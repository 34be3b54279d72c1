/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_frame.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr std::size_t LEVEL_BITS = 2; // of each level of a Gray constellation, I and Q
constexpr int QAM16_BITS = 4;

// How the coded bits of the blocks of a list are interleaved among themselves.
int interleaved_bits(const TransportBlocks& list, int bits_per_symbol)
{
    return list.on_strong_bits ? 1 : bits_per_symbol;
}

// Version 2 of a block with less than three coded bits for each bit has hardly a systematic one,
// and a copy has to be decoded alone; on strong bits first, blocks of any part may have so few.
int block_version(const LdpcSegmentation& block, bool on_strong_bits, int redundancy_version)
{
    const bool few = on_strong_bits && block.coded_bits < 3 * block.payload_bits;
    const bool swapped = few && (redundancy_version == 2 || redundancy_version == 3);
    return swapped ? 5 - redundancy_version : redundancy_version;
}

// The bits of all symbols, level by level from strong to weak; any part of a level is spread evenly
// over the frame, as by the golden ratio.
std::vector<std::size_t> ordered_bits(std::size_t coded_bits, std::size_t bits_per_symbol)
{
    const std::size_t level_bits = std::min(LEVEL_BITS, bits_per_symbol);
    const std::size_t count = coded_bits / bits_per_symbol * level_bits;
    std::size_t stride = (618 * count + 999) / 1000;
    while (std::gcd(stride, count) != 1) {
        stride++;
    }
    std::vector<std::size_t> bits;
    for (std::size_t level = 0; level < bits_per_symbol; level += level_bits) {
        for (std::size_t i = 0, number = 0; i < count; i++, number = (number + stride) % count) {
            bits.push_back(number / level_bits * bits_per_symbol + level + number % level_bits);
        }
    }
    return bits;
}

// Where each coded bit of a frame lies among the bits of its symbols.
std::vector<std::size_t> coded_bit_positions(const TransportBlocks& list,
                                             std::size_t coded_bits,
                                             int bits_per_symbol)
{
    if (!list.on_strong_bits) {
        return {};
    }
    auto positions = ordered_bits(coded_bits, bits_per_symbol);
    auto start = positions.begin();
    for (const auto& block : list.blocks) {
        std::sort(start, start + block.coded_bits);
        // of a code block the systematic bits, which come first, on the strong ones
        for (const std::size_t bits :
             LdpcSegmentation(block.payload_bits, block.coded_bits, 1).coded_block_bits) {
            std::stable_sort(start, start + bits, [&](std::size_t a, std::size_t b) {
                return a % bits_per_symbol / LEVEL_BITS < b % bits_per_symbol / LEVEL_BITS;
            });
            start += bits;
        }
    }
    return positions;
}

// What the LLR of a weak bit of 16-QAM grows by towards 0, the inner points, once its strong bit is
// known. Max-log LLRs are those of the nearest points of any sign: if the symbol lies on the right
// side, these are right already; else the inner point of the right side is as much nearer.
float known_sign_gain(float strong, float weak, std::uint8_t bit)
{
    const bool right = (strong > 0) == (bit != 0);
    return right ? 0.0f : 2 * std::max(0.0f, std::abs(strong) + std::min(0.0f, -weak));
}

} // namespace

TransportBlocks frame_blocks(std::size_t payload_bits,
                             std::size_t coded_bits,
                             int bits_per_symbol,
                             const TransportBlocks& list)
{
    // These say in the same words what is out of range, whether blocks are named or not.
    const LdpcSegmentation whole(payload_bits, coded_bits, bits_per_symbol);
    if (list.blocks.empty()) {
        whole.require_room();
        return { { payload_bits, coded_bits } };
    }
    std::size_t payload = 0, coded = 0;
    const int unit = interleaved_bits(list, bits_per_symbol);
    if (coded_bits % bits_per_symbol != 0 && list.on_strong_bits) {
        throw std::invalid_argument("coded_bits is " + std::to_string(coded_bits) +
                                    ", must be whole symbols of " +
                                    std::to_string(bits_per_symbol) + " bits");
    }
    for (const auto& block : list.blocks) {
        if (coded % unit != 0) {
            throw std::invalid_argument("a transport block ends after " + std::to_string(coded) +
                                        " coded bits, inside a symbol of " +
                                        std::to_string(bits_per_symbol) + " bits");
        }
        const LdpcSegmentation part(block.payload_bits, block.coded_bits, unit);
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
    return list;
}

FrameEncoder::FrameEncoder(std::size_t payload_bits,
                           std::size_t coded_bits,
                           int bits_per_symbol,
                           int redundancy_version,
                           const TransportBlocks& transport_blocks)
    : d_payload_bits(payload_bits), d_coded_bits(coded_bits)
{
    const auto list = frame_blocks(payload_bits, coded_bits, bits_per_symbol, transport_blocks);
    for (const auto& block : list.blocks) {
        d_encoders.emplace_back(
            block.payload_bits, block.coded_bits, interleaved_bits(list, bits_per_symbol), 0);
    }
    d_positions = coded_bit_positions(list, coded_bits, bits_per_symbol);
    set_redundancy_version(redundancy_version);
    d_coded.resize(d_positions.size());
}

void FrameEncoder::encode(const std::uint8_t* payload, std::uint8_t* coded)
{
    std::uint8_t* written = d_positions.empty() ? coded : d_coded.data();
    for (auto& encoder : d_encoders) {
        encoder.encode(payload, written);
        payload += encoder.segmentation().payload_bits;
        written += encoder.segmentation().coded_bits;
    }
    for (std::size_t i = 0; i < d_positions.size(); i++) {
        coded[d_positions[i]] = d_coded[i];
    }
}

void FrameEncoder::set_redundancy_version(int redundancy_version)
{
    for (auto& encoder : d_encoders) {
        encoder.set_redundancy_version(
            block_version(encoder.segmentation(), !d_positions.empty(), redundancy_version));
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
    const auto list = frame_blocks(payload_bits, coded_bits, bits_per_symbol, transport_blocks);
    for (const auto& block : list.blocks) {
        d_decoders.emplace_back(block.payload_bits,
                                block.coded_bits,
                                interleaved_bits(list, bits_per_symbol),
                                redundancy_version,
                                iterations);
    }
    d_positions = coded_bit_positions(list, coded_bits, bits_per_symbol);
    d_llrs.resize(d_positions.size());
    if (list.on_strong_bits && bits_per_symbol == QAM16_BITS) {
        for (const auto& block : list.blocks) {
            d_encoders.emplace_back(
                block.payload_bits, block.coded_bits, interleaved_bits(list, bits_per_symbol), 0);
        }
        d_encoders.pop_back();
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
    d_copies.clear();
}

void FrameDecoder::add_llrs(int redundancy_version, const float* llrs)
{
    if (!d_encoders.empty()) {
        d_copies.push_back({ redundancy_version,
                             { llrs, llrs + d_coded_bits },
                             std::vector<bool>(d_encoders.size()) });
    }
    if (!d_positions.empty()) {
        std::transform(d_positions.begin(),
                       d_positions.end(),
                       d_llrs.begin(),
                       [llrs](std::size_t position) { return llrs[position]; });
        llrs = d_llrs.data();
    }
    add_in_order(0, redundancy_version, llrs);
}

// Adds LLRs of the coded bits of a transport block and all later ones, one after another.
void FrameDecoder::add_in_order(std::size_t first_block, int redundancy_version, const float* llrs)
{
    for (std::size_t i = first_block; i < d_decoders.size(); i++) {
        const auto& segmentation = d_decoders[i].segmentation();
        d_decoders[i].add_llrs(
            block_version(segmentation, !d_positions.empty(), redundancy_version), llrs);
        llrs += segmentation.coded_bits;
    }
}

// Adds to later blocks what the payload of a decoded one, in d_payload, says about their bits.
void FrameDecoder::tell_later_blocks(std::size_t block, Copy& copy)
{
    std::size_t start = 0;
    for (std::size_t i = 0; i < block; i++) {
        start += d_encoders[i].segmentation().coded_bits;
    }
    auto& encoder = d_encoders[block];
    const auto& segmentation = encoder.segmentation();
    encoder.set_redundancy_version(block_version(segmentation, true, copy.redundancy_version));
    d_coded.resize(segmentation.coded_bits);
    encoder.encode(d_payload.data(), d_coded.data());

    std::vector<float> gains(d_coded_bits);
    for (std::size_t i = 0; i < d_coded.size(); i++) {
        const std::size_t strong = d_positions[start + i];
        if (strong % QAM16_BITS < LEVEL_BITS) {
            const std::size_t weak = strong + LEVEL_BITS;
            gains[weak] = -known_sign_gain(copy.llrs[strong], copy.llrs[weak], d_coded[i]);
        }
    }
    const auto later = d_positions.begin() + start + d_coded.size();
    std::transform(later, d_positions.end(), d_llrs.begin(), [&gains](std::size_t position) {
        return gains[position];
    });
    add_in_order(block + 1, copy.redundancy_version, d_llrs.data());
    copy.told_of[block] = true;
}

TransportDecoderResult FrameDecoder::decode_combined(std::uint8_t* payload, float* posterior)
{
    d_block_results.clear();
    TransportDecoderResult frame{ true, 0, 0, 0.0f };
    for (std::size_t i = 0; i < d_decoders.size(); i++) {
        auto& decoder = d_decoders[i];
        d_payload.resize(decoder.segmentation().payload_bits);
        const auto result = decoder.decode_combined(d_payload.data(), posterior);
        if (payload) {
            std::copy(d_payload.begin(), d_payload.end(), payload);
        }
        if (i < d_encoders.size() && result.crc_ok) {
            for (auto& copy : d_copies) {
                if (!copy.told_of[i]) {
                    tell_later_blocks(i, copy);
                }
            }
        }
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
