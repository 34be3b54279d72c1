/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preamble_matcher.h"

#include "kernels/base/complex_product.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr int SHORT = SHORT_SYMBOL_SAMPLES;
constexpr int REPEATS = static_cast<int>(SHORT_SYMBOL_SIGNS.size());
constexpr int WINDOW = 2 * SHORT;
// A mirrored preamble has so many times the power of a straight one in the same samples: the
// correlation of a short symbol with its conjugate at the worst delay and offset is far below.
constexpr float MIRRORED_RATIO = 2.0f;

// Phasors of a frequency in cycles per sample, from the first sample on.
template <std::size_t SIZE>
std::array<std::complex<float>, SIZE> oscillation(double frequency)
{
    const std::complex<double> step = std::polar(1.0, 2.0 * M_PI * frequency);
    std::complex<double> rotation = 1.0;
    std::array<std::complex<float>, SIZE> rotations;
    for (auto& value : rotations) {
        value = rotation;
        rotation *= step;
    }
    return rotations;
}

} // namespace

PreambleMatcher::PreambleMatcher(double largest_cfo)
    : d_largest_offset(0),
      d_short_symbol(short_symbol()),
      d_forward(WINDOW, Fft::Direction::forward),
      d_backward(WINDOW, Fft::Direction::backward)
{
    if (!(largest_cfo >= 0.01 && largest_cfo <= 0.25)) {
        throw std::invalid_argument("largest_cfo is " + std::to_string(largest_cfo) +
                                    ", must be 0.01 to 0.25");
    }
    d_largest_offset = static_cast<int>(std::ceil(largest_cfo * SHORT - 0.5));
    for (const auto& sample : d_short_symbol) {
        d_short_symbol_energy += std::norm(sample);
    }
    const auto spectrum = [this](bool conjugate) {
        std::fill_n(d_forward.input(), WINDOW, std::complex<float>(0.0f));
        for (int i = 0; i < SHORT; ++i) {
            d_forward.input()[i] = conjugate ? std::conj(d_short_symbol[i]) : d_short_symbol[i];
        }
        d_forward.execute();
        // Three periods, so that a part of it is the spectrum at an offset.
        std::vector<std::complex<float>> values(3 * WINDOW);
        for (int i = 0; i < 3 * WINDOW; ++i) {
            values[i] = std::conj(d_forward.output()[i % WINDOW]);
        }
        return values;
    };
    d_straight = spectrum(false);
    d_mirrored = spectrum(true);
}

// All short symbols on top of each other, each with its weight; offsets of whole cycles per short
// symbol stay.
void PreambleMatcher::fold(const float* real,
                           const float* imag,
                           double fraction,
                           const Weights& weights)
{
    std::array<float, WINDOW> sum_real{}, sum_imag{};
    for (int k = 0; k < REPEATS; ++k) {
        const auto rotation = weights[k] * static_cast<float>(SHORT_SYMBOL_SIGNS[k]) *
                              phasor(-2.0 * M_PI * fraction * (k * SHORT));
        for (int j = 0; j < WINDOW; ++j) {
            const float a = real[k * SHORT + j];
            const float b = imag[k * SHORT + j];
            sum_real[j] += a * rotation.real() - b * rotation.imag();
            sum_imag[j] += a * rotation.imag() + b * rotation.real();
        }
    }
    const auto rotations = oscillation<WINDOW>(-fraction);
    for (int j = 0; j < WINDOW; ++j) {
        d_forward.input()[j] = product({ sum_real[j], sum_imag[j] }, rotations[j]);
    }
    d_bound += bound();
    d_forward.execute();
}

// Over all delays and offsets, with what was folded before; the reference rotates with the offset
// or against it.
PreambleMatcher::Peak PreambleMatcher::strongest(const std::vector<std::complex<float>>& reference,
                                                 int direction,
                                                 std::vector<float>& powers)
{
    Peak peak;
    const std::complex<float>* spectrum = d_forward.output();
    std::complex<float>* input = d_backward.input();
    const auto* output = reinterpret_cast<const float*>(d_backward.output());
    float* sums = powers.data();
    for (int offset = -d_largest_offset; offset <= d_largest_offset; ++offset) {
        // A cycle per short symbol is two bins.
        const auto* shifted = reference.data() + WINDOW - 2 * direction * offset;
        for (int i = 0; i < WINDOW; ++i) {
            input[i] = product(spectrum[i], shifted[i]);
        }
        d_backward.execute();
        float largest = 0.0f;
        for (int delay = 0; delay <= MOST_DELAY; ++delay) {
            const float real = output[2 * delay];
            const float imag = output[2 * delay + 1];
            sums[delay] += real * real + imag * imag;
            largest = std::max(largest, sums[delay]);
        }
        if (largest > peak.power) {
            const auto* first = std::find(sums, sums + MOST_DELAY + 1, largest);
            peak = { largest, static_cast<int>(first - sums), offset };
        }
        sums += MOST_DELAY + 1;
    }
    peak.power /= static_cast<float>(WINDOW) * WINDOW;
    return peak;
}

// The most that any reference can have of what is folded.
float PreambleMatcher::bound()
{
    const std::complex<float>* folded = d_forward.input();
    float energy = 0.0f;
    float largest = 0.0f;
    for (int i = 0; i < WINDOW; ++i) {
        energy += std::norm(folded[i]);
        if (i >= SHORT) {
            energy -= std::norm(folded[i - SHORT]);
        }
        largest = std::max(largest, energy);
    }
    return largest * d_short_symbol_energy;
}

// The phases of neighbours among the short symbols make the offset finer, also where a fade turns
// the channel around between two of them.
double PreambleMatcher::refine(const float* real,
                               const float* imag,
                               double coarse,
                               float sign_of_q) const
{
    const auto rotations = oscillation<SHORT>(-coarse);
    std::array<std::complex<float>, SHORT> reference;
    for (int i = 0; i < SHORT; ++i) {
        reference[i] = product(rotations[i], std::conj(d_short_symbol[i]));
    }
    std::array<std::complex<double>, REPEATS> phasors;
    for (int k = 0; k < REPEATS; ++k) {
        std::complex<float> sum = 0.0f;
        for (int i = 0; i < SHORT; ++i) {
            const int at = k * SHORT + i;
            sum += product({ real[at], sign_of_q * imag[at] }, reference[i]);
        }
        phasors[k] = std::polar(1.0, -2.0 * M_PI * coarse * (k * SHORT)) *
                     (1.0 * SHORT_SYMBOL_SIGNS[k]) * std::complex<double>(sum);
    }
    std::complex<double> rotation = 0.0;
    for (int k = 0; k + 1 < REPEATS; ++k) {
        rotation += phasors[k + 1] * std::conj(phasors[k]);
    }
    return coarse + std::arg(rotation) / (2.0 * M_PI * SHORT);
}

// Frequency offset modulo one cycle per short symbol, from what neighbours among them rotate by.
double PreambleMatcher::fractional_cfo(const float* real, const float* imag)
{
    double sum_real = 0.0;
    double sum_imag = 0.0;
    for (int k = 0; k < REPEATS - 1; ++k) {
        float part_real = 0.0f;
        float part_imag = 0.0f;
        for (int i = k * SHORT; i < (k + 1) * SHORT; ++i) {
            part_real += real[i] * real[i + SHORT] + imag[i] * imag[i + SHORT];
            part_imag += real[i] * imag[i + SHORT] - imag[i] * real[i + SHORT];
        }
        const int sign = SHORT_SYMBOL_SIGNS[k] * SHORT_SYMBOL_SIGNS[k + 1];
        sum_real += sign * part_real;
        sum_imag += sign * part_imag;
    }
    return std::atan2(sum_imag, sum_real) / (2.0 * M_PI * SHORT);
}

PreambleMatch PreambleMatcher::match(const float* real, const float* imag, int guess, float least)
{
    const double fraction = fractional_cfo(real + guess, imag + guess);
    const std::size_t powers =
        static_cast<std::size_t>(2 * d_largest_offset + 1) * (MOST_DELAY + 1);
    d_straight_powers.assign(powers, 0.0f);
    d_mirrored_powers.assign(powers, 0.0f);
    d_bound = 0.0f;
    Weights weights;
    weights.fill(1.0f);
    fold(real, imag, fraction, weights);
    const PreambleMatch still = compare(real, imag, fraction);
    if (still.correlation > least) {
        return still;
    }
    // As much power in all short symbols together as with equal weights.
    const float slope = std::sqrt(12.0f / (REPEATS * REPEATS - 1));
    for (int k = 0; k < REPEATS; ++k) {
        weights[k] = slope * (k - 0.5f * (REPEATS - 1));
    }
    fold(real, imag, fraction, weights);
    return compare(real, imag, fraction);
}

// The strongest of the references in what is folded.
PreambleMatch PreambleMatcher::compare(const float* real, const float* imag, double fraction)
{
    const Peak straight = strongest(d_straight, 1, d_straight_powers);
    const bool settled = MIRRORED_RATIO * straight.power >= d_bound;
    const Peak mirrored = settled ? Peak() : strongest(d_mirrored, -1, d_mirrored_powers);
    PreambleMatch match{};
    match.mirrored = mirrored.power > MIRRORED_RATIO * straight.power;
    const Peak& best = match.mirrored ? mirrored : straight;
    match.delay = best.delay;
    float energy = 0.0f;
    for (int k = 0; k < REPEATS; ++k) {
        float part = 0.0f;
        for (int i = 0; i < SHORT; ++i) {
            const int at = best.delay + k * SHORT + i;
            part += real[at] * real[at] + imag[at] * imag[at];
        }
        energy = std::max(energy, part);
    }
    const float largest = REPEATS * REPEATS * energy * d_short_symbol_energy;
    match.correlation = largest > 0.0f ? best.power / largest : 0.0f;
    const float sign_of_q = match.mirrored ? -1.0f : 1.0f;
    const double coarse = sign_of_q * fraction + static_cast<double>(best.offset) / SHORT;
    match.cfo = refine(real + best.delay, imag + best.delay, coarse, sign_of_q);
    return match;
}

} // namespace gr::vqdeepsc::kernel
