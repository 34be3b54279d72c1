/* SPDX-License-Identifier: GPL-3.0-or-later */
// Bit selection and interleaving of one code block, forth and back, with any parameters.
#include "input.h"
#include "kernels/ldpc/ldpc_rate_matching.h"

#include <cmath>
#include <stdexcept>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

void run(Input& input)
{
    const bool valid = input.take<std::uint8_t>() % 8 != 0;
    constexpr int ORDERS[] = { 1, 2, 4, 6, 8 };
    const std::size_t payload_bits = input.between(valid, 9000);
    const std::size_t coded_bits =
        valid ? payload_bits + input.between(8, 4 * static_cast<int>(payload_bits) + 64)
              : input.between(0, 40000);
    const LdpcSegmentation segmentation(
        payload_bits, coded_bits, valid ? ORDERS[input.between(0, 4)] : input.take<std::int8_t>());
    const LdpcRateMatching matching(segmentation,
                                    valid ? input.between(0, 3) : input.take<std::int8_t>());
    const std::size_t buffer_bits = (segmentation.base_graph == 1 ? 66 : 50) *
                                    static_cast<std::size_t>(segmentation.lifting_size);
    std::vector<std::uint8_t> buffer(buffer_bits);
    for (auto& bit : buffer) {
        bit = input.take<std::uint8_t>() & 1;
    }
    for (const std::size_t length : segmentation.coded_block_bits) {
        std::vector<std::uint8_t> coded(length, 2);
        matching.match(buffer.data(), length, coded.data());
        std::vector<float> llrs(length), sums(buffer_bits, 0.0f);
        double sent = 0.0;
        for (std::size_t i = 0; i < length; ++i) {
            require(coded[i] <= 1);
            llrs[i] = coded[i] ? 1.0f : -1.0f;
            sent += 1.0;
        }
        matching.recover(llrs.data(), length, sums.data());
        double received = 0.0;
        for (std::size_t i = 0; i < buffer_bits; ++i) {
            require(sums[i] == 0.0f || (sums[i] > 0.0f) == (buffer[i] == 1));
            received += std::fabs(sums[i]);
        }
        require(received == sent);
    }
    // Of any values that come over the air, those that are none add nothing.
    std::vector<float> llrs(segmentation.coded_block_bits.front()), sums(buffer_bits, 0.0f);
    for (auto& llr : llrs) {
        llr = input.take<float>();
        llr = std::isinf(llr) ? 0.0f : llr;
    }
    matching.recover(llrs.data(), llrs.size(), sums.data());
    for (const float sum : sums) {
        require(!std::isnan(sum) || llrs.size() > buffer_bits);
    }
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
