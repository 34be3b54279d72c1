/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_CHANNEL_SMOOTHER_H
#define INCLUDED_VQDEEPSC_KERNEL_CHANNEL_SMOOTHER_H

#include "burst_format.h"
#include "kernels/base/aligned_vector.h"
#include "kernels/base/cpu_features.h"

#include <complex>
#include <cstddef>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Least-squares fit of an impulse response, no longer than the cyclic prefix, to estimates of
 * the channel at each used carrier (O. Edfors et al., "OFDM channel estimation by singular value
 * decomposition", 1998), which takes most of their noise away. Objects serve one thread at a time.
 */
class ChannelSmoother
{
public:
    /*! Samples before 0 and after the cyclic prefix: fractional delays leak so far. */
    static constexpr int MARGIN = 3;

    /*! Delays from 0 to the cyclic prefix are kept, and a few more at both ends. */
    explicit ChannelSmoother(const BurstFormat& format);

    /*! Parameters of the fit, which share the noise of all carriers. */
    int taps() const { return d_taps; }

    /*! used_carriers() estimates, smoothed in place. */
    void smooth(std::vector<std::complex<float>>& channel);

    /*! The impulse response that fits estimates best, from delay -MARGIN on: taps() values, valid
     * until the next call. */
    const std::vector<std::complex<float>>& impulse_response(
        const std::vector<std::complex<float>>& channel);

    /*! Orthonormal directions in the space of the carriers, which span the delays that explain a
     * channel best (orthogonal matching pursuit, Y. C. Pati et al., 1993).
     * \param channel used_carriers() values
     * \param most    directions
     * \param least   energy that each explains but the first
     */
    std::vector<std::vector<std::complex<float>>> directions(
        std::vector<std::complex<float>> channel, std::size_t most, float least) const;

    /*! Variance of a tap of impulse_response() where the estimates have variance 1. */
    float variance(int tap) const { return d_variances[tap]; }

private:
    InstructionSet d_set = best_instruction_set();
    int d_carriers;
    int d_taps;
    std::size_t d_row;                                 //!< taps and padding
    AlignedVector<float> d_fit_real, d_fit_imag;       //!< carriers x taps
    std::vector<std::complex<float>> d_expand;         //!< taps x carriers
    std::size_t d_long_row;                            //!< carriers and padding
    AlignedVector<float> d_expand_real, d_expand_imag; //!< the same, taps x carriers
    std::vector<std::complex<float>> d_impulse;        //!< taps
    AlignedVector<float> d_real, d_imag;               //!< of the carriers, and padding
    AlignedVector<float> d_sums_real, d_sums_imag;     //!< of the taps
    std::vector<int> d_numbers;                        //!< 0, 1, 2 ...
    std::vector<float> d_variances;                    //!< taps
};

} // namespace gr::vqdeepsc::kernel

#endif
