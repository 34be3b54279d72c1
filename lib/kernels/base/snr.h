/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_SNR_H
#define INCLUDED_VQDEEPSC_KERNEL_SNR_H

#include <cmath>
#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

/*! Noise density N0 = 10^(-snr_db / 10) for mean symbol energy Es = 1; 0 for an infinite ratio.
 * \throws std::invalid_argument unless snr_db >= -200
 */
inline double noise_density(double snr_db)
{
    if (!(snr_db >= -200.0)) {
        throw std::invalid_argument("snr_db is " + std::to_string(snr_db) +
                                    ", must be at least -200 (inf for no noise)");
    }
    return std::pow(10.0, -snr_db / 10.0);
}

} // namespace gr::vqdeepsc::kernel

#endif
