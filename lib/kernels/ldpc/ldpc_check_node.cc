/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_check_node.h"

namespace gr::vqdeepsc::kernel {

template <>
LdpcCheckNode<std::int8_t> ldpc_check_node(InstructionSet set)
{
    switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx512:
        return ldpc_check_node_int8_avx512();
    case InstructionSet::avx2:
        return ldpc_check_node_int8_avx2();
    case InstructionSet::sse41:
        return ldpc_check_node_int8_sse41();
#elif defined(__aarch64__)
    case InstructionSet::neon:
        return ldpc_check_node_int8_neon();
#endif
    default:
        return ldpc_check_node_int8_portable();
    }
}

template <>
LdpcCheckNode<std::int16_t> ldpc_check_node(InstructionSet set)
{
    switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx512:
        return ldpc_check_node_int16_avx512();
    case InstructionSet::avx2:
        return ldpc_check_node_int16_avx2();
    case InstructionSet::sse41:
        return ldpc_check_node_int16_sse41();
#elif defined(__aarch64__)
    case InstructionSet::neon:
        return ldpc_check_node_int16_neon();
#endif
    default:
        return ldpc_check_node_int16_portable();
    }
}

} // namespace gr::vqdeepsc::kernel
