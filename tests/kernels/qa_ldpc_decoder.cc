/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "kernels/ldpc/ldpc_transport.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace gr::vqdeepsc::kernel;
using Precision = TransportDecoder::Precision;
using EarlyStop = TransportDecoder::EarlyStop;
using Bits = std::vector<std::uint8_t>;
using Llrs = std::vector<float>;

namespace {

class Noise
{
public:
    explicit Noise(unsigned seed) : d_generator(seed) {}

    Bits bits(std::size_t count)
    {
        Bits bits(count);
        for (auto& bit : bits) {
            bit = d_generator() & 1;
        }
        return bits;
    }

    double gaussian()
    {
        const double u = (d_generator() + 1.0) / 4294967297.0;
        const double v = d_generator() / 4294967296.0;
        return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
    }

    // True LLRs of +-1 in noise of variance sigma^2: ln P(1)/P(0) = -2 y / sigma^2 with 0 -> +1.
    Llrs channel(const Bits& coded, double sigma)
    {
        Llrs llrs(coded.size());
        for (std::size_t i = 0; i < coded.size(); i++) {
            const double y = 1.0 - 2.0 * coded[i] + sigma * gaussian();
            llrs[i] = static_cast<float>(-2.0 * y / (sigma * sigma));
        }
        return llrs;
    }

private:
    std::mt19937 d_generator;
};

Bits encode(std::size_t coded_bits, const Bits& payload, int per_symbol = 4, int version = 0)
{
    TransportEncoder encoder(payload.size(), coded_bits, per_symbol, version);
    Bits coded(coded_bits);
    encoder.encode(payload.data(), coded.data());
    return coded;
}

struct Decoded {
    TransportDecoderResult result;
    Bits payload;
    Llrs posterior;
};

Decoded decode(TransportDecoder& decoder, const Llrs& llrs)
{
    const std::size_t bits = decoder.segmentation().payload_bits;
    Decoded decoded{ {}, Bits(bits), Llrs(bits) };
    decoded.result = decoder.decode(llrs.data(), decoded.payload.data(), decoded.posterior.data());
    return decoded;
}

TransportDecoder::Options options(Precision precision,
                                  EarlyStop early_stop = EarlyStop::crc,
                                  InstructionSet set = best_instruction_set())
{
    TransportDecoder::Options options;
    options.precision = precision;
    options.early_stop = early_stop;
    options.instruction_set = set;
    return options;
}

std::string name_of(Precision precision)
{
    return precision == Precision::int8 ? "int8" : "int16";
}

void check_lengths(Checks& checks, Precision precision)
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
            checks.check(decoded.payload == payload, name + ": payload");
            checks.check(decoded.result.crc_ok && decoded.result.block_errors == 0, name + ": CRC");
            checks.check(decoded.result.blocks == decoder.segmentation().blocks &&
                             decoded.result.iterations >= 1.0f && decoded.result.iterations < 15.0f,
                         name + ": blocks and iterations");
            bool signs = true;
            for (std::size_t i = 0; i < bits; i++) {
                signs = signs && (decoded.posterior[i] > 0) == (payload[i] == 1);
            }
            checks.check(signs, name + ": signs of the a-posteriori LLRs");
        }
    }
}

void check_rates(Checks& checks, Precision precision)
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
        checks.check(decoded.result.crc_ok && decoded.payload == payload &&
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

void check_combining(Checks& checks, Precision precision)
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
                    checks.check(!decoder.decode_combined(received.data()).crc_ok,
                                 name + ": one noisy transmission is not enough");
                }
            }
            checks.check(decoder.decode_combined(received.data()).crc_ok && received == payload,
                         name + ": four transmissions add up");
        }
        for (int version = 1; version < 4; version++) {
            decoder.reset();
            decoder.add_llrs(0, noise.channel(encode(coded_bits, payload), 0.5).data());
            decoder.add_llrs(version,
                             noise.channel(encode(coded_bits, payload, 4, version), 0.5).data());
            checks.check(decoder.decode_combined(received.data()).crc_ok && received == payload,
                         name + ": version " + std::to_string(version) + " agrees with version 0");
        }
    }
}

void check_strange_input(Checks& checks, Precision precision)
{
    const std::size_t bits = 500, coded_bits = 1500;
    const float infinity = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    TransportDecoder decoder(bits, coded_bits, 4, 0, 20, options(precision));
    Noise noise(3);
    const std::string name = name_of(precision);
    for (const float value : { 0.0f, -0.0f, nan, std::numeric_limits<float>::denorm_min() }) {
        const Decoded decoded = decode(decoder, Llrs(coded_bits, value));
        checks.check(!decoded.result.crc_ok && decoded.result.block_errors == 1,
                     name + ": " + std::to_string(value) + " everywhere fails");
        checks.check(decoded.posterior == Llrs(bits, 0.0f),
                     name + ": " + std::to_string(value) + " everywhere leaves nothing known");
    }
    for (const float value : { infinity, std::numeric_limits<float>::max() }) {
        checks.check(!decode(decoder, Llrs(coded_bits, value)).result.crc_ok,
                     name + ": all ones fail");
        const Bits payload = noise.bits(bits);
        const Bits coded = encode(coded_bits, payload);
        Llrs llrs(coded_bits);
        for (std::size_t i = 0; i < coded_bits; i++) {
            llrs[i] = i % 9 == 4 ? nan : coded[i] ? value : -value;
        }
        const Decoded decoded = decode(decoder, llrs);
        checks.check(decoded.result.crc_ok && decoded.payload == payload,
                     name + ": infinite LLRs and some that are not numbers");
    }
    for (int i = 0; i < 200; i++) {
        Llrs llrs(coded_bits);
        for (float& llr : llrs) {
            llr = static_cast<float>(std::exp(20.0 * noise.gaussian()) * noise.gaussian());
        }
        checks.check(!decode(decoder, llrs).result.crc_ok, name + ": noise fails");
    }
}

void check_instruction_sets(Checks& checks, Precision precision)
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
                checks.check(decoded.back().payload == decoded[0].payload &&
                                 decoded.back().posterior == decoded[0].posterior &&
                                 decoded.back().result.crc_ok == decoded[0].result.crc_ok &&
                                 decoded.back().result.iterations == decoded[0].result.iterations,
                             name_of(precision) + ", " + std::to_string(bits) +
                                 " bits: " + instruction_set_name(set) + " as " +
                                 instruction_set_name(sets[0]));
            }
        }
    }
}

// Layered sum-product decoding in double precision, in the order of rows of LdpcSchedule.
class Reference
{
public:
    explicit Reference(const LdpcSegmentation& s)
        : d_segmentation(s),
          d_code(make_ldpc_code(s.base_graph, s.lifting_size)),
          d_rows(d_code.rows)
    {
        for (const Circulant& circulant : d_code.circulants) {
            d_rows[circulant.row].push_back(circulant);
        }
    }

    // LLRs of the circular buffer -> a-posteriori LLRs of the information bits, as P(1)/P(0).
    std::vector<double> decode(const Llrs& buffer, int iterations)
    {
        const int size = d_code.lifting_size;
        std::vector<double> posterior(d_code.columns() * size, 0.0);
        std::copy(buffer.begin(), buffer.end(), posterior.begin() + 2 * size);
        std::fill(posterior.begin() + d_segmentation.block_bits,
                  posterior.begin() + d_segmentation.information_bits,
                  -1e3);
        std::vector<std::vector<double>> messages(d_code.rows);
        for (int row = 0; row < d_code.rows; row++) {
            messages[row].assign(d_rows[row].size() * size, 0.0);
        }
        for (int i = 0; i < iterations; i++) {
            for (int row = d_code.rows - 1; row >= LDPC_CORE_ROWS; row--) {
                update(row, messages[row], posterior);
            }
            for (int row = 0; row < LDPC_CORE_ROWS; row++) {
                update(row, messages[row], posterior);
            }
        }
        return posterior;
    }

private:
    void update(int row, std::vector<double>& messages, std::vector<double>& posterior)
    {
        const int size = d_code.lifting_size;
        const auto& edges = d_rows[row];
        std::vector<double> inputs(edges.size());
        for (int z = 0; z < size; z++) {
            for (std::size_t e = 0; e < edges.size(); e++) {
                inputs[e] = posterior[edges[e].column * size + (z + edges[e].shift) % size] -
                            messages[e * size + z];
            }
            for (std::size_t e = 0; e < edges.size(); e++) {
                // With ln P(1)/P(0), the product of tanh(-x / 2) is the parity.
                double product = 1.0;
                for (std::size_t other = 0; other < edges.size(); other++) {
                    product *= other == e ? 1.0 : std::tanh(-inputs[other] / 2);
                }
                const double bounded = std::clamp(product, -1 + 1e-12, 1 - 1e-12);
                messages[e * size + z] = -2 * std::atanh(bounded);
                posterior[edges[e].column * size + (z + edges[e].shift) % size] =
                    inputs[e] + messages[e * size + z];
            }
        }
    }

    LdpcSegmentation d_segmentation;
    LdpcCode d_code;
    std::vector<std::vector<Circulant>> d_rows;
};

void check_reference(Checks& checks, Precision precision)
{
    Noise noise(5);
    struct Case {
        std::size_t bits, coded_bits;
        double sigma;
    };
    for (const Case& one :
         { Case{ 400, 1200, 1.0 }, Case{ 500, 700, 0.55 }, Case{ 3840, 11520, 1.1 } }) {
        const std::string name = name_of(precision) + ", " + std::to_string(one.bits) + " bits: ";
        int right = 0, reference_right = 0, frames = one.bits > 1000 ? 4 : 20;
        double difference = 0, magnitude = 0, product = 0, square = 0;
        std::size_t compared = 0;
        for (int frame = 0; frame < frames; frame++) {
            const Bits payload = noise.bits(one.bits);
            const Llrs llrs = noise.channel(encode(one.coded_bits, payload), one.sigma);
            TransportDecoder decoder(
                one.bits, one.coded_bits, 4, 0, 2, options(precision, EarlyStop::none));
            const LdpcSegmentation& s = decoder.segmentation();
            Llrs buffer((s.base_graph == 1 ? 66 : 50) * s.lifting_size, 0.0f);
            LdpcRateMatching(s, 0).recover(llrs.data(), llrs.size(), buffer.data());
            Reference reference(s);

            // After two iterations most bits are still in the range that int8 can tell, and few
            // CRCs hold, which makes all bits certain.
            const Decoded early = decode(decoder, llrs);
            const std::vector<double> exact = reference.decode(buffer, 2);
            for (std::size_t i = 0; i < one.bits; i++) {
                if (!early.result.crc_ok && std::abs(exact[i]) < 10) {
                    difference += std::abs(exact[i] - early.posterior[i]);
                    magnitude += std::abs(exact[i]);
                    product += exact[i] * early.posterior[i];
                    square += exact[i] * exact[i];
                    compared++;
                }
            }
            decoder.set_iterations(20);
            right += decode(decoder, llrs).payload == payload;
            const std::vector<double> late = reference.decode(buffer, 20);
            bool all = true;
            for (std::size_t i = 0; i < one.bits; i++) {
                all = all && (late[i] > 0) == (payload[i] == 1);
            }
            reference_right += all;
        }
        checks.check(compared > one.bits, name + "enough LLRs compared");
        checks.check(difference < 0.2 * magnitude,
                     name + "a-posteriori LLRs follow float64 to " +
                         std::to_string(difference / magnitude));
        checks.check(std::abs(product / square - 1) < 0.15,
                     name + "a-posteriori LLRs have the scale of float64 to " +
                         std::to_string(product / square));
        checks.check(reference_right > frames / 2 && right >= reference_right - frames / 10,
                     name + std::to_string(right) + " frames right, float64 " +
                         std::to_string(reference_right) + " of " + std::to_string(frames));
    }
}

void check_good_channels(Checks& checks, Precision precision)
{
    Noise noise(6);
    const std::size_t bits = 3824, coded_bits = 11472;
    TransportDecoder decoder(bits, coded_bits, 4, 0, 20, options(precision, EarlyStop::none));
    for (const double sigma : { 0.7, 0.4, 0.1, 0.01 }) {
        for (int frame = 0; frame < 50; frame++) {
            const Bits payload = noise.bits(bits);
            const Decoded decoded =
                decode(decoder, noise.channel(encode(coded_bits, payload), sigma));
            checks.check(decoded.result.crc_ok && decoded.payload == payload,
                         name_of(precision) + ": 20 full iterations at sigma " +
                             std::to_string(sigma));
        }
    }
}

void check_independence(Checks& checks)
{
    Noise noise(7);
    TransportDecoder alone(1000, 3000), first(1000, 3000), second(2000, 5000);
    for (int i = 0; i < 20; i++) {
        const Llrs llrs = noise.channel(encode(3000, noise.bits(1000)), 1.0);
        const Decoded expected = decode(alone, llrs);
        decode(second, noise.channel(encode(5000, noise.bits(2000)), 1.0));
        const Decoded got = decode(first, llrs);
        checks.check(got.posterior == expected.posterior, "decoders share no state");
    }
    TransportDecoder moved = std::move(first);
    const Bits payload = noise.bits(1000);
    checks.check(decode(moved, noise.channel(encode(3000, payload), 0.6)).payload == payload,
                 "a moved decoder decodes");
}

} // namespace

int main()
{
    Checks checks;
    for (const Precision precision : { Precision::int8, Precision::int16 }) {
        check_lengths(checks, precision);
        check_rates(checks, precision);
        check_combining(checks, precision);
        check_strange_input(checks, precision);
        check_instruction_sets(checks, precision);
        check_reference(checks, precision);
        check_good_channels(checks, precision);
    }
    check_independence(checks);

    checks.refuses([] { TransportDecoder(0, 100); }, "payload_bits is 0");
    checks.refuses([] { TransportDecoder(100, 300, 5); }, "bits_per_symbol is 5");
    checks.refuses([] { TransportDecoder(100, 300, 4, 4); }, "redundancy_version is 4");
    checks.refuses([] { TransportDecoder(100, 300, 4, 0, 0); }, "iterations is 0");
    checks.refuses([] { TransportDecoder(100, 300).set_iterations(-7); }, "iterations is -7");
    checks.refuses([] { TransportDecoder(100, 300).add_llrs(-1, nullptr); },
                   "redundancy_version is -1");
    return checks.report();
}
