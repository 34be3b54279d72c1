/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dc_estimator.h"

#include <algorithm>
#include <array>
#include <complex>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr int LONGEST_MEAN = 512; // blocks
// White noise moves the mean of 64 samples so far, by power and against its own, once in e^32.
constexpr float JUMP = 0.5f;

} // namespace

bool DcEstimator::update(const float* real, const float* imag)
{
    // Several partial sums, so that the loop becomes vector code.
    constexpr int LANES = 8;
    std::array<float, LANES> reals{}, imags{}, powers{};
    for (int i = 0; i < BLOCK; i += LANES) {
        for (int lane = 0; lane < LANES; ++lane) {
            const float a = real[i + lane] - d_mean.real();
            const float b = imag[i + lane] - d_mean.imag();
            reals[lane] += a;
            imags[lane] += b;
            powers[lane] += a * a + b * b;
        }
    }
    std::complex<float> difference = 0.0f;
    float power = 0.0f;
    for (int lane = 0; lane < LANES; ++lane) {
        difference += std::complex<float>(reals[lane], imags[lane]);
        power += powers[lane];
    }
    difference /= static_cast<float>(BLOCK);
    const float variance = power / BLOCK - std::norm(difference);
    const bool jump = std::norm(difference) > JUMP * variance;
    d_blocks = jump ? 1 : std::min(d_blocks + 1, LONGEST_MEAN);
    d_mean += difference / static_cast<float>(d_blocks);
    return jump;
}

} // namespace gr::vqdeepsc::kernel
