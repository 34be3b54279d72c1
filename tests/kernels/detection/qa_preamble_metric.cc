/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/detection/preamble_metric.h"
#include "kernels/ofdm/burst_format.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <complex>
#include <random>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

constexpr std::size_t SHORT = SHORT_SYMBOL_SAMPLES;
constexpr std::size_t BEGIN = 700; // of a preamble
constexpr std::size_t SAMPLES = 3001;
constexpr std::size_t PRODUCTS = SAMPLES - SHORT;
constexpr std::size_t MEASURED = PRODUCTS - PREAMBLE_SAMPLES;

struct Samples {
    std::vector<float> real, imag;
};

Samples noise_with_a_preamble(float noise)
{
    std::mt19937 generator(3);
    std::normal_distribution<float> normal(0.0f, noise);
    Samples samples{ std::vector<float>(SAMPLES), std::vector<float>(SAMPLES) };
    const auto symbol = short_symbol();
    for (std::size_t i = 0; i < SAMPLES; ++i) {
        samples.real[i] = normal(generator);
        samples.imag[i] = normal(generator);
        if (i >= BEGIN && i < BEGIN + PREAMBLE_SAMPLES) {
            const auto sign = static_cast<float>(SHORT_SYMBOL_SIGNS[(i - BEGIN) / SHORT]);
            samples.real[i] += sign * symbol[(i - BEGIN) % SHORT].real();
            samples.imag[i] += sign * symbol[(i - BEGIN) % SHORT].imag();
        }
    }
    return samples;
}

struct Measured {
    std::vector<float> real, imag, energy, metric;
};

Measured measure(InstructionSet set, const Samples& samples)
{
    Measured found{ std::vector<float>(PRODUCTS),
                    std::vector<float>(PRODUCTS),
                    std::vector<float>(PRODUCTS),
                    std::vector<float>(MEASURED) };
    const ShortSymbolSums sums = { found.real.data(), found.imag.data(), found.energy.data() };
    sum_short_symbols(set, samples.real.data(), samples.imag.data(), PRODUCTS, sums);
    measure_preambles(set, sums, MEASURED, found.metric.data());
    return found;
}

} // namespace

BOOST_AUTO_TEST_CASE(sums_are_those_of_the_definition)
{
    const Samples samples = noise_with_a_preamble(0.5f);
    const Measured found = measure(InstructionSet::portable, samples);
    for (std::size_t i = 0; i + SHORT <= PRODUCTS; i += 37) {
        std::complex<double> product = 0.0;
        double energy = 0.0;
        for (std::size_t k = i; k < i + SHORT; ++k) {
            const std::complex<double> first(samples.real[k], samples.imag[k]);
            const std::complex<double> later(samples.real[k + SHORT], samples.imag[k + SHORT]);
            product += std::conj(first) * later;
            energy += std::norm(first);
        }
        BOOST_TEST(std::abs(found.real[i] - product.real()) < 1.0e-4 * energy);
        BOOST_TEST(std::abs(found.imag[i] - product.imag()) < 1.0e-4 * energy);
        BOOST_TEST(std::abs(found.energy[i] - energy) < 1.0e-4 * energy);
    }
}

BOOST_AUTO_TEST_CASE(a_preamble_without_noise_measures_one_where_it_begins)
{
    const Measured found = measure(InstructionSet::portable, noise_with_a_preamble(0.0f));
    for (std::size_t i = 0; i < MEASURED; ++i) {
        BOOST_TEST(found.metric[i] < 1.0f + 1.0e-5f);
        if (i + SHORT / 2 < BEGIN || i > BEGIN + SHORT / 2) {
            BOOST_TEST(found.metric[i] < 0.95f);
        }
    }
    BOOST_TEST(found.metric[BEGIN] > 1.0f - 1.0e-5f);
    BOOST_TEST(found.metric[0] == 0.0f); // of silence
}

BOOST_AUTO_TEST_CASE(every_instruction_set_gives_the_same_bits)
{
    const Samples samples = noise_with_a_preamble(0.5f);
    const Measured expected = measure(InstructionSet::portable, samples);
    for (const InstructionSet set : supported_instruction_sets()) {
        BOOST_TEST_CONTEXT(instruction_set_name(set))
        {
            const Measured found = measure(set, samples);
            BOOST_TEST(found.real == expected.real, boost::test_tools::per_element());
            BOOST_TEST(found.imag == expected.imag, boost::test_tools::per_element());
            BOOST_TEST(found.energy == expected.energy, boost::test_tools::per_element());
            BOOST_TEST(found.metric == expected.metric, boost::test_tools::per_element());
        }
    }
}
