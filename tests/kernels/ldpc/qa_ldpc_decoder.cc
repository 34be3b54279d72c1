/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_experiment.h"
#include "says.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace {

BOOST_DATA_TEST_CASE(lengths, EACH_PRECISION, precision)
{
    Noise noise(1);
    for (const std::size_t bits : { 1,
                                    2,
                                    24,
                                    100,
                                    192,
                                    193,
                                    292,
                                    293,
                                    577,
                                    1000,
                                    3824,
                                    3825,
                                    7616,
                                    8424,
                                    8425,
                                    20032,
                                    100000 }) {
        for (const int per_symbol : { 1, 2, 4, 6, 8 }) {
            const std::size_t coded_bits = 3 * bits + 64 + per_symbol / 2;
            const Bits payload = noise.bits(bits);
            const Llrs llrs = noise.channel(encode(coded_bits, payload, per_symbol), 0.6);
            TransportDecoder decoder(bits, coded_bits, per_symbol, 0, 20, options(precision));
            const Decoded decoded = decode(decoder, llrs);
            const std::string name = name_of(precision) + ", " + std::to_string(bits) + " bits";
            BOOST_CHECK_MESSAGE(decoded.payload == payload, name + ": payload");
            BOOST_CHECK_MESSAGE(decoded.result.crc_ok && decoded.result.block_errors == 0,
                                name + ": CRC");
            BOOST_CHECK_MESSAGE(decoded.result.blocks == decoder.segmentation().blocks &&
                                    decoded.result.iterations >= 1.0f &&
                                    decoded.result.iterations < 15.0f,
                                name + ": blocks and iterations");
            bool signs = true;
            for (std::size_t i = 0; i < bits; i++) {
                signs = signs && (decoded.posterior[i] > 0) == (payload[i] == 1);
            }
            BOOST_CHECK_MESSAGE(signs, name + ": signs of the a-posteriori LLRs");
        }
    }
}

BOOST_DATA_TEST_CASE(rates, EACH_PRECISION, precision)
{
    Noise noise(8);
    struct Rate {
        std::size_t numerator, denominator;
        double sigma;
    };
    const auto check = [&](std::size_t bits, const Rate& rate) {
        const std::size_t coded_bits =
            (bits * rate.denominator + rate.numerator - 1) / rate.numerator;
        const Bits payload = noise.bits(bits);
        TransportDecoder decoder(bits, coded_bits, 4, 0, 20, options(precision));
        const Decoded decoded =
            decode(decoder, noise.channel(encode(coded_bits, payload), rate.sigma));
        const auto& blocks = decoder.block_results();
        BOOST_CHECK_MESSAGE(
            decoded.result.crc_ok && decoded.payload == payload &&
                blocks.size() == static_cast<std::size_t>(decoded.result.blocks) &&
                std::all_of(blocks.begin(),
                            blocks.end(),
                            [](const CodeBlockResult& block) { return block.crc_ok; }),
            name_of(precision) + ", " + std::to_string(bits) + " bits in " +
                std::to_string(coded_bits));
    };
    // Capacity is reached at 1.77, 1.5, 1.26, 0.98, 0.75, 0.67, 0.59 and 0.52.
    for (const Rate& rate : { Rate{ 1, 5, 1.3 },
                              Rate{ 1, 4, 1.2 },
                              Rate{ 1, 3, 1.0 },
                              Rate{ 1, 2, 0.75 },
                              Rate{ 2, 3, 0.58 },
                              Rate{ 3, 4, 0.52 },
                              Rate{ 5, 6, 0.45 },
                              Rate{ 8, 9, 0.4 } }) {
        for (const std::size_t bits : { 1000, 3824, 4001, 20032, 100001 }) {
            check(bits, rate);
        }
    }
    check(1000000, { 1, 3, 0.9 });
    check(3000017, { 8, 9, 0.35 });
}

BOOST_DATA_TEST_CASE(combining, EACH_PRECISION, precision)
{
    Noise noise(2);
    for (const std::size_t bits : { 300, 6000, 20032 }) {
        const std::size_t coded_bits = bits * 2;
        const Bits payload = noise.bits(bits);
        TransportDecoder decoder(bits, coded_bits, 4, 0, 20, options(precision));
        Bits received(bits);
        const std::string name = name_of(precision) + ", " + std::to_string(bits) + " bits";
        for (int round = 0; round < 2; round++) {
            decoder.reset();
            for (const int version : { 0, 2, 3, 1 }) {
                decoder.add_llrs(
                    version, noise.channel(encode(coded_bits, payload, 4, version), 1.4).data());
                if (version == 0) {
                    BOOST_CHECK_MESSAGE(!decoder.decode_combined(received.data()).crc_ok,
                                        name + ": one noisy transmission is not enough");
                }
            }
            BOOST_CHECK_MESSAGE(decoder.decode_combined(received.data()).crc_ok &&
                                    received == payload,
                                name + ": four transmissions add up");
        }
        for (int version = 1; version < 4; version++) {
            decoder.reset();
            decoder.add_llrs(0, noise.channel(encode(coded_bits, payload), 0.5).data());
            decoder.add_llrs(version,
                             noise.channel(encode(coded_bits, payload, 4, version), 0.5).data());
            BOOST_CHECK_MESSAGE(
                decoder.decode_combined(received.data()).crc_ok && received == payload,
                name + ": version " + std::to_string(version) + " agrees with version 0");
        }
    }
}

BOOST_DATA_TEST_CASE(strange_input, EACH_PRECISION, precision)
{
    const std::size_t bits = 500, coded_bits = 1500;
    const float infinity = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    TransportDecoder decoder(bits, coded_bits, 4, 0, 20, options(precision));
    Noise noise(3);
    const std::string name = name_of(precision);
    for (const float value : { 0.0f, -0.0f, nan, std::numeric_limits<float>::denorm_min() }) {
        const Decoded decoded = decode(decoder, Llrs(coded_bits, value));
        BOOST_CHECK_MESSAGE(!decoded.result.crc_ok && decoded.result.block_errors == 1,
                            name + ": " + std::to_string(value) + " everywhere fails");
        BOOST_CHECK_MESSAGE(decoded.posterior == Llrs(bits, 0.0f),
                            name + ": " + std::to_string(value) +
                                " everywhere leaves nothing known");
    }
    for (const float value : { infinity, std::numeric_limits<float>::max() }) {
        BOOST_CHECK_MESSAGE(!decode(decoder, Llrs(coded_bits, value)).result.crc_ok,
                            name + ": all ones fail");
        const Bits payload = noise.bits(bits);
        const Bits coded = encode(coded_bits, payload);
        Llrs llrs(coded_bits);
        for (std::size_t i = 0; i < coded_bits; i++) {
            llrs[i] = i % 9 == 4 ? nan : coded[i] ? value : -value;
        }
        const Decoded decoded = decode(decoder, llrs);
        BOOST_CHECK_MESSAGE(decoded.result.crc_ok && decoded.payload == payload,
                            name + ": infinite LLRs and some that are not numbers");
    }
    for (int i = 0; i < 200; i++) {
        Llrs llrs(coded_bits);
        for (float& llr : llrs) {
            llr = static_cast<float>(std::exp(20.0 * noise.gaussian()) * noise.gaussian());
        }
        BOOST_CHECK_MESSAGE(!decode(decoder, llrs).result.crc_ok, name + ": noise fails");
    }
}

BOOST_DATA_TEST_CASE(instruction_sets, EACH_PRECISION, precision)
{
    Noise noise(4);
    const std::vector<InstructionSet> sets = supported_instruction_sets();
    for (const std::size_t bits : { 5, 40, 130, 333, 700, 1111, 3824, 8424 }) {
        for (const double sigma : { 0.8, 1.05, 3.0 }) {
            const std::size_t coded_bits = 3 * bits + 40;
            const Llrs llrs = noise.channel(encode(coded_bits, noise.bits(bits)), sigma);
            std::vector<Decoded> decoded;
            for (const InstructionSet set : sets) {
                TransportDecoder decoder(
                    bits, coded_bits, 4, 0, 6, options(precision, EarlyStop::crc, set));
                decoded.push_back(decode(decoder, llrs));
                BOOST_CHECK_MESSAGE(
                    decoded.back().payload == decoded[0].payload &&
                        decoded.back().posterior == decoded[0].posterior &&
                        decoded.back().result.crc_ok == decoded[0].result.crc_ok &&
                        decoded.back().result.iterations == decoded[0].result.iterations,
                    name_of(precision) + ", " + std::to_string(bits) + " bits: " +
                        instruction_set_name(set) + " as " + instruction_set_name(sets[0]));
            }
        }
    }
}

BOOST_DATA_TEST_CASE(good_channels, EACH_PRECISION, precision)
{
    Noise noise(6);
    const std::size_t bits = 3824, coded_bits = 11472;
    TransportDecoder decoder(bits, coded_bits, 4, 0, 20, options(precision, EarlyStop::none));
    for (const double sigma : { 0.7, 0.4, 0.1, 0.01 }) {
        for (int frame = 0; frame < 50; frame++) {
            const Bits payload = noise.bits(bits);
            const Decoded decoded =
                decode(decoder, noise.channel(encode(coded_bits, payload), sigma));
            BOOST_CHECK_MESSAGE(decoded.result.crc_ok && decoded.payload == payload,
                                name_of(precision) + ": 20 full iterations at sigma " +
                                    std::to_string(sigma));
        }
    }
}

BOOST_AUTO_TEST_CASE(independence)
{
    Noise noise(7);
    TransportDecoder alone(1000, 3000), first(1000, 3000), second(2000, 5000);
    for (int i = 0; i < 20; i++) {
        const Llrs llrs = noise.channel(encode(3000, noise.bits(1000)), 1.0);
        const Decoded expected = decode(alone, llrs);
        decode(second, noise.channel(encode(5000, noise.bits(2000)), 1.0));
        const Decoded got = decode(first, llrs);
        BOOST_CHECK_MESSAGE(got.posterior == expected.posterior, "decoders share no state");
    }
    TransportDecoder moved = std::move(first);
    const Bits payload = noise.bits(1000);
    BOOST_CHECK_MESSAGE(decode(moved, noise.channel(encode(3000, payload), 0.6)).payload == payload,
                        "a moved decoder decodes");
}

BOOST_AUTO_TEST_CASE(refusals)
{
    BOOST_CHECK_EXCEPTION(
        TransportDecoder(0, 100), std::invalid_argument, says("payload_bits is 0"));
    BOOST_CHECK_EXCEPTION(
        TransportDecoder(100, 300, 5), std::invalid_argument, says("bits_per_symbol is 5"));
    BOOST_CHECK_EXCEPTION(
        TransportDecoder(100, 300, 4, 4), std::invalid_argument, says("redundancy_version is 4"));
    BOOST_CHECK_EXCEPTION(
        TransportDecoder(100, 300, 4, 0, 0), std::invalid_argument, says("iterations is 0"));
    BOOST_CHECK_EXCEPTION(TransportDecoder(100, 300).set_iterations(-7),
                          std::invalid_argument,
                          says("iterations is -7"));
    BOOST_CHECK_EXCEPTION(TransportDecoder(100, 300).add_llrs(-1, nullptr),
                          std::invalid_argument,
                          says("redundancy_version is -1"));
}

} // namespace
