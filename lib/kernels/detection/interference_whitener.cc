/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interference_whitener.h"

#include "kernels/base/complex_product.h"
#include "kernels/base/usable_sample.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr int HIGHEST_ORDER = 32;
// Blocks before one whose spectra count for it, too.
constexpr int BEFORE = 3;
// Of a preamble, whose spectrum is flat: what follows has more of one frequency at a time.
constexpr int PREAMBLE_BLOCKS = 4;
// Interference has so many times the median of the spectrum. The carriers of a burst that came over
// several paths have it once in a thousand times.
constexpr float OVER_MEDIAN = 8.0f;
// And so many times its mean, which is quicker to see.
constexpr float OVER_MEAN = 2.5f;
// What is below so many times the median is left alone.
constexpr float FLOOR = 2.0f;
// And what is above so many times that is no more suppressed.
constexpr float MOST_OVER_FLOOR = 1.0e6f;

// Prediction error filter by the recursion of Levinson and Durbin.
FilterTaps prediction_error_filter(const std::vector<std::complex<double>>& correlation)
{
    const std::size_t order = correlation.size() - 1;
    std::vector<std::complex<double>> taps = { 1.0 };
    double error = correlation[0].real();
    for (std::size_t m = 1; m <= order && error > 0.0; ++m) {
        std::complex<double> sum = 0.0;
        for (std::size_t k = 0; k < m; ++k) {
            sum += taps[k] * correlation[m - k];
        }
        const auto reflection = -sum / error;
        taps.emplace_back(0.0);
        const auto before = taps;
        for (std::size_t k = 0; k <= m; ++k) {
            taps[k] += reflection * std::conj(before[m - k]);
        }
        error *= 1.0 - std::norm(reflection);
    }
    return { taps.begin(), taps.end() };
}

} // namespace

void filter_samples(const FilterTaps& taps,
                    const std::complex<float>* samples,
                    std::size_t count,
                    std::complex<float>* filtered)
{
    const auto* parts = reinterpret_cast<const float*>(samples);
    auto* sums = reinterpret_cast<float*>(filtered);
    std::fill_n(sums, 2 * count, 0.0f);
    for (std::size_t k = 0; k < std::min(taps.size(), count); ++k) {
        const float real = taps[k].real();
        const float imag = taps[k].imag();
        for (std::size_t i = 0; i < 2 * (count - k); i += 2) {
            const float a = usable_sample(parts[i]);
            const float b = usable_sample(parts[i + 1]);
            sums[2 * k + i] += a * real - b * imag;
            sums[2 * k + i + 1] += a * imag + b * real;
        }
    }
}

InterferenceWhitener::InterferenceWhitener(int order)
    : d_order(order), d_fft(SIZE, Fft::Direction::forward), d_window{}
{
    if (order < 0 || order > HIGHEST_ORDER) {
        throw std::invalid_argument("whitening order is " + std::to_string(order) +
                                    ", must be 0 to " + std::to_string(HIGHEST_ORDER));
    }
    for (int i = 0; i < SIZE; ++i) {
        d_window[i] = static_cast<float>(0.5 - 0.5 * std::cos(2.0 * M_PI * (i + 0.5) / SIZE));
    }
    d_spectra.resize(KEPT_BLOCKS);
    d_kept_real.resize(KEPT_BLOCKS * BLOCK);
    d_kept_imag.resize(KEPT_BLOCKS * BLOCK);
    d_real.resize(order + BLOCK);
    d_imag.resize(order + BLOCK);
}

void InterferenceWhitener::take(const float* real, const float* imag)
{
    const auto position = d_taken++ % KEPT_BLOCKS;
    std::copy_n(real, BLOCK, d_kept_real.begin() + position * BLOCK);
    std::copy_n(imag, BLOCK, d_kept_imag.begin() + position * BLOCK);
    Spectrum& spectrum = d_spectra[position];
    spectrum.fill(0.0f);
    for (int first = 0; first < BLOCK; first += SIZE) {
        auto* input = reinterpret_cast<float*>(d_fft.input());
        for (int i = 0; i < SIZE; ++i) {
            input[2 * i] = d_window[i] * real[first + i];
            input[2 * i + 1] = d_window[i] * imag[first + i];
        }
        d_fft.execute();
        const auto* output = reinterpret_cast<const float*>(d_fft.output());
        for (int i = 0; i < SIZE; ++i) {
            spectrum[i] += output[2 * i] * output[2 * i] + output[2 * i + 1] * output[2 * i + 1];
        }
    }
}

// Of the spectra of blocks first to last - 1.
FilterTaps InterferenceWhitener::design(std::int64_t first, std::int64_t last)
{
    Spectrum spectrum{};
    for (std::int64_t block = first; block < last; ++block) {
        const Spectrum& one = d_spectra[block % KEPT_BLOCKS];
        for (int i = 0; i < SIZE; ++i) {
            spectrum[i] += one[i];
        }
    }
    float sum = 0.0f;
    float largest = 0.0f;
    for (const float power : spectrum) {
        sum += power;
        largest = std::max(largest, power);
    }
    if (!(largest > OVER_MEAN / SIZE * sum)) {
        return {};
    }
    Spectrum sorted = spectrum;
    std::nth_element(sorted.begin(), sorted.begin() + SIZE / 2, sorted.end());
    const float median = sorted[SIZE / 2];
    if (!(largest > OVER_MEDIAN * median) || !(median > 0.0f)) {
        return {};
    }
    for (int i = 0; i < SIZE; ++i) {
        d_fft.input()[i] = std::clamp(spectrum[i] / (FLOOR * median), 1.0f, MOST_OVER_FLOOR);
    }
    // A real spectrum: the transform is the conjugate of the correlation.
    d_fft.execute();
    std::vector<std::complex<double>> correlation;
    for (int lag = 0; lag <= d_order; ++lag) {
        correlation.push_back(std::conj(std::complex<double>(d_fft.output()[lag])));
    }
    return prediction_error_filter(correlation);
}

void InterferenceWhitener::whiten(float* real, float* imag)
{
    const std::int64_t block = d_whitened++;
    std::copy_n(real, BLOCK, d_real.begin() + d_order);
    std::copy_n(imag, BLOCK, d_imag.begin() + d_order);
    const FilterTaps taps =
        design(std::max<std::int64_t>(block - BEFORE, 0), block + 1 + LOOKAHEAD);
    for (std::size_t k = 1; k < taps.size(); ++k) {
        const float a = taps[k].real();
        const float b = taps[k].imag();
        const float* earlier_real = d_real.data() + d_order - k;
        const float* earlier_imag = d_imag.data() + d_order - k;
        for (int i = 0; i < BLOCK; ++i) {
            real[i] += earlier_real[i] * a - earlier_imag[i] * b;
            imag[i] += earlier_real[i] * b + earlier_imag[i] * a;
        }
    }
    std::copy_n(d_real.end() - d_order, d_order, d_real.begin());
    std::copy_n(d_imag.end() - d_order, d_order, d_imag.begin());
}

void InterferenceWhitener::filter(
    const FilterTaps& taps, std::int64_t first, std::size_t count, float* real, float* imag) const
{
    constexpr std::int64_t KEPT_SAMPLES = KEPT_BLOCKS * BLOCK;
    const std::int64_t last = d_taken * BLOCK;
    for (std::size_t i = 0; i < count; ++i) {
        float sum_real = 0.0f;
        float sum_imag = 0.0f;
        for (std::size_t k = 0; k < taps.size(); ++k) {
            const std::int64_t at = first + static_cast<std::int64_t>(i) - static_cast<int>(k);
            if (at >= std::max<std::int64_t>(last - KEPT_SAMPLES, 0) && at < last) {
                const float a = d_kept_real[at % KEPT_SAMPLES];
                const float b = d_kept_imag[at % KEPT_SAMPLES];
                sum_real += a * taps[k].real() - b * taps[k].imag();
                sum_imag += a * taps[k].imag() + b * taps[k].real();
            }
        }
        real[i] = sum_real;
        imag[i] = sum_imag;
    }
}

FilterTaps InterferenceWhitener::taps(std::int64_t preamble)
{
    if (d_order == 0) {
        return {};
    }
    const std::int64_t first = std::max<std::int64_t>((preamble + BLOCK - 1) / BLOCK, 0);
    return design(first, std::min(first + PREAMBLE_BLOCKS, d_taken));
}

} // namespace gr::vqdeepsc::kernel
