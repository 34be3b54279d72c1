/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_COPY_COMBINER_H
#define INCLUDED_VQDEEPSC_KERNEL_COPY_COMBINER_H

#include "burst_header.h"

#include <cstddef>
#include <deque>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Soft bits of bursts that were not decoded, for the next copy of the same burst.
 *
 * Senders may take turns. Whatever headers claim, what is kept is at most 64 bursts of three coded
 * bits for each of MAX_PAYLOAD_BITS: 50 MB.
 */
class CopyCombiner
{
public:
    /*! \param most bursts that are kept; the oldest go first */
    explicit CopyCombiner(std::size_t most = 64) : d_most(most) {}

    /*! Adds to llrs those that are kept of the same header, where they are of the same bits:
     * a header may come again with another content.
     * \param llrs header.coded_bits() values LLR = ln P(1) / P(0)
     * \return how many bursts were added
     */
    int add_to(const BurstHeader& header, std::vector<float>& llrs) const;

    /*! Keeps the sum over a number of bursts in place of what was kept of that header. */
    void keep(const BurstHeader& header, const std::vector<float>& llrs, int bursts);

    /*! Forgets that header. */
    void forget(const BurstHeader& header);

private:
    struct Kept {
        BurstHeader header;
        std::vector<float> llrs;
        int bursts;
    };

    std::size_t d_most;
    std::deque<Kept> d_kept;
};

} // namespace gr::vqdeepsc::kernel

#endif
