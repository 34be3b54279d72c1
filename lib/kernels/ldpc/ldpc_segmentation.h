/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_SEGMENTATION_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_SEGMENTATION_H

#include "kernels/base/crc.h"

#include <cstddef>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! How a transport block is cut into code blocks and mapped to the air (3GPP TS 38.212
 * §5.2.2, §5.4.2.1 and §7.2.2). Sender and receiver derive it from the same three numbers.
 */
struct LdpcSegmentation {
    /*! \param payload_bits A, at least 1
     *  \param coded_bits G, at least payload_bits and bits_per_symbol for each code block
     *  \param bits_per_symbol Q_m: 1, 2, 4, 6 or 8
     *  \throws std::invalid_argument naming the value that is out of range
     */
    LdpcSegmentation(std::size_t payload_bits, std::size_t coded_bits, int bits_per_symbol);

    /*! \throws std::invalid_argument where the coded bits of a code block are fewer than its
     *          payload and CRC, so that nobody can decode it. */
    void require_room() const;

    std::size_t payload_bits;
    std::size_t coded_bits;
    int bits_per_symbol;
    /*! Zero bits after the payload that make all code blocks equally long; the standard only
     * ever picks payload lengths that need none. */
    std::size_t padding_bits;
    const Crc* transport_crc; //!< CRC24A, or CRC16 for payloads up to 3,824 bits
    const Crc* block_crc;     //!< CRC24B where there are several code blocks, else null
    int base_graph;           //!< 1 or 2
    int lifting_size;         //!< Z_c
    int blocks;               //!< C
    int block_bits;           //!< K': bits of a code block, its CRC included
    int information_bits;     //!< K: all information columns times Z_c
    /*! E_r: coded bits of each code block. They sum to coded_bits; where that is no multiple of
     * bits_per_symbol, the last block takes the remainder. */
    std::vector<std::size_t> coded_block_bits;

    /*! Bits of all code blocks without their own CRCs: payload, padding and transport CRC. */
    std::size_t protected_bits() const
    {
        return payload_bits + padding_bits + transport_crc->length();
    }
    /*! Bits of a code block that are not its own CRC. */
    int block_content_bits() const { return block_bits - (block_crc ? block_crc->length() : 0); }
};

} // namespace gr::vqdeepsc::kernel

#endif
