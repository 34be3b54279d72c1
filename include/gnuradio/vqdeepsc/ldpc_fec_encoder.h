/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <gnuradio/fec/generic_encoder.h>
#include <gnuradio/vqdeepsc/api.h>
#include <memory>

namespace gr {
namespace vqdeepsc {

/*!
 * \brief The 5G NR LDPC encoder (3GPP TS 38.212 §5) for GNU Radio's FEC blocks.
 *
 * One transport block is one frame: payload_bits bytes with one bit each become coded_bits
 * bytes. set_frame_size() takes shorter payloads at the same rate; those without room for a CRC
 * become zeros, with an error in the log.
 */
class VQDEEPSC_API ldpc_fec_encoder : public gr::fec::generic_encoder
{
public:
    using sptr = std::shared_ptr<ldpc_fec_encoder>;

    /*!
     * \param payload_bits bits of the largest frame, at least 1
     * \param coded_bits bits on the air of such a frame
     * \param bits_per_symbol 1, 2, 4, 6 or 8: depth of the bit interleaver (§5.4.2.2)
     * \param redundancy_version 0 to 3 (§5.4.2.1)
     */
    static sptr make(size_t payload_bits,
                     size_t coded_bits,
                     int bits_per_symbol = 4,
                     int redundancy_version = 0);

protected:
    using gr::fec::generic_encoder::generic_encoder;
};

} // namespace vqdeepsc
} // namespace gr
