/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qam_constellation.h"

#include <cmath>
#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

void check_bits_per_symbol(int bits_per_symbol)
{
    if (bits_per_symbol != 2 && bits_per_symbol != 4 && bits_per_symbol != 6 &&
        bits_per_symbol != 8) {
        throw std::invalid_argument("bits_per_symbol is " + std::to_string(bits_per_symbol) +
                                    ", must be 2, 4, 6 or 8");
    }
}

double qam_half_distance(int bits_per_symbol)
{
    check_bits_per_symbol(bits_per_symbol);
    return 1.0 / std::sqrt(2.0 * ((1 << bits_per_symbol) - 1) / 3.0);
}

std::vector<std::complex<float>> qam_points(int bits_per_symbol)
{
    const double half_distance = qam_half_distance(bits_per_symbol);
    const int per_dimension = bits_per_symbol / 2;

    // (1-2b0)[4-(1-2b2)[2-(1-2b4)]] and its like, from the innermost bracket out.
    const auto amplitude = [&](unsigned label, int first_bit) {
        const auto sign = [&](int j) {
            return 1 -
                   2 * static_cast<int>(label >> (bits_per_symbol - 1 - first_bit - 2 * j) & 1U);
        };
        int value = sign(per_dimension - 1);
        for (int j = per_dimension - 2; j >= 0; --j) {
            value = sign(j) * ((1 << (per_dimension - 1 - j)) - value);
        }
        return static_cast<float>(value * half_distance);
    };

    std::vector<std::complex<float>> points(1U << bits_per_symbol);
    for (unsigned label = 0; label < points.size(); ++label) {
        points[label] = { amplitude(label, 0), amplitude(label, 1) };
    }
    return points;
}

} // namespace gr::vqdeepsc::kernel
