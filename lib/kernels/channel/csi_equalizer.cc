/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "csi_equalizer.h"

#include "kernels/qam/qam_demapper.h"

#include <algorithm>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr float smallest_power = 1.0e-30f;
constexpr float largest_power = 1.0e30f;

} // namespace

void csi_equalize(const std::complex<float>* y,
                  const std::complex<float>* h,
                  std::size_t symbols,
                  float noise_density,
                  std::complex<float>* estimate,
                  float* noise)
{
    for (std::size_t i = 0; i < symbols; ++i) {
        const float power = h[i].real() * h[i].real() + h[i].imag() * h[i].imag();
        const bool known = power >= smallest_power && power <= largest_power;
        const float inverse = known ? 1.0f / power : 0.0f;
        const float real = h[i].real() * y[i].real() + h[i].imag() * y[i].imag();
        const float imaginary = h[i].real() * y[i].imag() - h[i].imag() * y[i].real();
        // A product with 0 would let infinite or undefined samples through.
        estimate[i] = known ? std::complex<float>(real * inverse, imaginary * inverse)
                            : std::complex<float>(0.0f, 0.0f);
        if (noise != nullptr) {
            noise[i] = known ? std::min(noise_density * inverse, erasure_noise) : erasure_noise;
        }
    }
}

} // namespace gr::vqdeepsc::kernel
