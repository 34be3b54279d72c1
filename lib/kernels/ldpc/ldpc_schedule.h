/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_LDPC_SCHEDULE_H
#define INCLUDED_VQDEEPSC_KERNEL_LDPC_SCHEDULE_H

#include "ldpc_base_graph.h"

#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Elements behind the last used one that a vector load or store may touch. */
constexpr int LDPC_VECTOR_SLACK = 64;

/*! Order of work and memory layout of a layered decoder.
 *
 * A column that several rows share is kept rotated as the row that wrote it last left it, and
 * twice in a row, so that the next row reads it as contiguous memory at a fixed offset. A column
 * that one row alone uses never changes and is read in place.
 */
struct LdpcSchedule {
    struct Edge {
        int column;
        int read;   //!< where the row finds its first element in memory
        int check;  //!< the same, seen from the state between two iterations
        int copied; //!< first elements of what the row writes that the second copy needs
    };
    struct Row {
        int first_edge;
        int edges;
        int own_column; //!< index among the columns of one row, or -1
    };

    /*! \param used_columns for each column of the code whether any of its bits was received; a row
     *         whose own column was not tells nothing and is left out */
    LdpcSchedule(const LdpcCode& code, const std::vector<bool>& used_columns);

    int lifting_size;
    int shared_columns;           //!< the columns of the core
    int column_stride;            //!< elements from one shared column to the next
    int own_stride;               //!< elements of one column of one row, and of one message block
    int first_core_row;           //!< index in rows
    std::vector<Row> rows;        //!< in the order of work
    std::vector<Edge> edges;      //!< to shared columns, in the order of work
    std::vector<int> own_columns; //!< columns of the code, by the index in Row
    std::vector<int> rotation;    //!< of each shared column between two iterations
};

} // namespace gr::vqdeepsc::kernel

#endif
