/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_HERMITIAN_SYSTEM_H
#define INCLUDED_VQDEEPSC_KERNEL_HERMITIAN_SYSTEM_H

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
        d_real[row * d_size + column] = value.real();
        d_imag[row * d_size + column] = value.imag();
    }

    /*! Solves, b in and x out.
     * \returns b^H A^-1 b - ln det A
     */
    double solve(std::vector<std::complex<double>>& b);

private:
    void decompose();

    std::size_t d_size = 0;
    std::vector<double> d_real, d_imag; //!< upper triangle, row by row
};

} // namespace gr::vqdeepsc::kernel

#endif
