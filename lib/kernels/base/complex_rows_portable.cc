/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complex_rows_simd.h"

namespace gr::vqdeepsc::kernel {

namespace {
constexpr std::size_t REGISTER_BYTES = 16;
} // namespace

void add_rows_float_portable(const ComplexRows<float>& rows,
                             float* sum_real,
                             float* sum_imag,
                             std::size_t width)
{
    add_rows_tiled<REGISTER_BYTES>(rows, sum_real, sum_imag, width);
}

void add_rows_double_portable(const ComplexRows<double>& rows,
                              double* sum_real,
                              double* sum_imag,
                              std::size_t width)
{
    add_rows_tiled<REGISTER_BYTES>(rows, sum_real, sum_imag, width);
}

} // namespace gr::vqdeepsc::kernel
