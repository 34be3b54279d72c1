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
 * \brief Decodes frames of LLRs of 5G NR LDPC transport blocks (3GPP TS 38.212 §5).
 *
 * Input: floats, LLR = ln P(1)/P(0) of each coded bit. Output: for each payload bit its
 * a-posteriori LLR (float) or its decision (byte). A frame begins at an item that carries the
 * tag frame_tag; with an empty frame_tag, frames follow each other from the first item on.
 * The tags of the first item go to the first payload bit. For every frame the message port
 * "frames" publishes a dictionary: crc_ok (all CRCs hold), block_errors and blocks (code blocks,
 * failed and all), iterations (their mean), and for each code block the vectors block_crc_ok and
 * block_iterations. Where the frame tag is a dictionary it gains the same.
 */
class VQDEEPSC_API ldpc_decoder : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<ldpc_decoder>;

    /*!
     * \param payload_bits bits of a frame, at least 1
     * \param coded_bits bits on the air of a frame
     * \param bits_per_symbol 1, 2, 4, 6 or 8: depth of the bit interleaver (§5.4.2.2)
     * \param redundancy_version 0 to 3 (§5.4.2.1), of frames whose tag names no other
     * \param iterations most iterations of a code block, 1 to 1,000
     * \param soft_output true: floats with LLRs; false: bytes with one bit each
     * \param frame_tag key of the tag at the first LLR of a frame, or an empty string
     * \param transport_blocks of a frame, unless on strong bits in whole symbols, or none for a
     * single one
     */
    static sptr make(size_t payload_bits,
                     size_t coded_bits,
                     int bits_per_symbol = 4,
                     int redundancy_version = 0,
                     int iterations = 20,
                     bool soft_output = true,
                     const std::string& frame_tag = "frame",
                     const TransportBlocks& transport_blocks = {});

    //! Takes effect at the next frame.
    virtual void set_iterations(int iterations) = 0;
    virtual int iterations() const = 0;
};

} // namespace vqdeepsc
} // namespace gr
