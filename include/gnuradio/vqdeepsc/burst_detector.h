/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/sync_block.h>
#include <gnuradio/vqdeepsc/api.h>

namespace gr {
namespace vqdeepsc {

/*!
 * \brief Marks where the preambles of bursts end in a stream of samples.
 *
 * Passes samples through. The sample decision_delay() after the first one that follows a preamble
 * carries the tag "burst", a dictionary with cfo (frequency offset in cycles per sample),
 * correlation (share of the energy that is the strongest path of the preamble), dc (the constant in
 * the samples, which burst_demodulator takes away), mirrored (I and Q are swapped: cfo and dc are
 * those of the conjugate samples, which burst_demodulator takes) and whitening (taps of the filter
 * against interference, which burst_demodulator uses; none where nothing is to be filtered). Other
 * tags end here.
 */
class VQDEEPSC_API burst_detector : virtual public gr::sync_block
{
public:
    using sptr = std::shared_ptr<burst_detector>;

    //! 20 ppm at both ends of 2.4 GHz and 1 Msample/s are 0.096.
    static constexpr double DEFAULT_LARGEST_CFO = 0.117;
    static constexpr int DEFAULT_WHITENING = 8;

    /*!
     * \param threshold least correlation of a preamble, 0.1 to 0.9; noise alone practically never
     *        reaches 0.1
     * \param remove_dc whether a constant in the samples, as leaks of an oscillator make it, is
     *        estimated and taken away
     * \param largest_cfo frequency offset in cycles per sample that is found, 0.01 to 0.25
     * \param whitening order of the filter against interference, 0 to 32, or 0 for none; what the
     *        cyclic prefix covers of echoes becomes so much shorter where there is interference
     */
    static sptr make(float threshold = 0.12,
                     bool remove_dc = true,
                     double largest_cfo = DEFAULT_LARGEST_CFO,
                     int whitening = DEFAULT_WHITENING);

    //! Samples from the first of the training to the tag.
    static int decision_delay();
};

} // namespace vqdeepsc
} // namespace gr
