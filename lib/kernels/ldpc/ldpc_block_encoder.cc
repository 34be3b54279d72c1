/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_block_encoder.h"

#include <algorithm>

namespace gr::vqdeepsc::kernel {

LdpcBlockEncoder::LdpcBlockEncoder(int base_graph, int lifting_size)
    : d_code(make_ldpc_code(base_graph, lifting_size)), d_rows(d_code.rows)
{
    std::vector<int> parity_shifts;
    for (const Circulant& circulant : d_code.circulants) {
        d_rows[circulant.row].push_back(circulant);
        if (circulant.row < LDPC_CORE_ROWS && circulant.column == d_code.information_columns) {
            // Two equal shifts cancel in the sum of the core rows, and one remains.
            const auto same =
                std::find(parity_shifts.begin(), parity_shifts.end(), circulant.shift);
            if (same == parity_shifts.end()) {
                parity_shifts.push_back(circulant.shift);
            } else {
                parity_shifts.erase(same);
            }
        }
    }
    d_first_parity_shift = parity_shifts.at(0);
}

void LdpcBlockEncoder::add_rotated(const Circulant& circulant,
                                   const std::uint8_t* codeword,
                                   std::uint8_t* sum) const
{
    const int size = d_code.lifting_size;
    const std::uint8_t* column = codeword + circulant.column * size;
    const int head = size - circulant.shift;
    for (int z = 0; z < head; z++) {
        sum[z] ^= column[z + circulant.shift];
    }
    for (int z = head; z < size; z++) {
        sum[z] ^= column[z - head];
    }
}

void LdpcBlockEncoder::encode(std::uint8_t* codeword) const
{
    const int size = d_code.lifting_size;
    const int information = d_code.information_columns;
    std::uint8_t* parity = codeword + information * size;
    std::fill(parity, parity + d_code.rows * size, std::uint8_t(0));

    // The sum of the core rows leaves the first parity column alone, rotated.
    std::vector<std::uint8_t> sum(size, 0);
    for (int row = 0; row < LDPC_CORE_ROWS; row++) {
        for (const Circulant& circulant : d_rows[row]) {
            if (circulant.column < information) {
                add_rotated(circulant, codeword, sum.data());
            }
        }
    }
    for (int z = 0; z < size; z++) {
        parity[(z + d_first_parity_shift) % size] = sum[z];
    }
    // Each core row then brings in the next column, with shift 0; its own bits are still zero here.
    for (int row = 0; row < LDPC_CORE_ROWS - 1; row++) {
        for (const Circulant& circulant : d_rows[row]) {
            if (circulant.column <= information + row) {
                add_rotated(circulant, codeword, parity + (row + 1) * size);
            }
        }
    }
    for (int row = LDPC_CORE_ROWS; row < d_code.rows; row++) {
        for (const Circulant& circulant : d_rows[row]) {
            if (circulant.column < information + row) {
                add_rotated(circulant, codeword, parity + row * size);
            }
        }
    }
}

} // namespace gr::vqdeepsc::kernel
