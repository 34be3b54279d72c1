/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_DC_ESTIMATOR_H
#define INCLUDED_VQDEEPSC_KERNEL_DC_ESTIMATOR_H

#include <complex>

namespace gr::vqdeepsc::kernel {

/*! The constant that a receiver adds to its samples where its local oscillator leaks, block by
 * block of a stream.
 *
 * A mean of all samples so far, and later of about the last 32,768, so that bursts, which have no
 * carrier at 0 of their own, keep what a frequency offset puts there. Where the mean of a block is
 * far from it, the constant has jumped, and the mean begins anew. Where it jumps again and again,
 * it is a carrier beside 0 Hz, and nothing is taken away for some time.
 */
class DcEstimator
{
public:
    static constexpr int BLOCK = 64;

    /*! Takes the next block of the stream. Returns whether the constant has jumped: in this block
     * or in the one before.
     * \param real, imag BLOCK numbers each
     */
    bool update(const float* real, const float* imag);

    /*! The constant in the last block. */
    std::complex<float> mean() const { return d_mean; }

private:
    std::complex<float> d_mean = 0.0f;
    int d_blocks = 0;  //!< that the mean is of
    int d_steady = 64; //!< since the last jump
    int d_pause = 0;   //!< in which nothing is measured
};

} // namespace gr::vqdeepsc::kernel

#endif
