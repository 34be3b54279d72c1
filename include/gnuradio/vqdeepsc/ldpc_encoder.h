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
 * \brief Encodes frames of payload bits as 5G NR LDPC transport blocks (3GPP TS 38.212 §5).
 *
 * Input: bytes with one bit each. Output: bytes with one coded bit each, rate matched to
 * exactly coded_bits. A frame begins at an item that carries the tag frame_tag; the tags of
 * that item go to the first coded bit. With an empty frame_tag, frames follow each other
 * from the first item on.
 */
class VQDEEPSC_API ldpc_encoder : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<ldpc_encoder>;

    /*!
     * \param payload_bits bits of a frame, at least 1
     * \param coded_bits bits on the air of a frame
     * \param bits_per_symbol 1, 2, 4, 6 or 8: depth of the bit interleaver (§5.4.2.2)
     * \param redundancy_version 0 to 3 (§5.4.2.1), of frames whose tag names no other
     * \param frame_tag key of the tag at the first bit of a frame, or an empty string
     * \param transport_blocks of a frame, unless on strong bits in whole symbols, or none for a
     * single one
     */
    static sptr make(size_t payload_bits,
                     size_t coded_bits,
                     int bits_per_symbol = 4,
                     int redundancy_version = 0,
                     const std::string& frame_tag = "frame",
                     const TransportBlocks& transport_blocks = {});
};

} // namespace vqdeepsc
} // namespace gr
