/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_BURST_DETECTOR_H
#define INCLUDED_VQDEEPSC_KERNEL_BURST_DETECTOR_H

#include "dc_estimator.h"
#include "interference_whitener.h"
#include "kernels/base/cpu_features.h"
#include "kernels/ofdm/burst_format.h"
#include "preamble_matcher.h"

#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! A preamble in a stream of samples. */
struct BurstDetection {
    std::uint64_t training_start; //!< number of the first sample after the preamble
    double cfo;                   //!< frequency offset in cycles per sample
    float correlation; //!< share of the energy that is the strongest path of the preamble, 0 to 1
    std::complex<float> dc; //!< constant in the samples, 0 where it is left there
    bool mirrored;          //!< I and Q are swapped: cfo and dc are those of the conjugate samples
    FilterTaps
        whitening; //!< against interference, for the samples as they are; none: there is none
};

/*! Finds preambles in a stream of any gain and frequency offset.
 *
 * Two neighbours among the short symbols of the preamble are compared at every sample (T. M.
 * Schmidl, D. C. Cox, "Robust frequency and timing synchronization for OFDM", 1997, with signs as
 * H. Minn et al., "On timing offset estimation for OFDM systems", 2000), which gives candidates
 * and their offset modulo one cycle per short symbol. A candidate is then correlated with the
 * known preamble at all delays and offsets that are left (PreambleMatcher). Samples that are not
 * numbers or beyond 1e6 count as 0. A constant in the samples is taken away before, and so are the
 * few samples in which it jumps. Narrow signals that stand out of the spectrum are filtered out
 * (InterferenceWhitener). Then all samples get the magnitude 1, so that pulses and impulses do not
 * hide a preamble. An object serves one thread at a time.
 */
class BurstDetector
{
public:
    /*! A detection is reported by the process() call that takes the sample this far after
     * training_start, or an earlier one. */
    static constexpr int DECISION_DELAY =
        PREAMBLE_SAMPLES + 224 + 2 * DcEstimator::BLOCK +
        (InterferenceWhitener::LOOKAHEAD + 1) * InterferenceWhitener::BLOCK;

    /*! \param threshold least correlation of a preamble, 0.1 to 0.9. Noise alone practically never
     *         reaches 0.1; the beginning of a preamble out of silence has 0.05, a preamble at a
     *         wrong delay 0.10, three equal paths in half their power of noise 0.18.
     *  \param remove_dc whether a constant in the samples is taken away
     *  \param largest_cfo frequency offset in cycles per sample that is found, 0.01 to 0.25
     *  \param whitening order of the filter against interference, 0 to 32; 0 for none
     *  \throws std::invalid_argument naming any other value
     */
    explicit BurstDetector(float threshold = 0.12f,
                           bool remove_dc = true,
                           double largest_cfo = 0.117,
                           int whitening = 8);

    /*! Takes the next samples of the stream and appends the preambles that are decided on. */
    void process(const std::complex<float>* samples,
                 std::size_t count,
                 std::vector<BurstDetection>& found);

private:
    void append(const std::complex<float>* samples, std::size_t count);
    void prepare();
    void remove_dc();
    std::complex<float> dc_at(std::int64_t sample) const;
    void correlate();
    void search(std::vector<BurstDetection>& found);
    void decide(std::vector<BurstDetection>& found);
    bool verify(std::size_t candidate, BurstDetection& detection);
    void forget();

    InstructionSet d_set = best_instruction_set();
    PreambleMatcher d_matcher;
    InterferenceWhitener d_whitener;
    float d_threshold;
    bool d_remove_dc;
    std::int64_t d_origin; //!< number of the first sample that is kept
    std::size_t d_next;    //!< position of the next candidate among those kept
    // One entry for each sample that is kept; the sums reach from it one short symbol on.
    std::vector<float> d_real, d_imag;
    DcEstimator d_dc;
    std::vector<std::complex<float>> d_means; //!< of the blocks of samples that are kept
    std::int64_t d_first_block = 0;           //!< number of the first of them
    std::size_t d_taken = 0;                  //!< samples that d_dc has taken
    std::size_t d_measured_white = 0;         //!< that d_whitener has measured
    std::size_t d_white = 0;                  //!< that d_whitener has whitened, if told
    std::size_t d_ready = 0;                  //!< samples that will not change any more
    std::vector<float> d_product_real, d_product_imag, d_energy;
    std::size_t d_summed = 0;    //!< entries of the sums that are known
    BurstDetection d_best{};     //!< of those that are not decided on yet
    float d_best_metric = 0.0f;  //!< 0: there is none
    std::int64_t d_decision = 0; //!< number of the sample at which it is
    std::vector<float> d_metric;
    std::size_t d_measured = 0; //!< entries of d_metric that are known
};

} // namespace gr::vqdeepsc::kernel

#endif
