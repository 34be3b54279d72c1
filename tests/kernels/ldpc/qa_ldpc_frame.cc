/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/ldpc/ldpc_frame.h"
#include "says.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
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

// Of the points +-1 and +-3 that a pair of bits (strong, weak) may choose, the nearest one's
// squared distance; sign: -1 or 1 where it is known, else 0. All values have few digits, so sums
// are exact.
float distance(float y, int weak, int sign)
{
    const float amplitude = weak ? 3 : 1;
    const float below = (y + amplitude) * (y + amplitude);
    const float above = (y - amplitude) * (y - amplitude);
    return sign < 0 ? below : sign > 0 ? above : std::min(below, above);
}

// 4-PAM of both dimensions of symbols with noise, in steps of 1/64.
std::vector<float> noisy(const Bits& coded, float deviation, std::mt19937& generator)
{
    std::normal_distribution<float> noise(0, deviation);
    std::vector<float> received;
    for (std::size_t i = 0; i < coded.size(); i += 4) {
        for (const std::size_t strong : { i, i + 1 }) {
            const float sent = (coded[strong] ? -1 : 1) * (coded[strong + 2] ? 3 : 1);
            received.push_back(std::round(64 * (sent + noise(generator))) / 64);
        }
    }
    return received;
}

// Max-log LLRs in the order on the air.
Llrs demapped(const std::vector<float>& received)
{
    Llrs llrs(2 * received.size());
    for (std::size_t i = 0; i < received.size(); i++) {
        const float y = received[i];
        const std::size_t strong = i / 2 * 4 + i % 2;
        const float negative = std::min((y + 1) * (y + 1), (y + 3) * (y + 3));
        const float positive = std::min((y - 1) * (y - 1), (y - 3) * (y - 3));
        llrs[strong] = (positive - negative) / 4;
        llrs[strong + 2] = (distance(y, 0, 0) - distance(y, 1, 0)) / 4;
    }
    return llrs;
}

// LLRs of the weak bits, in order, where all signs are known.
Llrs weak_llrs(const std::vector<float>& received, const Bits& strong_bits)
{
    Llrs llrs;
    for (std::size_t i = 0; i < received.size(); i++) {
        const int sign = strong_bits[i] ? -1 : 1;
        llrs.push_back((distance(received[i], 0, sign) - distance(received[i], 1, sign)) / 4);
    }
    return llrs;
}

BOOST_AUTO_TEST_CASE(decoded_strong_bits_tell_about_weak_ones)
{
    // the first block has all strong bits, the second all weak ones
    const TransportBlocks blocks({ { 600, 3000 }, { 1400, 3000 } }, true);
    std::mt19937 generator(5);
    Bits payload(2000), coded(6000), strong_bits(3000);
    for (auto& bit : payload) {
        bit = generator() & 1;
    }
    FrameEncoder encoder(2000, 6000, 4, 0, blocks);
    FrameDecoder decoder(2000, 6000, 4, 0, 20, blocks);
    FrameDecoder patient(2000, 6000, 4, 0, 20, blocks);
    TransportEncoder first(600, 3000, 1);
    TransportDecoder second(1400, 3000, 1), untold(1400, 3000, 1);
    Llrs posterior(2000), expected(1400), less(1400);
    for (const int version : { 0, 3 }) { // 3: of blocks with few coded bits 2
        const int second_version = version == 3 ? 2 : version;
        encoder.set_redundancy_version(version);
        encoder.encode(payload.data(), coded.data());
        const auto received = noisy(coded, 1.5f, generator);
        const auto llrs = demapped(received);
        decoder.add_llrs(version, llrs.data());
        patient.add_llrs(version, llrs.data());
        decoder.decode_combined(nullptr, posterior.data());

        first.set_redundancy_version(version);
        first.encode(payload.data(), strong_bits.data());
        const auto told = weak_llrs(received, strong_bits);
        second.add_llrs(second_version, told.data());
        second.decode_combined(nullptr, expected.data());
        BOOST_CHECK_MESSAGE(decoder.block_results()[0].crc_ok, "the first block arrives");
        BOOST_CHECK_MESSAGE(std::equal(expected.begin(), expected.end(), posterior.begin() + 600),
                            "weak bits are those of the known half plane, version " << version);

        Llrs weak;
        for (std::size_t i = 0; i < llrs.size(); i += 4) {
            weak.insert(weak.end(), { llrs[i + 2], llrs[i + 3] });
        }
        untold.add_llrs(second_version, weak.data());
        untold.decode_combined(nullptr, less.data());
        BOOST_CHECK_MESSAGE(less != expected, "which says more than the symbols alone");
    }
    Llrs at_once(2000);
    patient.decode_combined(nullptr, at_once.data());
    BOOST_CHECK_MESSAGE(at_once == posterior, "and no bit is told twice");
}

} // namespace
