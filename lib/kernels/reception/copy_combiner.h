/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_COPY_COMBINER_H
#define INCLUDED_VQDEEPSC_KERNEL_COPY_COMBINER_H

#include "kernels/ofdm/burst_header.h"

#include <array>
#include <cstddef>
#include <deque>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Soft bits of bursts with the same payload. */
struct Copies {
    int bursts = 0;
    //! By redundancy version: the sum of coded_bits() LLRs = ln P(1) / P(0), empty without a burst.
    std::array<std::vector<float>, 4> llrs;
};

/*! Soft bits of bursts that were not decoded, for the next copy of the same burst.
 *
 * Senders may take turns. Whatever headers claim, what is kept is at most MOST_LLRS soft bits (50
 * MB); the oldest go first.
 */
class CopyCombiner
{
public:
    static constexpr std::size_t MOST_LLRS = 64 * 3 * MAX_PAYLOAD_BITS;

    explicit CopyCombiner(std::size_t most_llrs = MOST_LLRS) : d_most_llrs(most_llrs) {}

    /*! A burst together with those that are kept of the same header, unless one of the same
     * redundancy version has other bits: a header may come again with another content.
     * \param llrs header.coded_bits() values LLR = ln P(1) / P(0)
     */
    Copies combined(const BurstHeader& header, const std::vector<float>& llrs) const;

    /*! Keeps copies in place of what was kept of that header. */
    void keep(const BurstHeader& header, Copies copies);

    /*! Forgets that header. */
    void forget(const BurstHeader& header);

private:
    struct Kept {
        BurstHeader header;
        Copies copies;
    };

    std::size_t d_most_llrs;
    std::deque<Kept> d_kept;
};

} // namespace gr::vqdeepsc::kernel

#endif
