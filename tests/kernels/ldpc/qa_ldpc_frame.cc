/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/ldpc/ldpc_frame.h"
#include "says.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

using Bits = std::vector<std::uint8_t>;
using Llrs = std::vector<float>;

const TransportBlocks BLOCKS = { { 192, 1152 }, { 1280, 5760 }, { 6144, 15936 } };
constexpr std::size_t PAYLOAD_BITS = 7616;
constexpr std::size_t CODED_BITS = 22848;

BOOST_AUTO_TEST_CASE(frames_of_transport_blocks)
{
    std::mt19937 generator(3);
    Bits payload(PAYLOAD_BITS);
    for (auto& bit : payload) {
        bit = generator() & 1;
    }

    FrameEncoder encoder(PAYLOAD_BITS, CODED_BITS, 4, 0, BLOCKS);
    Bits coded(CODED_BITS), expected(CODED_BITS);
    encoder.encode(payload.data(), coded.data());
    std::size_t from = 0, to = 0;
    for (const auto& [block_payload, block_coded] : BLOCKS.blocks) {
        TransportEncoder(block_payload, block_coded).encode(&payload[from], &expected[to]);
        from += block_payload;
        to += block_coded;
    }
    BOOST_CHECK_MESSAGE(coded == expected, "a frame is its transport blocks one after another");

    Llrs llrs(CODED_BITS);
    std::transform(
        coded.begin(), coded.end(), llrs.begin(), [](int bit) { return 8.0f * bit - 4; });
    // nothing is known of the last transport block
    std::fill(llrs.end() - 15936, llrs.end(), 0.0f);
    FrameDecoder decoder(PAYLOAD_BITS, CODED_BITS, 4, 0, 7, BLOCKS);
    BOOST_CHECK_MESSAGE(decoder.block_results().empty(), "no results before the first frame");
    Bits bits(PAYLOAD_BITS);
    Llrs posterior(PAYLOAD_BITS);
    const auto result = decoder.decode(llrs.data(), bits.data(), posterior.data());
    BOOST_CHECK_MESSAGE(!result.crc_ok && result.block_errors == 1 && result.blocks == 3,
                        "one of three code blocks fails");
    BOOST_CHECK_MESSAGE(std::equal(bits.begin(), bits.begin() + 1472, payload.begin()),
                        "the others are right");
    BOOST_CHECK_MESSAGE(std::all_of(posterior.begin() + 1472,
                                    posterior.end(),
                                    [](float llr) { return llr == 0.0f; }),
                        "and of the one that fails nothing is claimed");
    const auto& blocks = decoder.block_results();
    BOOST_CHECK_MESSAGE(blocks.size() == 3 && blocks[0].crc_ok && blocks[1].crc_ok &&
                            !blocks[2].crc_ok && blocks[2].iterations == 7,
                        "each code block has its result");
    float sum = 0;
    for (const auto& block : blocks) {
        sum += block.iterations;
    }
    BOOST_CHECK_MESSAGE(result.iterations == sum / 3, "iterations are the mean of all code blocks");

    Llrs alone(PAYLOAD_BITS);
    decoder.decode(llrs.data(), nullptr, alone.data());
    Bits decided(PAYLOAD_BITS);
    decoder.decode(llrs.data(), decided.data());
    BOOST_CHECK_MESSAGE(alone == posterior && decided == bits, "either output may be left out");
    decoder.set_iterations(2);
    decoder.decode(llrs.data(), bits.data());
    BOOST_CHECK_MESSAGE(decoder.iterations() == 2 && decoder.block_results()[2].iterations == 2,
                        "iterations may change");

    FrameEncoder plain(PAYLOAD_BITS, CODED_BITS);
    plain.encode(payload.data(), coded.data());
    TransportEncoder(PAYLOAD_BITS, CODED_BITS).encode(payload.data(), expected.data());
    BOOST_CHECK_MESSAGE(coded == expected, "without a list a frame is one transport block");

    const auto refused = [&](const TransportBlocks& list, const std::string& part) {
        BOOST_CHECK_EXCEPTION(
            FrameEncoder(100, 300, 4, 0, list), std::invalid_argument, says(part));
        BOOST_CHECK_EXCEPTION(
            FrameDecoder(100, 300, 4, 0, 20, list), std::invalid_argument, says(part));
    };
    refused({ { 40, 120 }, { 60, 160 } }, "280 coded bits");
    refused({ { 40, 120 }, { 50, 180 } }, "90 payload bits");
    refused({ { 40, 122 }, { 60, 178 } }, "inside a symbol");
    refused({ { 0, 120 }, { 100, 180 } }, "payload_bits is 0");
    refused({ { 40, 20 }, { 60, 280 } }, "coded_bits is 20");
}

BOOST_AUTO_TEST_CASE(copies_on_strong_bits_are_decoded_alone)
{
    const TransportBlocks blocks({ { 600, 1440 }, { 1400, 4560 } }, true);
    std::mt19937 generator(5);
    Bits payload(2000), coded(6000), bits(2000);
    for (auto& bit : payload) {
        bit = generator() & 1;
    }
    FrameEncoder encoder(2000, 6000, 4, 0, blocks);
    for (const int version : { 0, 2 }) {
        encoder.set_redundancy_version(version);
        encoder.encode(payload.data(), coded.data());
        Llrs llrs(6000);
        std::transform(
            coded.begin(), coded.end(), llrs.begin(), [](int bit) { return 8.0f * bit - 4; });
        FrameDecoder decoder(2000, 6000, 4, version, 20, blocks);
        BOOST_CHECK_MESSAGE(decoder.decode(llrs.data(), bits.data()).crc_ok && bits == payload,
                            "version " << version);
    }
}

} // namespace
