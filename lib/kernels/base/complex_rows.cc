/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complex_rows.h"

namespace gr::vqdeepsc::kernel {

template <>
void add_rows([[maybe_unused]] InstructionSet set,
              const ComplexRows<float>& rows,
              float* sum_real,
              float* sum_imag,
              std::size_t width)
{
#if defined(__x86_64__)
    if (set == InstructionSet::avx512) {
        return add_rows_float_avx512(rows, sum_real, sum_imag, width);
    }
    if (set == InstructionSet::avx2) {
        return add_rows_float_avx2(rows, sum_real, sum_imag, width);
    }
#endif
    add_rows_float_portable(rows, sum_real, sum_imag, width);
}

template <>
void add_rows([[maybe_unused]] InstructionSet set,
              const ComplexRows<double>& rows,
              double* sum_real,
              double* sum_imag,
              std::size_t width)
{
#if defined(__x86_64__)
    if (set == InstructionSet::avx512) {
        return add_rows_double_avx512(rows, sum_real, sum_imag, width);
    }
    if (set == InstructionSet::avx2) {
        return add_rows_double_avx2(rows, sum_real, sum_imag, width);
    }
#endif
    add_rows_double_portable(rows, sum_real, sum_imag, width);
}

} // namespace gr::vqdeepsc::kernel
