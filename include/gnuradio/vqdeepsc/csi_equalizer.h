/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/sync_block.h>
#include <gnuradio/vqdeepsc/api.h>

namespace gr {
namespace vqdeepsc {

/*!
 * \brief Divides known channel coefficients out: conj(h) y / |h|^2 (paper, eq. 4).
 *
 * Input 0: received complex symbols y. Input 1: coefficients h. Output 0: estimates of the sent
 * symbols. Output 1 (optional): float, their noise densities N0 / |h|^2, N0 = 10^(-snr_db / 10).
 * Where h is 0 or not a number the estimate is 0 and the density 1e30. Tags of input 0 go to both
 * outputs.
 */
class VQDEEPSC_API csi_equalizer : virtual public gr::sync_block
{
public:
    using sptr = std::shared_ptr<csi_equalizer>;

    /*! \param snr_db Es/N0 in dB of the received symbols, at least -200 */
    static sptr make(double snr_db = 10.0);

    //! Acts from the next call of work() on.
    virtual void set_snr_db(double snr_db) = 0;
    virtual double snr_db() const = 0;
};

} // namespace vqdeepsc
} // namespace gr
