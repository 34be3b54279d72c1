/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_FRAME_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_FRAME_H

#include "ldpc_transport.h"

#include <gnuradio/vqdeepsc/transport_blocks.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr::vqdeepsc::kernel {

using vqdeepsc::TransportBlock;
using vqdeepsc::TransportBlocks;

/*! The transport blocks of a frame, a single one where none are given.
 * \throws std::invalid_argument naming what is out of range, or where the transport blocks are
 *         not those of such a frame or end inside a symbol
 */
TransportBlocks frame_blocks(std::size_t payload_bits,
                             std::size_t coded_bits,
                             int bits_per_symbol,
                             const TransportBlocks& transport_blocks);

/*! Payload to coded bits of a frame: its transport blocks one after another.
 *
 * Parts of a frame may so be coded at different rates. An object serves one thread at a time.
 */
class FrameEncoder
{
public:
    /*! \param payload_bits, coded_bits of the whole frame
     *  \param bits_per_symbol, redundancy_version as in TransportEncoder
     *  \param transport_blocks of the frame, or none for a single one
     *  \throws std::invalid_argument as frame_blocks(), and for redundancy_version
     */
    FrameEncoder(std::size_t payload_bits,
                 std::size_t coded_bits,
                 int bits_per_symbol = 4,
                 int redundancy_version = 0,
                 const TransportBlocks& transport_blocks = {});

    std::size_t payload_bits() const { return d_payload_bits; }
    std::size_t coded_bits() const { return d_coded_bits; }

    /*! payload_bits() bytes, of which the lowest bit counts -> coded_bits() bytes, each 0 or 1. */
    void encode(const std::uint8_t* payload, std::uint8_t* coded);

    /*! \throws std::invalid_argument unless redundancy_version is 0 to 3 */
    void set_redundancy_version(int redundancy_version);

private:
    std::size_t d_payload_bits;
    std::size_t d_coded_bits;
    std::vector<TransportEncoder> d_encoders;
    std::vector<std::size_t> d_positions; // of the coded bits, where not one after another
    std::vector<std::uint8_t> d_coded;
};

/*! LLRs of the coded bits to payload, the inverse of FrameEncoder; as TransportDecoder.
 *
 * Where transport blocks lie on the strong bits of 16-QAM first, those that are decoded say more
 * about the weak bits of the same symbols, which later ones have (docs/air-interface.md).
 */
class FrameDecoder
{
public:
    /*! Parameters as in FrameEncoder and TransportDecoder.
     * \throws std::invalid_argument as FrameEncoder, and for iterations
     */
    FrameDecoder(std::size_t payload_bits,
                 std::size_t coded_bits,
                 int bits_per_symbol = 4,
                 int redundancy_version = 0,
                 int iterations = 20,
                 const TransportBlocks& transport_blocks = {});

    std::size_t payload_bits() const { return d_payload_bits; }
    std::size_t coded_bits() const { return d_coded_bits; }

    int iterations() const { return d_decoders.front().iterations(); }
    /*! \throws std::invalid_argument unless iterations is 1 to 1,000 */
    void set_iterations(int iterations);

    /*! Of the code blocks decoded last, in their order; empty before. */
    const std::vector<CodeBlockResult>& block_results() const { return d_block_results; }

    /*! As TransportDecoder::decode(), with all code blocks of the frame in the result. */
    TransportDecoderResult decode(const float* llrs,
                                  std::uint8_t* payload,
                                  float* posterior = nullptr);

    /*! Forgets what add_llrs() collected. */
    void reset();

    /*! Adds coded_bits() LLRs of the same payload to those since reset(); redundancy_version is 0
     * to 3. */
    void add_llrs(int redundancy_version, const float* llrs);

    /*! Decodes the sum since reset(); outputs as in decode(). */
    TransportDecoderResult decode_combined(std::uint8_t* payload, float* posterior = nullptr);

private:
    struct Copy {
        int redundancy_version;
        std::vector<float> llrs;   // in the order on the air
        std::vector<bool> told_of; // by transport block: later ones know its strong bits
    };

    void add_in_order(std::size_t first_block, int redundancy_version, const float* llrs);
    void tell_later_blocks(std::size_t block, Copy& copy);

    int d_redundancy_version;
    std::size_t d_payload_bits;
    std::size_t d_coded_bits;
    std::vector<TransportDecoder> d_decoders;
    std::vector<std::size_t> d_positions;     // as in FrameEncoder
    std::vector<TransportEncoder> d_encoders; // of all blocks but the last, where they tell more
    std::vector<Copy> d_copies;               // since reset(), where blocks tell more
    std::vector<std::uint8_t> d_payload;
    std::vector<std::uint8_t> d_coded;
    std::vector<float> d_llrs;
    std::vector<CodeBlockResult> d_block_results;
};

} // namespace gr::vqdeepsc::kernel

#endif
