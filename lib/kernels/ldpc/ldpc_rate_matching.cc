/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldpc_rate_matching.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

namespace {

// Table 5.4.2.1-2: k0 = numerator * N_cb / (columns * Z), in blocks of Z; here N_cb is columns * Z.
constexpr std::array<int, 4> START_COLUMNS_1 = { 0, 17, 33, 56 };
constexpr std::array<int, 4> START_COLUMNS_2 = { 0, 13, 25, 43 };

// Symbols of SYMBOL_BITS values -> the first values of all symbols, then the second ones, ...
template <int SYMBOL_BITS>
void deinterleave(const float* __restrict from, std::size_t symbols, float* __restrict to)
{
    for (std::size_t symbol = 0; symbol < symbols; symbol++) {
        for (int bit = 0; bit < SYMBOL_BITS; bit++) {
            to[bit * symbols + symbol] = from[symbol * SYMBOL_BITS + bit];
        }
    }
}

void add_numbers(const float* __restrict from, std::size_t count, float* __restrict to)
{
    for (std::size_t i = 0; i < count; i++) {
        to[i] += std::isnan(from[i]) ? 0.0f : from[i];
    }
}

} // namespace

LdpcRateMatching::LdpcRateMatching(const LdpcSegmentation& segmentation, int redundancy_version)
    : d_lifting_size(segmentation.lifting_size),
      d_symbol_bits(segmentation.bits_per_symbol),
      d_buffer_bits((segmentation.base_graph == 1 ? 66 : 50) * d_lifting_size),
      d_first_filler(segmentation.block_bits - 2 * d_lifting_size),
      d_filler_end(segmentation.information_bits - 2 * d_lifting_size)
{
    if (redundancy_version < 0 || redundancy_version > 3) {
        throw std::invalid_argument("redundancy_version is " + std::to_string(redundancy_version) +
                                    " and must be 0, 1, 2 or 3");
    }
    const auto& starts = segmentation.base_graph == 1 ? START_COLUMNS_1 : START_COLUMNS_2;
    d_start = starts[redundancy_version] * d_lifting_size;
}

template <typename Visit>
void LdpcRateMatching::for_each_run(std::size_t coded_bits, Visit visit) const
{
    std::size_t position = d_start;
    std::size_t done = 0;
    while (done < coded_bits) {
        if (position >= d_first_filler && position < d_filler_end) {
            position = d_filler_end;
        }
        const std::size_t end = position < d_first_filler ? d_first_filler : d_buffer_bits;
        const std::size_t length = std::min(end - position, coded_bits - done);
        visit(position, done, length);
        done += length;
        position = position + length == d_buffer_bits ? 0 : position + length;
    }
}

void LdpcRateMatching::match(const std::uint8_t* buffer,
                             std::size_t coded_bits,
                             std::uint8_t* coded) const
{
    const std::size_t symbols = coded_bits / d_symbol_bits;
    for_each_run(coded_bits, [&](std::size_t from, std::size_t to, std::size_t length) {
        std::size_t bit = to / std::max<std::size_t>(symbols, 1);
        std::size_t symbol = to - bit * symbols;
        for (std::size_t i = 0; i < length; i++) {
            if (bit >= d_symbol_bits) {
                std::copy(buffer + from + i, buffer + from + length, coded + to + i);
                return;
            }
            coded[symbol * d_symbol_bits + bit] = buffer[from + i];
            if (++symbol == symbols) {
                symbol = 0;
                bit++;
            }
        }
    });
}

void LdpcRateMatching::recover(const float* llrs, std::size_t coded_bits, float* buffer) const
{
    const std::unique_ptr<float[]> ordered(new float[coded_bits]);
    const std::size_t symbols = coded_bits / d_symbol_bits;
    switch (d_symbol_bits) {
    case 2:
        deinterleave<2>(llrs, symbols, ordered.get());
        break;
    case 4:
        deinterleave<4>(llrs, symbols, ordered.get());
        break;
    case 6:
        deinterleave<6>(llrs, symbols, ordered.get());
        break;
    case 8:
        deinterleave<8>(llrs, symbols, ordered.get());
        break;
    default:
        deinterleave<1>(llrs, symbols, ordered.get());
    }
    const std::size_t interleaved = symbols * d_symbol_bits;
    std::copy(llrs + interleaved, llrs + coded_bits, ordered.get() + interleaved);
    for_each_run(coded_bits, [&](std::size_t to, std::size_t from, std::size_t length) {
        add_numbers(ordered.get() + from, length, buffer + to);
    });
}

void LdpcRateMatching::mark_columns(std::size_t coded_bits,
                                    std::size_t first_column,
                                    std::vector<bool>& columns) const
{
    for_each_run(coded_bits, [&](std::size_t position, std::size_t, std::size_t length) {
        for (std::size_t column = position / d_lifting_size;
             column <= (position + length - 1) / d_lifting_size;
             column++) {
            columns.at(first_column + column) = true;
        }
    });
}

} // namespace gr::vqdeepsc::kernel
