/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_base_graph.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr int LARGEST_LIFTING_SIZE = 384;
// Table 5.3.2-1: set i holds the sizes a * 2^j with a = LIFTING_SETS[i].
constexpr std::array<int, 8> LIFTING_SETS = { 2, 3, 5, 7, 9, 11, 13, 15 };

int lifting_set_index(int lifting_size)
{
    for (std::size_t set = 0; set < LIFTING_SETS.size(); set++) {
        for (int size = LIFTING_SETS[set]; size <= LARGEST_LIFTING_SIZE; size *= 2) {
            if (size == lifting_size) {
                return static_cast<int>(set);
            }
        }
    }
    throw std::invalid_argument("lifting size " + std::to_string(lifting_size) +
                                " is not in table 5.3.2-1 of TS 38.212");
}

template <typename Entries>
std::vector<Circulant> lift(const Entries& entries, int set, int lifting_size)
{
    std::vector<Circulant> circulants;
    circulants.reserve(entries.size());
    for (const BaseGraphEntry& entry : entries) {
        circulants.push_back({ entry.row, entry.column, entry.shifts[set] % lifting_size });
    }
    return circulants;
}

std::vector<int> all_lifting_sizes()
{
    std::vector<int> sizes;
    for (const int first : LIFTING_SETS) {
        for (int size = first; size <= LARGEST_LIFTING_SIZE; size *= 2) {
            sizes.push_back(size);
        }
    }
    std::sort(sizes.begin(), sizes.end());
    return sizes;
}

} // namespace

const std::vector<int>& ldpc_lifting_sizes()
{
    static const std::vector<int> sizes = all_lifting_sizes();
    return sizes;
}

LdpcCode make_ldpc_code(int base_graph, int lifting_size)
{
    if (base_graph != 1 && base_graph != 2) {
        throw std::invalid_argument("base graph " + std::to_string(base_graph) +
                                    " does not exist: it is 1 or 2");
    }
    const int set = lifting_set_index(lifting_size);
    return { base_graph,
             lifting_size,
             ldpc_information_columns(base_graph),
             ldpc_rows(base_graph),
             base_graph == 1 ? lift(BASE_GRAPH_1, set, lifting_size)
                             : lift(BASE_GRAPH_2, set, lifting_size) };
}

} // namespace gr::vqdeepsc::kernel
