/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/channel/csi_equalizer.h"
#include "kernels/qam/qam_demapper.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

BOOST_AUTO_TEST_CASE(definition)
{
    const std::size_t count = 2000;
    std::mt19937 generator(1);
    std::normal_distribution<float> normal(0.0f, 0.7f);
    std::vector<std::complex<float>> y(count);
    std::vector<std::complex<float>> h(count);
    for (std::size_t i = 0; i < count; ++i) {
        y[i] = { normal(generator), normal(generator) };
        h[i] = { normal(generator), normal(generator) };
    }
    std::vector<std::complex<float>> estimate(count);
    std::vector<float> noise(count);
    csi_equalize(y.data(), h.data(), count, 0.05f, estimate.data(), noise.data());
    double worst = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::complex<double> expected =
            std::complex<double>(y[i]) / std::complex<double>(h[i]);
        const double expected_noise = 0.05 / std::norm(std::complex<double>(h[i]));
        worst = std::max(
            worst, std::abs(std::complex<double>(estimate[i]) - expected) / std::abs(expected));
        worst = std::max(worst, std::abs(noise[i] - expected_noise) / expected_noise);
    }
    BOOST_CHECK_MESSAGE(worst < 5e-7, "relative error " + std::to_string(worst));

    std::vector<std::complex<float>> alone(count);
    csi_equalize(y.data(), h.data(), count, 0.05f, alone.data(), nullptr);
    BOOST_CHECK_MESSAGE(alone == estimate, "without noise densities");
}

BOOST_AUTO_TEST_CASE(erasures)
{
    const std::vector<std::complex<float>> h = { { 0.0f, 0.0f },
                                                 { -0.0f, 1e-30f },
                                                 { not_a_number, 1.0f },
                                                 { infinity, 0.0f },
                                                 { 3e38f, 3e38f } };
    for (const float density : { 0.0f, 0.1f, 1e20f }) {
        const std::vector<std::complex<float>> y(h.size(), { 1.0f, infinity });
        std::vector<std::complex<float>> estimate(h.size());
        std::vector<float> noise(h.size());
        csi_equalize(y.data(), h.data(), h.size(), density, estimate.data(), noise.data());
        for (std::size_t i = 0; i < h.size(); ++i) {
            const std::string name = "h number " + std::to_string(i);
            BOOST_CHECK_MESSAGE(estimate[i] == std::complex<float>(), name + ": symbol 0");
            BOOST_CHECK_MESSAGE(noise[i] == erasure_noise, name + ": huge finite noise");
        }
        std::vector<float> llr(4 * h.size(), 1.0f);
        QamDemapper(4).demap(estimate.data(), h.size(), noise.data(), llr.data());
        BOOST_CHECK_MESSAGE(llr == std::vector<float>(4 * h.size(), 0.0f),
                            "LLRs of erasures are 0");
    }
    const std::complex<float> weak(1e-14f, 0.0f);
    std::complex<float> estimate;
    float noise;
    csi_equalize(&weak, &weak, 1, 1e10f, &estimate, &noise);
    BOOST_CHECK_MESSAGE(std::abs(estimate - 1.0f) < 1e-6f && noise == erasure_noise,
                        "noise densities are at most 1e30");
}

} // namespace
