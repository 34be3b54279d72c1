/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_COMPLEX_ROWS_H
#define INCLUDED_VQDEEPSC_KERNEL_COMPLEX_ROWS_H

#include "kernels/base/cpu_features.h"

#include <cstddef>

namespace gr::vqdeepsc::kernel {

/*! Bytes of a row, and of what is added up, are a multiple of this many. */
constexpr std::size_t ROW_TILE_BYTES = 64;

/*! Values that a row of at least so many has. */
template <typename T>
constexpr std::size_t padded_row(std::size_t values)
{
    constexpr std::size_t TILE = ROW_TILE_BYTES / sizeof(T);
    return (values + TILE - 1) / TILE * TILE;
}

/*! Rows of complex numbers, and factors by which they are added up. T: float or double. */
template <typename T>
struct ComplexRows {
    const T* real;        //!< of number 0
    const T* imag;        //!< of number 0
    std::size_t stride;   //!< values from one row to the next
    const int* numbers;   //!< of the rows that are added
    std::size_t count;    //!< how many these are
    const T* factor_real; //!< of each
    const T* factor_imag; //!< of each
};

/*! Adds factor times row for each row, one after the other, to width sums.
 *
 * \param set  instruction set; the bits do not depend on it
 * \param rows at least width values each
 * \param sum_real, sum_imag the sums, in and out
 * \param width a multiple of ROW_TILE_BYTES / sizeof(T)
 */
template <typename T>
void add_rows(
    InstructionSet set, const ComplexRows<T>& rows, T* sum_real, T* sum_imag, std::size_t width);

void add_rows_float_portable(const ComplexRows<float>&, float*, float*, std::size_t);
void add_rows_float_avx2(const ComplexRows<float>&, float*, float*, std::size_t);
void add_rows_float_avx512(const ComplexRows<float>&, float*, float*, std::size_t);
void add_rows_double_portable(const ComplexRows<double>&, double*, double*, std::size_t);
void add_rows_double_avx2(const ComplexRows<double>&, double*, double*, std::size_t);
void add_rows_double_avx512(const ComplexRows<double>&, double*, double*, std::size_t);

} // namespace gr::vqdeepsc::kernel

#endif
