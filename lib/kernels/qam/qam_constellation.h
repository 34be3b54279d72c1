/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_QAM_CONSTELLATION_H
#define INCLUDED_VQDEEPSC_KERNEL_QAM_CONSTELLATION_H

#include <complex>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Throws unless bits_per_symbol is 2 (QPSK), 4, 6 or 8 (16-, 64-, 256-QAM).
 * \throws std::invalid_argument naming the value
 */
void check_bits_per_symbol(int bits_per_symbol);

/*! Half the distance between neighbours when the mean power is 1: 1 / sqrt(2 (M - 1) / 3). */
double qam_half_distance(int bits_per_symbol);

/*! Gray QAM of 3GPP TS 38.211 clauses 5.1.3 to 5.1.6, mean power 1: 2^bits_per_symbol points in
 * the order of their labels; b0 is the most significant bit of the label, b0, b2, ... choose the
 * real part and b1, b3, ... the imaginary part.
 * \throws std::invalid_argument if bits_per_symbol is not 2, 4, 6 or 8
 */
std::vector<std::complex<float>> qam_points(int bits_per_symbol);

} // namespace gr::vqdeepsc::kernel

#endif
