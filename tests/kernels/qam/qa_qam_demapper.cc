/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/qam/qam_constellation.h"
#include "kernels/qam/qam_demapper.h"
#include "says.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

using namespace gr::vqdeepsc::kernel;

BOOST_TEST_DONT_PRINT_LOG_VALUE(InstructionSet)

namespace {

namespace data = boost::unit_test::data;

using Symbols = std::vector<std::complex<float>>;
const auto EACH_SIZE = data::make({ 2, 4, 6, 8 });
const auto EACH_METHOD = data::make({ false, true });
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

// One dimension of TS 38.211 clauses 5.1.3 to 5.1.6, the formulas as they stand there.
double amplitude(const std::vector<int>& b)
{
    switch (b.size()) {
    case 1:
        return (1 - 2 * b[0]) / std::sqrt(2.0);
    case 2:
        return (1 - 2 * b[0]) * (2 - (1 - 2 * b[1])) / std::sqrt(10.0);
    case 3:
        return (1 - 2 * b[0]) * (4 - (1 - 2 * b[1]) * (2 - (1 - 2 * b[2]))) / std::sqrt(42.0);
    default:
        return (1 - 2 * b[0]) * (8 - (1 - 2 * b[1]) * (4 - (1 - 2 * b[2]) * (2 - (1 - 2 * b[3])))) /
               std::sqrt(170.0);
    }
}

std::vector<std::complex<double>> standard_points(int bits)
{
    std::vector<std::complex<double>> points;
    for (int label = 0; label < 1 << bits; ++label) {
        std::vector<int> even;
        std::vector<int> odd;
        for (int i = 0; i < bits; ++i) {
            (i % 2 == 0 ? even : odd).push_back((label >> (bits - 1 - i)) & 1);
        }
        points.emplace_back(amplitude(even), amplitude(odd));
    }
    return points;
}

BOOST_DATA_TEST_CASE(constellation, EACH_SIZE, bits)
{
    const auto points = qam_points(bits);
    const auto expected = standard_points(bits);
    BOOST_CHECK_MESSAGE(points.size() == expected.size(), "number of points");
    double power = 0.0;
    double worst = 0.0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        worst = std::max(worst, std::abs(std::complex<double>(points[i]) - expected[i]));
        power += std::norm(std::complex<double>(points[i])) / points.size();
    }
    BOOST_CHECK_MESSAGE(worst < 1e-7, std::to_string(bits) + " bits: points of the standard");
    BOOST_CHECK_MESSAGE(std::abs(power - 1.0) < 1e-6, std::to_string(bits) + " bits: power 1");
}

// LLRs from all points in float64.
std::vector<double> brute_force(std::complex<double> y, double noise, int bits, bool exact)
{
    const auto points = standard_points(bits);
    std::vector<double> llrs;
    for (int i = 0; i < bits; ++i) {
        double best[2] = { -HUGE_VAL, -HUGE_VAL };
        double sum[2] = { 0.0, 0.0 };
        for (std::size_t label = 0; label < points.size(); ++label) {
            const int b = (label >> (bits - 1 - i)) & 1;
            best[b] = std::max(best[b], -std::norm(y - points[label]) / noise);
        }
        for (std::size_t label = 0; label < points.size(); ++label) {
            const int b = (label >> (bits - 1 - i)) & 1;
            sum[b] += std::exp(-std::norm(y - points[label]) / noise - best[b]);
        }
        llrs.push_back(best[1] - best[0] + (exact ? std::log(sum[1]) - std::log(sum[0]) : 0.0));
    }
    return llrs;
}

BOOST_DATA_TEST_CASE(
    against_brute_force, supported_instruction_sets() * EACH_SIZE * EACH_METHOD, set, bits, exact)
{
    const std::string name = instruction_set_name(set) + ", " + std::to_string(bits) + " bits, " +
                             (exact ? "exact" : "maxlog") + ": ";
    const QamDemapper demapper(
        bits, exact ? QamDemapper::Method::exact : QamDemapper::Method::max_log, set);
    std::mt19937 generator(bits);
    std::normal_distribution<float> normal(0.0f, 0.9f);
    std::uniform_real_distribution<float> decibels(-10.0f, 30.0f);
    const std::size_t count = 700;
    Symbols symbols(count);
    std::vector<float> noise(count);
    for (std::size_t i = 0; i < count; ++i) {
        symbols[i] = { normal(generator), normal(generator) };
        noise[i] = std::pow(10.0f, -decibels(generator) / 10.0f);
    }
    std::vector<float> llr(count * bits);
    demapper.demap(symbols.data(), count, noise.data(), llr.data());
    double worst = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto expected = brute_force(symbols[i], noise[i], bits, exact);
        // Rounding of y^2-like terms is relative to 1 / N0.
        const double scale = 1.0 + (1.0 + std::norm(symbols[i])) / noise[i];
        for (int b = 0; b < bits; ++b) {
            worst = std::max(worst, std::abs(llr[i * bits + b] - expected[b]) / scale);
        }
    }
    BOOST_CHECK_MESSAGE(worst < 1e-6, name + "error " + std::to_string(worst * 1e6) + "e-6");

    // The same density for all symbols, given as a number.
    std::vector<float> one_by_one(count * bits);
    std::vector<float> uniform(count * bits);
    std::fill(noise.begin(), noise.end(), 0.3f);
    demapper.demap(symbols.data(), count, noise.data(), one_by_one.data());
    demapper.demap(symbols.data(), count, 0.3f, uniform.data());
    BOOST_CHECK_MESSAGE(one_by_one == uniform, name + "one density for all");

    std::vector<std::int8_t> quantised(count * bits);
    demapper.demap(symbols.data(), count, noise.data(), quantised.data(), 4.0f, 31);
    std::vector<std::int8_t> quantised_uniform(count * bits);
    demapper.demap(symbols.data(), count, 0.3f, quantised_uniform.data(), 4.0f, 31);
    bool right = quantised == quantised_uniform;
    for (std::size_t i = 0; i < quantised.size(); ++i) {
        const float clipped = std::min(31.0f, std::max(-31.0f, 4.0f * uniform[i]));
        right = right && quantised[i] == static_cast<int>(std::nearbyint(clipped));
    }
    BOOST_CHECK_MESSAGE(right, name + "int8 output");
}

BOOST_DATA_TEST_CASE(
    same_bits, supported_instruction_sets() * EACH_SIZE * EACH_METHOD, set, bits, exact)
{
    const std::string name = instruction_set_name(set) + ", " + std::to_string(bits) + " bits, " +
                             (exact ? "exact" : "maxlog") + ": ";
    const auto method = exact ? QamDemapper::Method::exact : QamDemapper::Method::max_log;
    const QamDemapper tested(bits, method, set);
    const QamDemapper portable(bits, method, InstructionSet::portable);
    std::mt19937 generator(1);
    const float special[] = { 0.0f,     -0.0f,     1e-40f, 1e-20f,       1e20f,
                              infinity, -infinity, -1.0f,  not_a_number, 3e38f };
    std::uniform_real_distribution<float> uniform(-2.0f, 2.0f);
    const auto value = [&] {
        return generator() % 5 == 0 ? special[generator() % 10] : uniform(generator);
    };
    for (std::size_t count = 0; count < 300; count += count < 20 ? 1 : 37) {
        Symbols symbols(count);
        std::vector<float> noise(count);
        for (std::size_t i = 0; i < count; ++i) {
            symbols[i] = { value(), value() };
            noise[i] = value();
        }
        std::vector<float> got(count * bits + 1, -99.0f);
        std::vector<float> expected(count * bits + 1, -99.0f);
        tested.demap(symbols.data(), count, noise.data(), got.data());
        portable.demap(symbols.data(), count, noise.data(), expected.data());
        BOOST_CHECK_MESSAGE(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) ==
                                0,
                            name + "same bits as portable code for " + std::to_string(count));
        BOOST_CHECK_MESSAGE(got.back() == -99.0f, name + "nothing written behind the end");
        bool finite = true;
        for (std::size_t i = 0; i < count * bits; ++i) {
            finite = finite && std::abs(got[i]) <= llr_limit;
        }
        BOOST_CHECK_MESSAGE(finite, name + "finite LLRs from any input");

        std::vector<std::int8_t> got8(count * bits + 1, 99);
        std::vector<std::int8_t> expected8(count * bits + 1, 99);
        tested.demap(symbols.data(), count, noise.data(), got8.data(), 5.0f, 127);
        portable.demap(symbols.data(), count, noise.data(), expected8.data(), 5.0f, 127);
        BOOST_CHECK_MESSAGE(got8 == expected8, name + "same int8 output as portable code");
    }
}

BOOST_AUTO_TEST_CASE(extremes)
{
    for (const auto method : { QamDemapper::Method::max_log, QamDemapper::Method::exact }) {
        const QamDemapper demapper(4, method);
        const Symbols symbols = { { 0.3f, -0.9f }, { not_a_number, 0.3f }, { infinity, -0.3f } };
        std::vector<float> llr(12);
        demapper.demap(symbols.data(), 1, 0.0f, llr.data());
        BOOST_CHECK_MESSAGE(llr[0] == -llr_limit && llr[1] == llr_limit && llr[2] == -llr_limit &&
                                llr[3] == llr_limit,
                            "no noise gives certain bits");
        for (const float noise : { erasure_noise, infinity, not_a_number }) {
            demapper.demap(symbols.data(), 1, noise, llr.data());
            BOOST_CHECK_MESSAGE(llr[0] == 0.0f && llr[1] == 0.0f && llr[2] == 0.0f &&
                                    llr[3] == 0.0f,
                                "unknown symbols give 0");
        }
        demapper.demap(symbols.data(), 3, 0.1f, llr.data());
        BOOST_CHECK_MESSAGE(llr[4] == 0.0f && llr[6] == 0.0f, "NaN gives 0");
        BOOST_CHECK_MESSAGE(llr[5] < 0.0f && llr[7] < 0.0f, "NaN spoils its own dimension only");
        BOOST_CHECK_MESSAGE(llr[8] == -llr_limit && llr[10] == llr_limit, "infinite symbol");
    }
}

BOOST_AUTO_TEST_CASE(refusals)
{
    for (const int bits : { -4, 0, 1, 3, 5, 10 }) {
        BOOST_CHECK_EXCEPTION(
            QamDemapper{ bits }, std::invalid_argument, says(std::to_string(bits)));
        BOOST_CHECK_EXCEPTION(qam_points(bits), std::invalid_argument, says(std::to_string(bits)));
    }
    BOOST_CHECK_EXCEPTION(
        demapper_method_from_name("max-log"), std::invalid_argument, says("max-log"));
    BOOST_CHECK_EXCEPTION(instruction_set_from_name("mmx"), std::invalid_argument, says("mmx"));
    const QamDemapper demapper(4);
    const std::complex<float> symbol(0.1f, 0.1f);
    std::int8_t llr[4];
    BOOST_CHECK_EXCEPTION(demapper.demap(&symbol, 1, 0.1f, llr, 0.0f, 127),
                          std::invalid_argument,
                          says("steps_per_nat"));
    BOOST_CHECK_EXCEPTION(
        demapper.demap(&symbol, 1, 0.1f, llr, 4.0f, 128), std::invalid_argument, says("128"));
}

} // namespace
