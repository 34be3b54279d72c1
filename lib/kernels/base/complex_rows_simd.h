/* SPDX-License-Identifier: GPL-3.0-or-later */
// For one file an instruction set: written with its vectors, which compilers do not find.
#ifndef INCLUDED_VQDEEPSC_KERNEL_COMPLEX_ROWS_SIMD_H
#define INCLUDED_VQDEEPSC_KERNEL_COMPLEX_ROWS_SIMD_H

#include "complex_rows.h"

#include <cstddef>
#include <cstring>

namespace gr::vqdeepsc::kernel {

namespace {

/* BYTES: of a register of the instruction set. */
template <std::size_t BYTES, typename T>
inline void add_rows_tiled(const ComplexRows<T>& rows, T* sum_real, T* sum_imag, std::size_t width)
{
    using Vector __attribute__((vector_size(BYTES))) = T;
    constexpr std::size_t TILE = ROW_TILE_BYTES / sizeof(T);
    constexpr std::size_t VECTORS = ROW_TILE_BYTES / BYTES;
    constexpr std::size_t LANES = BYTES / sizeof(T);
    for (std::size_t first = 0; first < width; first += TILE) {
        Vector real[VECTORS], imag[VECTORS]; // stay in registers
        std::memcpy(real, sum_real + first, ROW_TILE_BYTES);
        std::memcpy(imag, sum_imag + first, ROW_TILE_BYTES);
        for (std::size_t i = 0; i < rows.count; ++i) {
            const std::size_t offset = rows.numbers[i] * rows.stride + first;
            const T a = rows.factor_real[i];
            const T b = rows.factor_imag[i];
            for (std::size_t k = 0; k < VECTORS; ++k) {
                Vector row_real, row_imag;
                std::memcpy(&row_real, rows.real + offset + k * LANES, BYTES);
                std::memcpy(&row_imag, rows.imag + offset + k * LANES, BYTES);
                real[k] += a * row_real - b * row_imag;
                imag[k] += a * row_imag + b * row_real;
            }
        }
        std::memcpy(sum_real + first, real, ROW_TILE_BYTES);
        std::memcpy(sum_imag + first, imag, ROW_TILE_BYTES);
    }
}

} // namespace

} // namespace gr::vqdeepsc::kernel

#endif
