/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_CHECK_NODE_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_CHECK_NODE_H

#include "kernels/base/cpu_features.h"
#include "ldpc_schedule.h"

#include <cstddef>
#include <cstdint>

namespace gr::vqdeepsc::kernel {

/*! Memory of a decoder in the layout of an LdpcSchedule; LLR = ln P(0) / P(1) in steps. */
template <typename Element>
struct LdpcMemory {
    Element* shared;    //!< a-posteriori LLRs, shared_columns * column_stride
    const Element* own; //!< channel LLRs, own_columns * own_stride
    Element* messages;  //!< from checks to bits, edges * own_stride, in the order of work
};

/*! The work on all bits of a block, by instruction set. */
template <typename Element>
struct LdpcCheckNode {
    /*! From LLR = ln P(1) / P(0) to steps of ln P(0) / P(1), rounded half away from zero and
     * clipped; NaN gives 0. */
    void (*quantise)(const float* llrs, std::size_t count, Element* steps);
    /*! One iteration over all rows. */
    void (*iterate)(const LdpcSchedule&, const LdpcMemory<Element>&);
    /*! Whether the decisions fulfil the core rows. */
    bool (*core_satisfied)(const LdpcSchedule&, const LdpcMemory<Element>&);
};

/*! The functions for one instruction set, which the processor must support. */
template <typename Element>
LdpcCheckNode<Element> ldpc_check_node(InstructionSet set);

LdpcCheckNode<std::int8_t> ldpc_check_node_int8_portable();
LdpcCheckNode<std::int16_t> ldpc_check_node_int16_portable();
#if defined(__x86_64__)
LdpcCheckNode<std::int8_t> ldpc_check_node_int8_sse41();
LdpcCheckNode<std::int16_t> ldpc_check_node_int16_sse41();
LdpcCheckNode<std::int8_t> ldpc_check_node_int8_avx2();
LdpcCheckNode<std::int16_t> ldpc_check_node_int16_avx2();
LdpcCheckNode<std::int8_t> ldpc_check_node_int8_avx512();
LdpcCheckNode<std::int16_t> ldpc_check_node_int16_avx512();
#elif defined(__aarch64__)
LdpcCheckNode<std::int8_t> ldpc_check_node_int8_neon();
LdpcCheckNode<std::int16_t> ldpc_check_node_int16_neon();
#endif

} // namespace gr::vqdeepsc::kernel

#endif
