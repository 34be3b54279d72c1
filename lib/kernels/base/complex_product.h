/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_COMPLEX_PRODUCT_H
#define INCLUDED_VQDEEPSC_KERNEL_COMPLEX_PRODUCT_H

#include <complex>

namespace gr::vqdeepsc::kernel {

/*! a b, without what the operator does for infinite numbers, which keeps loops from becoming vector
 * code. */
inline std::complex<float> product(std::complex<float> a, std::complex<float> b)
{
    return { a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real() };
}

} // namespace gr::vqdeepsc::kernel

#endif
