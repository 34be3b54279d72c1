/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/sync_interpolator.h>
#include <gnuradio/vqdeepsc/api.h>
#include <string>

namespace gr {
namespace vqdeepsc {

/*!
 * \brief Log-likelihood ratios of the bits of Gray QAM symbols (3GPP TS 38.211 §5.1.3-5.1.6).
 *
 * Input 0: equalised complex symbols, constellation of mean power 1. Input 1 (optional): float,
 * noise density N0/|h|^2 of each symbol. Output: for each symbol bits_per_symbol times
 * LLR = ln P(bit = 1) / P(bit = 0), most significant bit of the label first; floats within +-1e6,
 * or int8 numbers of steps. 0 where a symbol or its noise is not a number. Tags of input 0 go to
 * the first bit of their symbol.
 */
class VQDEEPSC_API qam_soft_demapper : virtual public gr::sync_interpolator
{
public:
    using sptr = std::shared_ptr<qam_soft_demapper>;

    /*!
     * \param bits_per_symbol 2 (QPSK), 4, 6 or 8 (16-, 64-, 256-QAM)
     * \param noise noise density N0 per complex symbol, while input 1 is not connected
     * \param method "maxlog" or "exact"
     * \param noise_input whether input 1 has to be connected; it always may be
     * \param quantised true: int8 output, LLR * steps_per_nat rounded to the nearest integer and
     *        clipped to +-saturation; false: float output
     * \param steps_per_nat above 0, at most 1e6
     * \param saturation 1 to 127
     */
    static sptr make(int bits_per_symbol = 4,
                     float noise = 0.1f,
                     const std::string& method = "maxlog",
                     bool noise_input = false,
                     bool quantised = false,
                     float steps_per_nat = 4.0f,
                     int saturation = 127);

    //! Acts from the next call of work() on, as does set_method().
    virtual void set_noise(float noise) = 0;
    virtual float noise() const = 0;
    virtual void set_method(const std::string& method) = 0;
    virtual std::string method() const = 0;
};

} // namespace vqdeepsc
} // namespace gr
