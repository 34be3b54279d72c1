/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hermitian_system.h"

#include <algorithm>
#include <cmath>

namespace gr::vqdeepsc::kernel {

void HermitianSystem::reset(std::size_t size)
{
    d_size = size;
    d_real.assign(size * size, 0.0);
    d_imag.assign(size * size, 0.0);
}

// A = U^H U, in place.
void HermitianSystem::decompose()
{
    const std::size_t n = d_size;
    for (std::size_t j = 0; j < n; ++j) {
        double* real = d_real.data() + j * n;
        double* imag = d_imag.data() + j * n;
        const double scale = 1.0 / std::sqrt(std::max(real[j], 1.0e-12));
        for (std::size_t k = j; k < n; ++k) {
            real[k] *= scale;
            imag[k] *= scale;
        }
        for (std::size_t i = j + 1; i < n; ++i) {
            const double a = real[i];
            const double b = imag[i];
            double* to_real = d_real.data() + i * n;
            double* to_imag = d_imag.data() + i * n;
            for (std::size_t k = i; k < n; ++k) {
                to_real[k] -= a * real[k] + b * imag[k];
                to_imag[k] -= a * imag[k] - b * real[k];
            }
        }
    }
}

double HermitianSystem::solve(std::vector<std::complex<double>>& b)
{
    decompose();
    const std::size_t n = d_size;
    double likelihood = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
        const double diagonal = d_real[j * n + j];
        b[j] /= diagonal;
        likelihood += std::norm(b[j]) - 2.0 * std::log(diagonal);
        for (std::size_t k = j + 1; k < n; ++k) {
            const double real = d_real[j * n + k];
            const double imag = d_imag[j * n + k];
            b[k] -= std::complex<double>(real * b[j].real() + imag * b[j].imag(),
                                         real * b[j].imag() - imag * b[j].real());
        }
    }
    for (std::size_t j = n; j-- > 0;) {
        double sum_real = b[j].real();
        double sum_imag = b[j].imag();
        for (std::size_t k = j + 1; k < n; ++k) {
            const double real = d_real[j * n + k];
            const double imag = d_imag[j * n + k];
            sum_real -= real * b[k].real() - imag * b[k].imag();
            sum_imag -= real * b[k].imag() + imag * b[k].real();
        }
        b[j] = std::complex<double>(sum_real, sum_imag) / d_real[j * n + j];
    }
    return likelihood;
}

} // namespace gr::vqdeepsc::kernel
