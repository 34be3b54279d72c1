/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_block_decoder.h"

#include <algorithm>

namespace gr::vqdeepsc::kernel {

template <typename Element>
LdpcBlockDecoder<Element>::LdpcBlockDecoder(const LdpcCode& code,
                                            const std::vector<bool>& used_columns,
                                            InstructionSet set)
    : d_schedule(code, used_columns),
      d_check_node(ldpc_check_node<Element>(set)),
      d_shared(d_schedule.shared_columns * d_schedule.column_stride),
      d_own(d_schedule.own_columns.size() * d_schedule.own_stride),
      d_messages(d_schedule.edges.size() * d_schedule.own_stride),
      d_steps(d_schedule.shared_columns * code.lifting_size)
{
}

template <typename Element>
void LdpcBlockDecoder<Element>::load(const float* llrs,
                                     std::size_t first_filler,
                                     std::size_t filler_end)
{
    const int size = d_schedule.lifting_size;
    std::fill(d_steps.begin(), d_steps.begin() + 2 * size, Element(0));
    d_check_node.quantise(llrs, d_steps.size() - 2 * size, d_steps.data() + 2 * size);
    std::fill(d_steps.begin() + first_filler,
              d_steps.begin() + filler_end,
              Element(Format::POSTERIOR_LIMIT));
    for (int column = 0; column < d_schedule.shared_columns; column++) {
        const Element* from = d_steps.data() + column * size;
        Element* to = d_shared.data() + column * d_schedule.column_stride;
        const int rotation = d_schedule.rotation[column];
        std::copy(from + rotation, from + size, to);
        std::copy(from, from + rotation, to + size - rotation);
        std::copy(to, to + size, to + size);
    }
    for (std::size_t own = 0; own < d_schedule.own_columns.size(); own++) {
        d_check_node.quantise(llrs + (d_schedule.own_columns[own] - 2) * size,
                              size,
                              d_own.data() + own * d_schedule.own_stride);
    }
    std::fill(d_messages.begin(), d_messages.end(), Element(0));
}

template <typename Element>
void LdpcBlockDecoder<Element>::posterior(std::size_t count, Element* steps) const
{
    const int size = d_schedule.lifting_size;
    for (std::size_t first = 0; first < count; first += size) {
        const int column = static_cast<int>(first / size);
        const int length = static_cast<int>(std::min<std::size_t>(size, count - first));
        // The second copy continues the first, so the unrotated column begins inside them.
        const Element* from = d_shared.data() + column * d_schedule.column_stride + size -
                              d_schedule.rotation[column];
        for (int z = 0; z < length; z++) {
            steps[first + z] = static_cast<Element>(-from[z]);
        }
    }
}

template class LdpcBlockDecoder<std::int8_t>;
template class LdpcBlockDecoder<std::int16_t>;

} // namespace gr::vqdeepsc::kernel
