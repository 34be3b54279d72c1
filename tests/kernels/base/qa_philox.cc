/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/base/philox.h"
#include "kernels/channel/complex_gaussian.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

using namespace gr::vqdeepsc::kernel;

BOOST_TEST_DONT_PRINT_LOG_VALUE(InstructionSet)

namespace {

// Known-answer vectors that Random123 publishes for philox4x32 with 10 rounds.
BOOST_AUTO_TEST_CASE(known_answers)
{
    using Words = std::array<std::uint32_t, 4>;
    BOOST_CHECK_MESSAGE((philox4x32({ 0, 0, 0, 0 }, { 0, 0 }) ==
                         Words{ 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 }),
                        "zeros");
    BOOST_CHECK_MESSAGE((philox4x32({ ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u }) ==
                         Words{ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd }),
                        "ones");
    BOOST_CHECK_MESSAGE((philox4x32({ 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
                                    { 0xa4093822, 0x299f31d0 }) ==
                         Words{ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 }),
                        "digits of pi");
}

// Box-Muller in float64 on the words of the scalar generator.
std::array<double, 2> reference(std::uint64_t seed,
                                std::uint32_t stream,
                                std::uint64_t pair,
                                int which)
{
    const auto words = philox4x32(
        { static_cast<std::uint32_t>(pair), static_cast<std::uint32_t>(pair >> 32), stream, 0 },
        { static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32) });
    const double u = ((words[2 * which] >> 1) + 0.5) / 2147483648.0;
    const double angle = 2.0 * M_PI * words[2 * which + 1] / 4294967296.0;
    const double magnitude = std::sqrt(-std::log(u));
    return { magnitude * std::cos(angle), magnitude * std::sin(angle) };
}

BOOST_DATA_TEST_CASE(gaussian_values, supported_instruction_sets(), set)
{
    const std::string name = instruction_set_name(set) + ": ";
    const std::uint64_t seed = 0x0123456789abcdefULL;
    // The second start makes the counter's low word overflow inside the run.
    for (const std::uint64_t start : { 0ULL, 0xffffffffULL - 1000ULL, 0x123456789abcdeULL }) {
        const std::size_t pairs = 5000;
        std::vector<float> values(4 * pairs);
        complex_gaussian(set, seed, 7, start, pairs, values.data());
        double worst = 0.0;
        for (std::size_t i = 0; i < 2 * pairs; ++i) {
            const auto expected = reference(seed, 7, start + i / 2, i % 2);
            // u close to 1 is known to 24 bits, so that small values are less exact.
            worst = std::max(worst, std::abs(values[2 * i] - expected[0]));
            worst = std::max(worst, std::abs(values[2 * i + 1] - expected[1]));
        }
        BOOST_CHECK_MESSAGE(worst < 2e-5,
                            name + "values differ from float64 by " + std::to_string(worst));

        std::vector<float> portable(4 * pairs);
        complex_gaussian(InstructionSet::portable, seed, 7, start, pairs, portable.data());
        BOOST_CHECK_MESSAGE(std::memcmp(portable.data(), values.data(), 16 * pairs) == 0,
                            name + "same bits as portable code");

        for (const std::size_t count : { 0, 1, 3, 63, 64, 65, 200 }) {
            std::vector<float> part(4 * count + 4, -99.0f);
            complex_gaussian(set, seed, 7, start + 17, count, part.data());
            BOOST_CHECK_MESSAGE(std::memcmp(part.data(), values.data() + 4 * 17, 16 * count) == 0,
                                name + "part of " + std::to_string(count) + " pairs");
            BOOST_CHECK_MESSAGE(part[4 * count] == -99.0f && part[4 * count + 3] == -99.0f,
                                name + "nothing written after " + std::to_string(count) + " pairs");
        }
    }
}

BOOST_AUTO_TEST_CASE(moments)
{
    const std::size_t pairs = 2'000'000;
    std::vector<float> values(4 * pairs);
    complex_gaussian(best_instruction_set(), 11, 0, 0, pairs, values.data());
    double sum = 0.0;
    double square = 0.0;
    double fourth = 0.0;
    double product = 0.0;
    double successive = 0.0;
    double largest = 0.0;
    for (std::size_t i = 0; i < values.size(); i += 2) {
        const double x = values[i];
        const double y = values[i + 1];
        sum += x + y;
        square += x * x + y * y;
        fourth += x * x * x * x + y * y * y * y;
        product += x * y;
        successive += i + 2 < values.size() ? x * values[i + 2] : 0.0;
        largest = std::max(largest, x * x + y * y);
    }
    // Five standard deviations of each estimate; variance 1/2 in each dimension.
    const double n = static_cast<double>(values.size());
    BOOST_CHECK_MESSAGE(std::abs(sum / n) < 5.0 * std::sqrt(0.5 / n), "mean 0");
    BOOST_CHECK_MESSAGE(std::abs(square / n - 0.5) < 5.0 * std::sqrt(0.5 / n), "variance 1/2");
    BOOST_CHECK_MESSAGE(std::abs(fourth / n - 0.75) < 5.0 * std::sqrt(6.0 / n),
                        "fourth moment 3/4");
    BOOST_CHECK_MESSAGE(std::abs(product / (n / 2)) < 5.0 * std::sqrt(0.25 / (n / 2)),
                        "real and imaginary parts uncorrelated");
    BOOST_CHECK_MESSAGE(std::abs(successive / (n / 2)) < 5.0 * std::sqrt(0.25 / (n / 2)),
                        "successive values uncorrelated");
    BOOST_CHECK_MESSAGE(largest > std::log(n / 2) - 3.0 && largest < std::log(n / 2) + 8.0,
                        "largest power " + std::to_string(largest));
}

} // namespace
