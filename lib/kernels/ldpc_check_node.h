/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_CHECK_NODE_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_CHECK_NODE_H

#include "ldpc_schedule.h"

#include <cstdint>

namespace gr::vqdeepsc::kernel {

/*! Memory of a decoder in the layout of an LdpcSchedule; LLR = ln P(0) / P(1) in steps. */
template <typename Element>
struct LdpcMemory {
    Element* shared;        //!< a-posteriori LLRs, shared_columns * column_stride
    const Element* own;     //!< channel LLRs, own_columns * own_stride
    Element* messages;      //!< from checks to bits, edges * own_stride
    Element* scratch;       //!< most_edges * own_stride
};

/*! One iteration over all rows, and whether the core rows are satisfied, by instruction set. */
template <typename Element>
struct LdpcCheckNode {
    void (*iterate)(const LdpcSchedule&, const LdpcMemory<Element>&);
    bool (*core_satisfied)(const LdpcSchedule&, const LdpcMemory<Element>&);
};

LdpcCheckNode<std::int8_t> ldpc_check_node_int8_portable();
LdpcCheckNode<std::int16_t> ldpc_check_node_int16_portable();

} // namespace gr::vqdeepsc::kernel

#endif
