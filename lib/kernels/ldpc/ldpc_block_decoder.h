/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_BLOCK_DECODER_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_BLOCK_DECODER_H

#include "kernels/base/aligned_vector.h"
#include "kernels/base/cpu_features.h"
#include "ldpc_check_node.h"
#include "ldpc_fixed_point.h"
#include "ldpc_schedule.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Layered A-min* decoder of one code block with messages of one width.
 *
 * The same input gives the same bits on every instruction set. An object serves one thread at a
 * time; different objects share nothing.
 */
template <typename Element>
class LdpcBlockDecoder
{
public:
    using Format = LdpcFixedPoint<Element>;

    /*! \param used_columns as in LdpcSchedule */
    LdpcBlockDecoder(const LdpcCode& code,
                     const std::vector<bool>& used_columns,
                     InstructionSet set);

    /*! Begins a new block.
     * \param llrs LLR = ln P(1) / P(0) of the bits of the codeword after the first 2 Z, which are
     *        never sent; NaN counts as 0 and large values are clipped
     * \param first_filler, filler_end range of the codeword's bits that are known to be 0
     */
    void load(const float* llrs, std::size_t first_filler, std::size_t filler_end);

    /*! Updates all rows once. */
    void iterate() { d_check_node.iterate(d_schedule, memory()); }

    /*! True if the decisions fulfil the core rows, which hold all information bits. */
    bool core_satisfied() { return d_check_node.core_satisfied(d_schedule, memory()); }

    /*! The first count a-posteriori LLRs = ln P(1) / P(0) in steps of 1 / STEPS_PER_NAT. */
    void posterior(std::size_t count, Element* steps) const;

private:
    LdpcMemory<Element> memory() { return { d_shared.data(), d_own.data(), d_messages.data() }; }

    LdpcSchedule d_schedule;
    LdpcCheckNode<Element> d_check_node;
    AlignedVector<Element> d_shared;
    AlignedVector<Element> d_own;
    AlignedVector<Element> d_messages;
    std::vector<Element> d_steps; // of the shared columns, not rotated
};

} // namespace gr::vqdeepsc::kernel

#endif
