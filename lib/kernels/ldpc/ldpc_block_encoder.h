/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_BLOCK_ENCODER_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_BLOCK_ENCODER_H

#include "ldpc_base_graph.h"

#include <cstdint>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Systematic encoder of one code block (3GPP TS 38.212 §5.3.2). Objects are immutable. */
class LdpcBlockEncoder
{
public:
    /*! \throws std::invalid_argument as make_ldpc_code() */
    LdpcBlockEncoder(int base_graph, int lifting_size);

    const LdpcCode& code() const { return d_code; }

    /*! Completes a codeword in place.
     * \param codeword code().columns() * Z bits, one per byte: the first
     *        code().information_columns * Z are given (fillers as 0), the parity bits are written
     */
    void encode(std::uint8_t* codeword) const;

private:
    void add_rotated(const Circulant& circulant,
                     const std::uint8_t* codeword,
                     std::uint8_t* sum) const;

    LdpcCode d_code;
    std::vector<std::vector<Circulant>> d_rows; //!< circulants of each row
    int d_first_parity_shift;                   //!< of the sum of the core rows
};

} // namespace gr::vqdeepsc::kernel

#endif
