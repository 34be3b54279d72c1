/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_COMPLEX_PRODUCT_H
#define INCLUDED_VQDEEPSC_KERNEL_COMPLEX_PRODUCT_H

#include <cmath>
#include <complex>

namespace gr::vqdeepsc::kernel {

/*! a b, without what the operator does for infinite numbers, which keeps loops from becoming vector
 * code. */
inline std::complex<float> product(std::complex<float> a, std::complex<float> b)
{
    return { a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real() };
}

/*! e^(i angle), angle in radians. */
inline std::complex<float> phasor(double angle)
{
    return { static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle)) };
}

} // namespace gr::vqdeepsc::kernel

#endif
