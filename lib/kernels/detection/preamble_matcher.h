/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_PREAMBLE_MATCHER_H
#define INCLUDED_VQDEEPSC_KERNEL_PREAMBLE_MATCHER_H

#include "kernels/ofdm/burst_format.h"
#include "kernels/ofdm/fft.h"

#include <array>
#include <complex>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Where the samples of a candidate resemble a preamble most. */
struct PreambleMatch {
    double cfo;        //!< frequency offset in cycles per sample
    int delay;         //!< samples from the first of the candidate to the preamble
    float correlation; //!< share of the energy that is the strongest path of the preamble, 0 to 1
    bool mirrored;     //!< I and Q are swapped: cfo is that of the conjugate samples
};

/*! Correlates a candidate with the preamble at all delays and frequency offsets, and with its
 * conjugate, which is what arrives where I and Q are swapped or the mixer's other sideband is
 * received. An object serves one thread at a time.
 */
class PreambleMatcher
{
public:
    static constexpr int MOST_DELAY = SHORT_SYMBOL_SAMPLES;
    static constexpr int CANDIDATE_SAMPLES = PREAMBLE_SAMPLES + MOST_DELAY;

    /*! \param largest_cfo offset in cycles per sample that is found, 0.01 to 0.25; those up to half
     *         a cycle per short symbol more are found too
     *  \throws std::invalid_argument naming any other value
     */
    explicit PreambleMatcher(double largest_cfo);

    /*! \param real, imag CANDIDATE_SAMPLES numbers each
     *  \param guess      the likeliest delay, 0 to MOST_DELAY, wrong by a few samples at most
     *  \param least      correlation of a preamble: where a channel that stands still explains no
     *         more, one that changes on a straight line is tried, as where a fade passes through
     */
    PreambleMatch match(const float* real, const float* imag, int guess, float least);

private:
    using Weights = std::array<float, SHORT_SYMBOL_SIGNS.size()>;

    struct Peak {
        float power = 0.0f;
        int delay = 0;
        int offset = 0; //!< in cycles per short symbol
    };

    static double fractional_cfo(const float* real, const float* imag);
    void fold(const float* real, const float* imag, double fraction, const Weights& weights);
    PreambleMatch compare(const float* real, const float* imag, double fraction);
    Peak strongest(const std::vector<std::complex<float>>& reference,
                   int direction,
                   std::vector<float>& powers);
    float bound();
    double refine(const float* real, const float* imag, double coarse, float sign_of_q) const;

    int d_largest_offset; //!< in cycles per short symbol
    std::array<std::complex<float>, SHORT_SYMBOL_SAMPLES> d_short_symbol;
    float d_short_symbol_energy = 0.0f;
    Fft d_forward;
    Fft d_backward;
    float d_bound = 0.0f; //!< the most power that any reference can have of what was folded
    std::vector<float> d_straight_powers, d_mirrored_powers; //!< by offset and delay
    std::vector<std::complex<float>> d_straight, d_mirrored; //!< conjugate spectra, periodic
};

} // namespace gr::vqdeepsc::kernel

#endif
