/* SPDX-License-Identifier: GPL-3.0-or-later */
// A header that a fade hides, but that is one of a few that are expected.
#include "burst_demodulator.h"

#include "kernels/base/complex_product.h"
#include "kernels/base/smallest_power.h"

namespace gr::vqdeepsc::kernel {

namespace {

// Above this mean Es/N0 of training or header what cannot be decoded has another cause.
constexpr double HIGHEST_SNR = 3.0;
// Noise makes the matched energy of an OFDM symbol exponential with mean 1; the sum over a header
// gets so far once in 10^9 times.
constexpr double LEAST = 24.0;
constexpr double LEAST_PER_SYMBOL = 1.5;
// And it is so many times that of any other.
constexpr double OVER_OTHERS = 2.0;

} // namespace

// The one of the candidates that all carriers of the header's OFDM symbols agree with, each symbol
// with a phase of its own, or null.
const ExpectedHeaders::Candidate* BurstDemodulator::recognise(
    const Complex* samples, const std::vector<ExpectedHeaders::Candidate>& candidates)
{
    if (candidates.empty() || !(d_signal < HIGHEST_SNR * d_noise)) {
        return nullptr;
    }
    const std::size_t symbols = d_format.header_symbols();
    const std::size_t carriers = d_format.data_carriers();
    Carriers matched;
    std::vector<double> scales;
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const std::size_t start = d_format.training_samples() + symbol * d_format.symbol_samples();
        transform(samples, start + d_window, d_rotated);
        double energy = SMALLEST_POWER;
        double expected = SMALLEST_POWER;
        for (const int position : d_format.data_positions(symbol)) {
            matched.push_back(product(d_rotated[position], std::conj(d_channel[position])));
            energy += std::norm(d_rotated[position]);
            expected += std::norm(d_channel[position]);
        }
        // A point has half of its energy in each of its parts.
        scales.push_back(0.5 * static_cast<double>(carriers) / (energy * expected));
    }
    const ExpectedHeaders::Candidate* best = nullptr;
    double largest = 0.0;
    double second = 0.0;
    for (const auto& candidate : candidates) {
        double metric = 0.0;
        for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
            float real = 0.0f;
            float imag = 0.0f;
            for (std::size_t i = symbol * carriers; i < (symbol + 1) * carriers; ++i) {
                const float a = d_scrambling[2 * i] * (1 - 2 * candidate.coded[2 * i]);
                const float b = d_scrambling[2 * i + 1] * (1 - 2 * candidate.coded[2 * i + 1]);
                real += matched[i].real() * a + matched[i].imag() * b;
                imag += matched[i].imag() * a - matched[i].real() * b;
            }
            metric += scales[symbol] * (real * real + imag * imag);
        }
        if (metric > largest) {
            second = largest;
            largest = metric;
            best = &candidate;
        } else if (metric > second) {
            second = metric;
        }
    }
    const double least = LEAST + LEAST_PER_SYMBOL * static_cast<double>(symbols);
    return largest > least && largest > OVER_OTHERS * second ? best : nullptr;
}

} // namespace gr::vqdeepsc::kernel
