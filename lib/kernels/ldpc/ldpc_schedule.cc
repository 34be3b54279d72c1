/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_schedule.h"

namespace gr::vqdeepsc::kernel {

namespace {

int round_up(int value, int step)
{
    return (value + step - 1) / step * step;
}

} // namespace

LdpcSchedule::LdpcSchedule(const LdpcCode& code, const std::vector<bool>& used_columns)
    : lifting_size(code.lifting_size),
      shared_columns(code.information_columns + LDPC_CORE_ROWS),
      column_stride(round_up(2 * lifting_size + LDPC_VECTOR_SLACK, LDPC_VECTOR_SLACK)),
      own_stride(round_up(lifting_size, LDPC_VECTOR_SLACK)),
      first_core_row(0),
      rotation(shared_columns, 0)
{
    std::vector<std::vector<Circulant>> circulants(code.rows);
    for (const Circulant& circulant : code.circulants) {
        circulants[circulant.row].push_back(circulant);
    }
    // Rows with one punctured column resolve it for the core rows, which hold both.
    std::vector<int> order;
    for (int row = code.rows - 1; row >= LDPC_CORE_ROWS; row--) {
        if (used_columns[code.information_columns + row]) {
            order.push_back(row);
        }
    }
    first_core_row = static_cast<int>(order.size());
    for (int row = 0; row < LDPC_CORE_ROWS; row++) {
        order.push_back(row);
    }
    for (const int row : order) {
        for (const Circulant& circulant : circulants[row]) {
            if (circulant.column < shared_columns) {
                rotation[circulant.column] = circulant.shift;
            }
        }
    }
    const std::vector<int> between = rotation;
    std::vector<int> state = rotation;
    std::vector<int> last_edge(shared_columns, -1);
    for (const int row : order) {
        Row entry{ static_cast<int>(edges.size()), 0, -1 };
        for (const Circulant& circulant : circulants[row]) {
            if (circulant.column >= shared_columns) {
                entry.own_column = static_cast<int>(own_columns.size());
                own_columns.push_back(circulant.column);
                continue;
            }
            int& now = state[circulant.column];
            edges.push_back(
                { circulant.column,
                  (circulant.shift - now + lifting_size) % lifting_size,
                  (circulant.shift - between[circulant.column] + lifting_size) % lifting_size,
                  lifting_size });
            // Between two iterations the copy is complete; within one, it serves the next row.
            if (last_edge[circulant.column] >= 0) {
                edges[last_edge[circulant.column]].copied = edges.back().read;
            }
            last_edge[circulant.column] = static_cast<int>(edges.size()) - 1;
            now = circulant.shift;
            entry.edges++;
        }
        rows.push_back(entry);
    }
}

} // namespace gr::vqdeepsc::kernel
