/* SPDX-License-Identifier: GPL-3.0-or-later */
// Fuzz target of the LDPC transport chain. With clang:
//   clang++ -std=c++17 -g -O1 -fsanitize=fuzzer,address,undefined -Ilib tests/fuzz_ldpc.cc KERNELS
// With any compiler, -DFUZZ_SECONDS=600 adds a main() that draws inputs by itself for so long.
#include "kernels/ldpc/ldpc_transport.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

constexpr std::size_t LONGEST_PAYLOAD = 30000;
constexpr std::size_t LONGEST_CODED = 100000;

class Input
{
public:
    Input(const std::uint8_t* data, std::size_t size) : d_data(data), d_left(size) {}

    template <typename T>
    T take()
    {
        T value{};
        const std::size_t bytes = std::min(sizeof(T), d_left);
        if (bytes > 0) {
            std::memcpy(&value, d_data, bytes);
        }
        d_data += bytes;
        d_left -= bytes;
        return value;
    }

private:
    const std::uint8_t* d_data;
    std::size_t d_left;
};

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

void run(Input& input)
{
    const std::size_t payload_bits = input.take<std::uint16_t>() % LONGEST_PAYLOAD;
    const std::size_t coded_bits = input.take<std::uint32_t>() % LONGEST_CODED;
    const int bits_per_symbol = input.take<std::int8_t>();
    const int version = input.take<std::int8_t>();
    const int iterations = input.take<std::int8_t>() % 8;
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
        require(received[i] <= 1 && posterior[i] == posterior[i]);
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

#ifdef FUZZ_SECONDS
#include <chrono>
#include <cstdio>
#include <random>

int main()
{
    std::mt19937 generator(1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(FUZZ_SECONDS);
    unsigned long runs = 0, accepted = 0;
    std::vector<std::uint8_t> data;
    while (std::chrono::steady_clock::now() < end) {
        data.resize(12 + generator() % 4000);
        for (auto& byte : data) {
            byte = static_cast<std::uint8_t>(generator());
        }
        // Most inputs get parameters that are accepted, or nothing but refusals would run.
        if (generator() % 8 != 0) {
            const std::uint16_t payload =
                static_cast<std::uint16_t>(generator() % (generator() % 2 ? 400 : 20000) + 1);
            const std::uint32_t coded = payload + generator() % (4 * payload + 64) + 8;
            std::memcpy(data.data(), &payload, sizeof(payload));
            std::memcpy(data.data() + 2, &coded, sizeof(coded));
            const std::uint8_t orders[] = { 1, 2, 4, 6, 8 };
            data[6] = orders[generator() % 5];
            data[7] = generator() % 4;
            data[8] = 1 + generator() % 7;
            accepted++;
        }
        LLVMFuzzerTestOneInput(data.data(), data.size());
        runs++;
    }
    std::printf("%lu inputs, %lu of them with valid parameters\n", runs, accepted);
    return 0;
}
#endif
