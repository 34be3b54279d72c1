/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/detection/dc_estimator.h"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <random>
#include <string>

using namespace gr::vqdeepsc::kernel;

namespace {

class Stream
{
public:
    bool feed(DcEstimator& estimator,
              std::complex<float> constant,
              int blocks,
              float deviation = 1.0f)
    {
        bool jumped = false;
        for (int block = 0; block < blocks; ++block) {
            for (int i = 0; i < DcEstimator::BLOCK; ++i) {
                d_real[i] = constant.real() + deviation * d_normal(d_generator);
                d_imag[i] = constant.imag() + deviation * d_normal(d_generator);
            }
            jumped = estimator.update(d_real.data(), d_imag.data()) || jumped;
        }
        return jumped;
    }

private:
    std::mt19937 d_generator{ 1 };
    std::normal_distribution<float> d_normal{ 0.0f, 1.0f };
    std::array<float, DcEstimator::BLOCK> d_real{}, d_imag{};
};

BOOST_AUTO_TEST_CASE(mean_of_a_stream)
{
    Stream stream;
    DcEstimator estimator;
    stream.feed(estimator, { 30.0f, -20.0f }, 1);
    BOOST_CHECK_MESSAGE(std::abs(estimator.mean() - std::complex<float>(30.0f, -20.0f)) < 0.6f,
                        "a mean from the first block on");
    BOOST_CHECK_MESSAGE(!stream.feed(estimator, { 30.0f, -20.0f }, 20000),
                        "noise of more than a million samples is no jump");
    BOOST_CHECK_MESSAGE(std::abs(estimator.mean() - std::complex<float>(30.0f, -20.0f)) < 0.05f,
                        "the mean of many blocks");
    BOOST_CHECK_MESSAGE(stream.feed(estimator, { 10.0f, 0.0f }, 1), "a jump is seen");
    stream.feed(estimator, { 10.0f, 0.0f }, 15);
    BOOST_CHECK_MESSAGE(std::abs(estimator.mean() - std::complex<float>(10.0f, 0.0f)) < 0.2f,
                        "the mean after a jump");
    BOOST_CHECK_MESSAGE(!stream.feed(estimator, { 10.0f, 0.0f }, 100, 10.0f),
                        "louder noise is no jump");
    stream.feed(estimator, { 10.2f, 0.1f }, 5000, 0.5f);
    BOOST_CHECK_MESSAGE(std::abs(estimator.mean() - std::complex<float>(10.2f, 0.1f)) < 0.02f,
                        "a slow drift is followed");
    stream.feed(estimator, 0.0f, 2, 0.0f);
    BOOST_CHECK_MESSAGE(estimator.mean() == std::complex<float>(0.0f), "silence has none");
}

// A carrier beside 0 Hz is left to others after its first few blocks.
BOOST_AUTO_TEST_CASE(carrier_beside_zero)
{
    for (const float frequency : { 0.0005f, 0.001f, 0.002f, 0.004f }) {
        DcEstimator estimator;
        std::array<float, DcEstimator::BLOCK> real{}, imag{};
        int jumps = 0, taken = 0, time = 0;
        constexpr int BLOCKS = 1000;
        for (int block = 0; block < BLOCKS; ++block) {
            for (int i = 0; i < DcEstimator::BLOCK; ++i, ++time) {
                const float angle = static_cast<float>(2.0 * M_PI) * frequency * time;
                real[i] = std::cos(angle);
                imag[i] = std::sin(angle);
            }
            jumps += estimator.update(real.data(), imag.data());
            taken += std::abs(estimator.mean()) > 0.3f;
        }
        const std::string name = std::to_string(frequency) + " cycles per sample: ";
        BOOST_CHECK_MESSAGE(jumps < BLOCKS / 20, name + std::to_string(jumps) + " jumps");
        BOOST_CHECK_MESSAGE(taken < BLOCKS / 10, name + std::to_string(taken) + " blocks");
    }
}

} // namespace
