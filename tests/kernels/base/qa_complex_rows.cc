/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/base/aligned_vector.h"
#include "kernels/base/complex_rows.h"
#include "kernels/base/hermitian_system.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <complex>
#include <random>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

template <typename T>
void check_rows(std::size_t width, const std::vector<int>& numbers)
{
    constexpr std::size_t ROWS = 40;
    std::mt19937 generator(7);
    std::normal_distribution<T> normal;
    const auto drawn = [&](std::size_t count) {
        AlignedVector<T> values(count);
        for (T& value : values) {
            value = normal(generator);
        }
        return values;
    };
    const std::size_t stride = padded_row<T>(width);
    const auto real = drawn(ROWS * stride);
    const auto imag = drawn(ROWS * stride);
    const auto factor_real = drawn(numbers.size());
    const auto factor_imag = drawn(numbers.size());
    const auto first_real = drawn(stride);
    const auto first_imag = drawn(stride);
    const ComplexRows<T> rows = { real.data(),       imag.data(),    stride,
                                  numbers.data(),    numbers.size(), factor_real.data(),
                                  factor_imag.data() };
    auto expected_real = first_real;
    auto expected_imag = first_imag;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        for (std::size_t k = 0; k < stride; ++k) {
            const T a = real[numbers[i] * stride + k];
            const T b = imag[numbers[i] * stride + k];
            expected_real[k] += factor_real[i] * a - factor_imag[i] * b;
            expected_imag[k] += factor_real[i] * b + factor_imag[i] * a;
        }
    }
    auto portable_real = first_real;
    auto portable_imag = first_imag;
    add_rows(InstructionSet::portable, rows, portable_real.data(), portable_imag.data(), stride);
    for (const InstructionSet set : supported_instruction_sets()) {
        BOOST_TEST_CONTEXT(instruction_set_name(set))
        {
            auto sum_real = first_real;
            auto sum_imag = first_imag;
            add_rows(set, rows, sum_real.data(), sum_imag.data(), stride);
            BOOST_TEST(sum_real == portable_real, boost::test_tools::per_element());
            BOOST_TEST(sum_imag == portable_imag, boost::test_tools::per_element());
            for (std::size_t k = 0; k < stride; ++k) {
                BOOST_TEST(std::abs(sum_real[k] - expected_real[k]) < T(1.0e-4));
                BOOST_TEST(std::abs(sum_imag[k] - expected_imag[k]) < T(1.0e-4));
            }
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(rows_add_up_to_the_same_bits_on_every_instruction_set)
{
    const std::vector<int> some = { 3, 0, 17, 17, 39, 5, 8 };
    check_rows<float>(45, some);
    check_rows<float>(208, some);
    check_rows<double>(224, some);
    check_rows<double>(7, some);
    check_rows<float>(16, {});
}

BOOST_AUTO_TEST_CASE(a_hermitian_system_is_solved)
{
    std::mt19937 generator(11);
    std::normal_distribution<double> normal;
    const auto drawn = [&] { return std::complex<double>(normal(generator), normal(generator)); };
    HermitianSystem system;
    for (const std::size_t size : { 1, 2, 7, 8, 9, 63, 100 }) {
        BOOST_TEST_CONTEXT(size)
        {
            // A = I + F F^H has no eigenvalue below 1.
            std::vector<std::complex<double>> factor(size * size), matrix(size * size);
            for (auto& value : factor) {
                value = drawn();
            }
            system.reset(size);
            for (std::size_t i = 0; i < size; ++i) {
                for (std::size_t j = 0; j < size; ++j) {
                    std::complex<double> sum = i == j ? 1.0 : 0.0;
                    for (std::size_t k = 0; k < size; ++k) {
                        sum += factor[i * size + k] * std::conj(factor[j * size + k]);
                    }
                    matrix[i * size + j] = sum;
                    if (j >= i) {
                        system.set(i, j, sum);
                    }
                }
            }
            std::vector<std::complex<double>> right(size);
            for (auto& value : right) {
                value = drawn();
            }
            auto solution = right;
            const double likelihood = system.solve(solution);
            double product = 0.0;
            for (std::size_t i = 0; i < size; ++i) {
                std::complex<double> sum = 0.0;
                for (std::size_t j = 0; j < size; ++j) {
                    sum += matrix[i * size + j] * solution[j];
                }
                BOOST_TEST(std::abs(sum - right[i]) < 1.0e-9);
                product += (std::conj(right[i]) * solution[i]).real();
            }
            BOOST_TEST(std::isfinite(likelihood));
            if (size == 1) {
                const double alone = product - std::log(matrix[0].real());
                BOOST_TEST(std::abs(likelihood - alone) < 1.0e-9);
            }
        }
    }
}
