/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_USABLE_SAMPLE_H
#define INCLUDED_VQDEEPSC_KERNEL_USABLE_SAMPLE_H

#include <cmath>

namespace gr::vqdeepsc::kernel {

/*! One part of a received sample, or 0 if it is not a number or beyond 1e6, whose fourth power
 * would no longer fit. */
inline float usable_sample(float value)
{
    return std::fabs(value) <= 1.0e6f ? value : 0.0f;
}

} // namespace gr::vqdeepsc::kernel

#endif
