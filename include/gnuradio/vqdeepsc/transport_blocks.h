/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_TRANSPORT_BLOCKS_H
#define INCLUDED_VQDEEPSC_TRANSPORT_BLOCKS_H

#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace gr {
namespace vqdeepsc {

/*! \brief Bits of a frame that are coded together, before LDPC and after it. */
struct TransportBlock {
    std::size_t payload_bits;
    std::size_t coded_bits;
};

inline bool operator==(const TransportBlock& a, const TransportBlock& b)
{
    return a.payload_bits == b.payload_bits && a.coded_bits == b.coded_bits;
}

/*!
 * \brief The transport blocks of a frame, in order
 * \ingroup vqdeepsc
 */
struct TransportBlocks {
    std::vector<TransportBlock> blocks;
    //! Whether they lie one after another on the bits of all symbols from strong to weak
    //! (docs/air-interface.md), else each on symbols of its own.
    bool on_strong_bits = false;

    TransportBlocks() = default;
    TransportBlocks(std::vector<TransportBlock> list, bool strong = false)
        : blocks(std::move(list)), on_strong_bits(strong)
    {
    }
    TransportBlocks(std::initializer_list<TransportBlock> list) : blocks(list) {}
};

inline bool operator==(const TransportBlocks& a, const TransportBlocks& b)
{
    return a.blocks == b.blocks && a.on_strong_bits == b.on_strong_bits;
}

} // namespace vqdeepsc
} // namespace gr

#endif
