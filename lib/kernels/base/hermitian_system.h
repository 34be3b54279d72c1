/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_HERMITIAN_SYSTEM_H
#define INCLUDED_VQDEEPSC_KERNEL_HERMITIAN_SYSTEM_H

#include "kernels/base/aligned_vector.h"
#include "kernels/base/cpu_features.h"

#include <complex>
#include <cstddef>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Equations A x = b, where A is Hermitian and positive definite, solved by Cholesky's method. */
class HermitianSystem
{
public:
    /*! Begins anew with size unknowns, all zeros. */
    void reset(std::size_t size);

    std::size_t size() const { return d_size; }

    /*! A at a row and a column that is no less. */
    void set(std::size_t row, std::size_t column, std::complex<double> value)
    {
        d_real[row * d_stride + column] = value.real();
        d_imag[row * d_stride + column] = value.imag();
    }

    /*! Solves, b in and x out.
     * \returns b^H A^-1 b - ln det A
     */
    double solve(std::vector<std::complex<double>>& b);

private:
    void decompose();

    InstructionSet d_set = best_instruction_set();
    std::size_t d_size = 0;
    std::size_t d_stride = 0;                       //!< from one row to the next
    AlignedVector<double> d_real, d_imag;           //!< upper triangle, row by row
    AlignedVector<double> d_back_real, d_back_imag; //!< of a column, for the row that is next
    std::vector<int> d_numbers;                     //!< 0, 1, 2 ...
};

} // namespace gr::vqdeepsc::kernel

#endif
