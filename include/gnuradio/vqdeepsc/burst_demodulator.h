/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <cstdint>
#include <gnuradio/block.h>
#include <gnuradio/vqdeepsc/api.h>
#include <string>
#include <utility>
#include <vector>

namespace gr {
namespace vqdeepsc {

/*!
 * \brief Turns the bursts that burst_detector marks into frames of LLRs.
 *
 * Input: samples with the tags of burst_detector. Output: for each burst whose header is right,
 * LLR = ln P(1)/P(0) of its coded bits. The first one carries the tag "frame", a dictionary with
 * the fields of a frame header, with payload_bits, coded_bits, bits_per_symbol and
 * code_rate, and with offset (number of the burst's first sample), cfo (cycles per sample),
 * cfo_hz, clock_offset_ppm, snr_db (mean Es/N0 of a carrier), evm_db, mirrored and interrupted
 * (another burst began in it, and samples from there on are missing). A burst with a
 * damaged header, or with one that is not for this receiver, becomes a single 0 with the tag
 * "refused", a dictionary with error and what is known of the rest. The message port "symbols"
 * publishes for each frame a PDU with the equalised data carriers of its last OFDM symbol, a
 * c32vector.
 */
class VQDEEPSC_API burst_demodulator : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<burst_demodulator>;

    /*!
     * \param fft_size 64, 128, 256, 512 or 1,024
     * \param cyclic_prefix samples, 8 to fft_size / 2
     * \param model the only id of codebooks to receive, 0 to 65,535, or -1 for all
     * \param payload_bits the only length of frames to receive, 1 to 65,535, or 0 for all
     * \param sample_rate in Hz, above 0; only scales cfo_hz
     * \param session the only session to receive, 0 to 2^32 - 1, -1 for all, or -2 for the one that
     *        comes first
     * \param formats the only pairs of bits_per_symbol and code_rate to receive, or none for all
     */
    static sptr make(int fft_size = 256,
                     int cyclic_prefix = 32,
                     int model = -1,
                     int payload_bits = 0,
                     double sample_rate = 1e6,
                     int64_t session = -1,
                     const std::vector<std::pair<int, std::string>>& formats = {});

    //! Takes effect at the next burst.
    virtual void set_sample_rate(double sample_rate) = 0;
    virtual double sample_rate() const = 0;
};

} // namespace vqdeepsc
} // namespace gr
