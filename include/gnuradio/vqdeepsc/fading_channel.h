/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/sync_block.h>
#include <gnuradio/vqdeepsc/api.h>
#include <string>

namespace gr {
namespace vqdeepsc {

/*!
 * \brief y = h x + w with E|h|^2 = 1 and w ~ CN(0, N0), N0 = 10^(-snr_db / 10) (paper, eq. 3).
 *
 * Input: complex symbols of mean energy 1. Output 0: y. Output 1 (optional): h. Noise and
 * coefficients depend on the seed and the number of the symbol only, not on the scheduler.
 */
class VQDEEPSC_API fading_channel : virtual public gr::sync_block
{
public:
    using sptr = std::shared_ptr<fading_channel>;

    /*!
     * \param kind "awgn" (h = 1), "rayleigh" (h ~ CN(0, 1)) or "rician"
     *        (h = sqrt(r / (r + 1)) + CN(0, 1 / (r + 1)))
     * \param snr_db Es/N0 in dB, at least -200; infinity switches the noise off
     * \param rician_factor r >= 0
     * \param block_length symbols that share one h, at least 1
     * \param seed key of the random numbers
     */
    static sptr make(const std::string& kind = "awgn",
                     double snr_db = 10.0,
                     double rician_factor = 1.0,
                     int64_t block_length = 1,
                     uint64_t seed = 0);

    //! The setters act from the next call of work() on.
    virtual void set_kind(const std::string& kind) = 0;
    virtual void set_snr_db(double snr_db) = 0;
    virtual void set_rician_factor(double rician_factor) = 0;
    virtual void set_block_length(int64_t block_length) = 0;
    virtual std::string kind() const = 0;
    virtual double snr_db() const = 0;
    virtual double rician_factor() const = 0;
    virtual int64_t block_length() const = 0;
    virtual uint64_t seed() const = 0;
};

} // namespace vqdeepsc
} // namespace gr
