/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_RATE_MATCHING_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_RATE_MATCHING_H

#include "ldpc_segmentation.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Bit selection and interleaving of one code block (3GPP TS 38.212 §5.4.2), with a circular
 * buffer as long as the codeword (no limited-buffer rate matching). Objects are immutable.
 *
 * The circular buffer d is the codeword without its first 2 Z bits. With E = n Q_m + r coded bits,
 * r < Q_m, the interleaver works on the first n Q_m and leaves the other r in their order; the
 * standard has r = 0 only.
 */
class LdpcRateMatching
{
public:
    /*! \throws std::invalid_argument if redundancy_version is not 0, 1, 2 or 3 */
    LdpcRateMatching(const LdpcSegmentation& segmentation, int redundancy_version);

    /*! buffer d -> coded_bits bits in transmission order. */
    void match(const std::uint8_t* buffer, std::size_t coded_bits, std::uint8_t* coded) const;

    /*! Adds coded_bits LLRs, in transmission order, to those of the buffer d; NaN adds nothing. */
    void recover(const float* llrs, std::size_t coded_bits, float* buffer) const;

    /*! Marks the columns (blocks of Z) that coded_bits coded bits touch; d begins at column
     * first_column. */
    void mark_columns(std::size_t coded_bits,
                      std::size_t first_column,
                      std::vector<bool>& columns) const;

private:
    // Calls visit(position in d, position in e, length) for each run of neighbouring bits.
    template <typename Visit>
    void for_each_run(std::size_t coded_bits, Visit visit) const;

    std::size_t d_lifting_size;
    std::size_t d_symbol_bits;
    std::size_t d_buffer_bits;
    std::size_t d_first_filler;
    std::size_t d_filler_end;
    std::size_t d_start;
};

} // namespace gr::vqdeepsc::kernel

#endif
