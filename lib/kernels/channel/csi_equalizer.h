/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_CSI_EQUALIZER_H
#define INCLUDED_VQDEEPSC_KERNEL_CSI_EQUALIZER_H

#include <complex>
#include <cstddef>

namespace gr::vqdeepsc::kernel {

/*! Divides known channel coefficients out (paper, eq. 4): estimate = conj(h) y / |h|^2, whose
 * noise density is N0 / |h|^2.
 *
 * Where |h|^2 is below 1e-30, above 1e30 or not a number, the estimate is 0 and the noise density
 * is erasure_noise (1e30), which no other density exceeds, so that the demapper gives LLRs of 0.
 *
 * \param y             symbols received values
 * \param h             symbols coefficients
 * \param symbols       length of all arrays
 * \param noise_density N0 >= 0 of the received values
 * \param estimate      symbols equalised values
 * \param noise         symbols noise densities of the estimates, or nullptr
 */
void csi_equalize(const std::complex<float>* y,
                  const std::complex<float>* h,
                  std::size_t symbols,
                  float noise_density,
                  std::complex<float>* estimate,
                  float* noise);

} // namespace gr::vqdeepsc::kernel

#endif
