/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_SMALLEST_POWER_H
#define INCLUDED_VQDEEPSC_KERNEL_SMALLEST_POWER_H

namespace gr::vqdeepsc::kernel {

/*! Below the power of any signal in single precision: keeps divisors from being 0. */
constexpr double SMALLEST_POWER = 1.0e-30;

/*! Below the noise of any signal above SMALLEST_POWER: keeps noise from being 0. */
constexpr double SMALLEST_NOISE = 1.0e-36;

} // namespace gr::vqdeepsc::kernel

#endif
