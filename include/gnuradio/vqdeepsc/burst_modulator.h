/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <gnuradio/block.h>
#include <gnuradio/vqdeepsc/api.h>
#include <gnuradio/vqdeepsc/transport_blocks.h>
#include <string>

namespace gr {
namespace vqdeepsc {

/*!
 * \brief Makes a burst (preamble, training, header, OFDM payload) of each frame of coded bits.
 *
 * Input: bytes with one coded bit each; a frame begins at an item whose tag "frame" is a
 * dictionary with the fields of a frame header. Output: samples; the first of a
 * burst carries tx_sob and the tags of the frame, the last carries tx_eob. Nothing comes out
 * between bursts. The format is written down in docs/air-interface.md.
 */
class VQDEEPSC_API burst_modulator : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<burst_modulator>;

    /*!
     * \param payload_bits bits of a frame before coding, 1 to 65,535
     * \param bits_per_symbol 2 (QPSK), 4 or 6 (16-, 64-QAM)
     * \param code_rate "1/3", "1/2", "2/3" or "3/4"
     * \param fft_size 64, 128, 256, 512 or 1,024
     * \param cyclic_prefix samples, 8 to fft_size / 2
     * \param amplitude root mean square of the samples, above 0
     * \param peak largest magnitude of a sample, above 0; what is larger is cut
     * \param transport_blocks of a frame, as at the ldpc_encoder; the header names them by a number
     * \param burst_profile 0 (static), 1 (pedestrian) or 2 (vehicular): how quickly the channel may
     * fade
     */
    static sptr make(size_t payload_bits,
                     int bits_per_symbol = 4,
                     const std::string& code_rate = "1/3",
                     int fft_size = 256,
                     int cyclic_prefix = 32,
                     float amplitude = 0.3,
                     float peak = 1.0,
                     const TransportBlocks& transport_blocks = {},
                     int burst_profile = 0);

    //! Bits that a frame has.
    virtual size_t coded_bits() const = 0;
    //! Samples that a burst has.
    virtual size_t burst_samples() const = 0;

    //! Takes effect at the next burst.
    virtual void set_amplitude(float amplitude) = 0;
    virtual float amplitude() const = 0;
    //! Takes effect at the next burst.
    virtual void set_peak(float peak) = 0;
    virtual float peak() const = 0;
};

} // namespace vqdeepsc
} // namespace gr
