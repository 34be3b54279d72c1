/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/detection/interference_whitener.h"
#include "ofdm/burst_experiment.h"
#include "says.h"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>

namespace {

constexpr int BLOCK = InterferenceWhitener::BLOCK;

struct Split {
    std::vector<float> real, imag;
};

Split split(const Samples& samples)
{
    Split parts;
    for (const auto& sample : samples) {
        parts.real.push_back(sample.real());
        parts.imag.push_back(sample.imag());
    }
    return parts;
}

// What the whitener makes of a stream, but for its last block.
Samples whitened(InterferenceWhitener& whitener, const Samples& samples)
{
    Split parts = split(samples);
    std::size_t done = 0;
    for (std::size_t i = 0; i + BLOCK <= samples.size(); i += BLOCK) {
        whitener.take(parts.real.data() + i, parts.imag.data() + i);
        for (; whitener.ready() > 0; done += BLOCK) {
            whitener.whiten(parts.real.data() + done, parts.imag.data() + done);
        }
    }
    Samples out;
    for (std::size_t i = 0; i < done; ++i) {
        out.emplace_back(parts.real[i], parts.imag[i]);
    }
    return out;
}

double power(const Samples& samples, std::size_t first)
{
    double sum = 0.0;
    for (std::size_t i = first; i < samples.size(); ++i) {
        sum += std::norm(samples[i]);
    }
    return sum / (samples.size() - first);
}

BOOST_AUTO_TEST_CASE(noise_and_carriers)
{
    Experiment experiment(6);
    const Samples noise = experiment.noise(200 * BLOCK, 1.0);
    InterferenceWhitener quiet(8);
    const Samples same = whitened(quiet, noise);
    BOOST_CHECK_EQUAL(same.size(), 199u * BLOCK);
    BOOST_CHECK_MESSAGE(std::equal(same.begin(), same.end(), noise.begin()),
                        "white noise stays as it is");
    BOOST_CHECK_MESSAGE(quiet.taps(150 * BLOCK).empty(), "and needs no filter");

    for (const double frequency : { -0.43, -0.2, 0.0, 0.003, 0.11 }) {
        for (const double amplitude : { 1.0, 10.0, 100.0 }) {
            Samples samples = noise;
            for (std::size_t i = 0; i < samples.size(); ++i) {
                samples[i] += std::complex<float>(
                    std::polar(amplitude, 2.0 * M_PI * frequency * static_cast<double>(i)));
            }
            const std::string name =
                "carrier at " + std::to_string(frequency) + ", " + std::to_string(amplitude) + ": ";
            InterferenceWhitener whitener(8);
            const Samples clean = whitened(whitener, samples);
            BOOST_CHECK_MESSAGE(power(clean, 4 * BLOCK) < 3.0,
                                name + std::to_string(power(clean, 4 * BLOCK)) + " is left");
            const FilterTaps taps = whitener.taps(150 * BLOCK);
            BOOST_REQUIRE_EQUAL(taps.size(), 9u);
            BOOST_CHECK(taps[0] == std::complex<float>(1.0f));

            // Both ways to filter agree.
            Samples other(8 + BLOCK);
            filter_samples(taps, samples.data() + 150 * BLOCK - 8, other.size(), other.data());
            std::vector<float> real(BLOCK), imag(BLOCK);
            whitener.filter(taps, 150 * BLOCK, BLOCK, real.data(), imag.data());
            for (int i = 0; i < BLOCK; ++i) {
                BOOST_CHECK_SMALL(std::abs(other[8 + i] - std::complex<float>(real[i], imag[i])),
                                  static_cast<float>(1e-4 * (1.0 + amplitude)));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(rubbish)
{
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const int order : { 0, 1, 8, 32 }) {
        InterferenceWhitener whitener(order);
        const Samples nothing = whitened(whitener, Samples(20 * BLOCK, 0.0f));
        BOOST_CHECK_EQUAL(power(nothing, 0), 0.0);
        BOOST_CHECK(whitener.taps(10 * BLOCK).empty());
        InterferenceWhitener alone(order);
        Samples carrier(20 * BLOCK);
        for (std::size_t i = 0; i < carrier.size(); ++i) {
            carrier[i] = std::polar(1e6f, 0.3f * static_cast<float>(i));
        }
        for (const auto& sample : whitened(alone, carrier)) {
            BOOST_REQUIRE(std::isfinite(std::abs(sample)));
        }
    }
    Samples filtered(4);
    const Samples samples = { { nan, 1.0f }, { 1.0f, 1e30f }, { 1.0f, 0.0f }, { 0.0f, 0.0f } };
    filter_samples({ 1.0f, { 0.0f, 1.0f } }, samples.data(), samples.size(), filtered.data());
    const Samples expected = { { 0.0f, 1.0f }, { 0.0f, 0.0f }, { 1.0f, 1.0f }, { 0.0f, 1.0f } };
    BOOST_CHECK(filtered == expected);
    BOOST_CHECK_EXCEPTION(InterferenceWhitener(33), std::invalid_argument, says("order is 33"));
    BOOST_CHECK_EXCEPTION(InterferenceWhitener(-1), std::invalid_argument, says("order is -1"));
}

} // namespace
