/* SPDX-License-Identifier: GPL-3.0-or-later */
// Encodes and decodes transport blocks with any parameters, payload and LLRs.
#include "input.h"
#include "kernels/ldpc/ldpc_transport.h"

#include <cmath>
#include <stdexcept>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

constexpr int LONGEST_PAYLOAD = 20000;
constexpr int LONGEST_CODED = 100000;

void run(Input& input)
{
    // Most inputs get parameters that are accepted, or nothing but refusals would run.
    const bool valid = input.take<std::uint8_t>() % 8 != 0;
    constexpr int ORDERS[] = { 1, 2, 4, 6, 8 };
    const std::size_t payload_bits = input.between(valid, LONGEST_PAYLOAD);
    const std::size_t coded_bits =
        valid ? payload_bits + input.between(8, 4 * static_cast<int>(payload_bits) + 64)
              : input.between(0, LONGEST_CODED);
    const int bits_per_symbol = valid ? ORDERS[input.between(0, 4)] : input.take<std::int8_t>();
    const int version = valid ? input.between(0, 3) : input.take<std::int8_t>();
    const int iterations = valid ? input.between(1, 7) : input.take<std::int8_t>() % 8;
    const auto sets = supported_instruction_sets();
    TransportDecoder::Options options;
    const unsigned choice = input.take<std::uint8_t>();
    options.precision =
        choice & 1 ? TransportDecoder::Precision::int16 : TransportDecoder::Precision::int8;
    options.early_stop = static_cast<TransportDecoder::EarlyStop>((choice >> 1) % 3);
    options.instruction_set = sets[(choice >> 3) % sets.size()];

    TransportEncoder encoder(payload_bits, coded_bits, bits_per_symbol, version);
    TransportDecoder decoder(
        payload_bits, coded_bits, bits_per_symbol, version, iterations, options);
    std::vector<std::uint8_t> payload(payload_bits), coded(coded_bits), received(payload_bits);
    for (auto& bit : payload) {
        bit = input.take<std::uint8_t>() & 1;
    }
    encoder.encode(payload.data(), coded.data());
    std::vector<float> llrs(coded_bits), posterior(payload_bits);
    const bool from_input = choice & 128;
    for (std::size_t i = 0; i < coded_bits; i++) {
        // Raw bytes reach infinities, NaN and subnormal numbers.
        llrs[i] = from_input ? input.take<float>()
                             : (coded[i] ? 1.0f : -1.0f) * (1 + input.take<std::uint8_t>());
    }
    const auto result = decoder.decode(llrs.data(), received.data(), posterior.data());
    require(result.blocks >= 1 && result.block_errors <= result.blocks);
    require(result.iterations >= 1 && result.iterations <= iterations);
    for (std::size_t i = 0; i < payload_bits; i++) {
        require(received[i] <= 1 && !std::isnan(posterior[i]));
        require((posterior[i] > 0) == (received[i] == 1));
    }
    require(from_input || !result.crc_ok || received == payload);
    decoder.add_llrs((version + 1) % 4, llrs.data());
    decoder.decode_combined(received.data(), nullptr);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    try {
        run(input);
    } catch (const std::invalid_argument&) {
        // Parameters out of range are refused like this.
    }
    return 0;
}
