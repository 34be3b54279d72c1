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
// The means of a quarter of a block differ by no more where the constant has jumped, by power and
// against the jump; those of a narrow signal around 0 Hz do.
constexpr int QUARTERS = 4;
constexpr float QUARTERS_DIFFER = 0.25f;
// What jumps again within so many blocks is no constant, and is left alone for so many.
constexpr int STEADY = 8;
constexpr int PAUSE = 128;

} // namespace

bool DcEstimator::update(const float* real, const float* imag)
{
    if (d_pause > 0) {
        --d_pause;
        return false;
    }
    // Several partial sums, so that the loop becomes vector code.
    constexpr int LANES = 8;
    constexpr int QUARTER = BLOCK / QUARTERS;
    std::array<std::complex<float>, QUARTERS> means{};
    std::complex<float> difference = 0.0f;
    float power = 0.0f;
    for (int quarter = 0; quarter < QUARTERS; ++quarter) {
        std::array<float, LANES> reals{}, imags{}, powers{};
        for (int i = quarter * QUARTER; i < (quarter + 1) * QUARTER; i += LANES) {
            for (int lane = 0; lane < LANES; ++lane) {
                const float a = real[i + lane] - d_mean.real();
                const float b = imag[i + lane] - d_mean.imag();
                reals[lane] += a;
                imags[lane] += b;
                powers[lane] += a * a + b * b;
            }
        }
        for (int lane = 0; lane < LANES; ++lane) {
            means[quarter] += std::complex<float>(reals[lane], imags[lane]);
            power += powers[lane];
        }
        difference += means[quarter];
        means[quarter] /= static_cast<float>(QUARTER);
    }
    difference /= static_cast<float>(BLOCK);
    const float size = std::norm(difference);
    const float variance = power / BLOCK - size;
    bool jump = size > JUMP * variance;
    if (jump) {
        float spread = 0.0f;
        for (const auto& mean : means) {
            spread += std::norm(mean - difference);
        }
        jump = spread <= QUARTERS * QUARTERS_DIFFER * size;
    }
    if (jump && d_steady < STEADY) {
        *this = DcEstimator();
        d_pause = PAUSE;
        return true;
    }
    d_steady = jump ? 0 : std::min(d_steady + 1, STEADY);
    d_blocks = jump ? 1 : std::min(d_blocks + 1, LONGEST_MEAN);
    d_mean += difference / static_cast<float>(d_blocks);
    return jump;
}

} // namespace gr::vqdeepsc::kernel
