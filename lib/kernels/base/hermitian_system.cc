/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hermitian_system.h"

#include "kernels/base/complex_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gr::vqdeepsc::kernel {

void HermitianSystem::reset(std::size_t size)
{
    d_size = size;
    d_stride = padded_row<double>(size);
    d_real.assign(size * d_stride, 0.0);
    d_imag.assign(size * d_stride, 0.0);
    d_back_real.resize(size);
    d_back_imag.resize(size);
    d_numbers.resize(size);
    std::iota(d_numbers.begin(), d_numbers.end(), 0);
}

// A = U^H U, in place.
void HermitianSystem::decompose()
{
    constexpr std::size_t TILE = ROW_TILE_BYTES / sizeof(double);
    for (std::size_t i = 0; i < d_size; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            d_back_real[j] = -d_real[j * d_stride + i];
            d_back_imag[j] = d_imag[j * d_stride + i];
        }
        // From the tile with the diagonal on; what is before it in this tile is of no use.
        const std::size_t first = i / TILE * TILE;
        double* real = d_real.data() + i * d_stride;
        double* imag = d_imag.data() + i * d_stride;
        const ComplexRows<double> above = {
            d_real.data() + first, d_imag.data() + first, d_stride, d_numbers.data(), i,
            d_back_real.data(),    d_back_imag.data()
        };
        add_rows(d_set, above, real + first, imag + first, d_stride - first);
        const double scale = 1.0 / std::sqrt(std::max(real[i], 1.0e-12));
        for (std::size_t k = i; k < d_size; ++k) {
            real[k] *= scale;
            imag[k] *= scale;
        }
    }
}

double HermitianSystem::solve(std::vector<std::complex<double>>& b)
{
    decompose();
    const std::size_t n = d_size;
    double likelihood = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
        const double diagonal = d_real[j * d_stride + j];
        b[j] /= diagonal;
        likelihood += std::norm(b[j]) - 2.0 * std::log(diagonal);
        for (std::size_t k = j + 1; k < n; ++k) {
            const double real = d_real[j * d_stride + k];
            const double imag = d_imag[j * d_stride + k];
            b[k] -= std::complex<double>(real * b[j].real() + imag * b[j].imag(),
                                         real * b[j].imag() - imag * b[j].real());
        }
    }
    for (std::size_t j = n; j-- > 0;) {
        double sum_real = b[j].real();
        double sum_imag = b[j].imag();
        for (std::size_t k = j + 1; k < n; ++k) {
            const double real = d_real[j * d_stride + k];
            const double imag = d_imag[j * d_stride + k];
            sum_real -= real * b[k].real() - imag * b[k].imag();
            sum_imag -= real * b[k].imag() + imag * b[k].real();
        }
        b[j] = std::complex<double>(sum_real, sum_imag) / d_real[j * d_stride + j];
    }
    return likelihood;
}

} // namespace gr::vqdeepsc::kernel
