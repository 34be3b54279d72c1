/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_BASE_GRAPH_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_BASE_GRAPH_H

#include <array>
#include <cstdint>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Rows whose parity columns 0 to 3 form the core; each later row has a parity column of its own.
 */
constexpr int LDPC_CORE_ROWS = 4;

/*! Rows and information columns of base graphs 1 and 2 (TS 38.212 §5.3.2). */
constexpr int ldpc_rows(int base_graph)
{
    return base_graph == 1 ? 46 : 42;
}
constexpr int ldpc_information_columns(int base_graph)
{
    return base_graph == 1 ? 22 : 10;
}
constexpr int ldpc_columns(int base_graph)
{
    return ldpc_information_columns(base_graph) + ldpc_rows(base_graph);
}

/*! One entry of 3GPP TS 38.212 table 5.3.2-2 or 5.3.2-3: V_ij for set indices 0 to 7. */
struct BaseGraphEntry {
    std::uint8_t row;
    std::uint8_t column;
    std::array<std::uint16_t, 8> shifts;
};

/*! Entries of the tables, by row and then by column. */
extern const std::array<BaseGraphEntry, 316> BASE_GRAPH_1;
extern const std::array<BaseGraphEntry, 197> BASE_GRAPH_2;

/*! One circulant of a parity check matrix: row z has its one at column (z + shift) mod Z. */
struct Circulant {
    int row;
    int column;
    int shift;
};

/*! The parity check matrix of a base graph lifted to blocks of Z bits (TS 38.212 §5.3.2). */
struct LdpcCode {
    int base_graph;                    //!< 1 or 2
    int lifting_size;                  //!< Z
    int information_columns;           //!< as ldpc_information_columns()
    int rows;                          //!< as ldpc_rows()
    std::vector<Circulant> circulants; //!< by row and then by column

    int columns() const { return information_columns + rows; }
};

/*! The 51 lifting sizes of table 5.3.2-1 in ascending order, 2 to 384. */
const std::vector<int>& ldpc_lifting_sizes();

/*! \throws std::invalid_argument if base_graph is not 1 or 2 or Z is not in table 5.3.2-1 */
LdpcCode make_ldpc_code(int base_graph, int lifting_size);

} // namespace gr::vqdeepsc::kernel

#endif
