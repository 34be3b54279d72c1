/* SPDX-License-Identifier: GPL-3.0-or-later */
// For one file an instruction set: the compiler makes vector code of it.
#ifndef INCLUDED_VQDEEPSC_KERNEL_COMPLEX_ROWS_SIMD_H
#define INCLUDED_VQDEEPSC_KERNEL_COMPLEX_ROWS_SIMD_H

#include "complex_rows.h"

#include <algorithm>

namespace gr::vqdeepsc::kernel {

namespace {

template <typename T>
inline void add_rows_tiled(const ComplexRows<T>& rows, T* sum_real, T* sum_imag, std::size_t width)
{
    constexpr std::size_t TILE = ROW_TILE_BYTES / sizeof(T);
    for (std::size_t first = 0; first < width; first += TILE) {
        T real[TILE], imag[TILE]; // stay in registers
        std::copy_n(sum_real + first, TILE, real);
        std::copy_n(sum_imag + first, TILE, imag);
        for (std::size_t i = 0; i < rows.count; ++i) {
            const std::size_t offset = rows.numbers[i] * rows.stride + first;
            const T* row_real = rows.real + offset;
            const T* row_imag = rows.imag + offset;
            const T a = rows.factor_real[i];
            const T b = rows.factor_imag[i];
            for (std::size_t k = 0; k < TILE; ++k) {
                real[k] += a * row_real[k] - b * row_imag[k];
                imag[k] += a * row_imag[k] + b * row_real[k];
            }
        }
        std::copy_n(real, TILE, sum_real + first);
        std::copy_n(imag, TILE, sum_imag + first);
    }
}

} // namespace

} // namespace gr::vqdeepsc::kernel

#endif
