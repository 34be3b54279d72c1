/* SPDX-License-Identifier: GPL-3.0-or-later */
// What changes within a burst besides phase and timing: noise and gain, or the channel.
#include "burst_demodulator.h"

#include "kernels/base/complex_product.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gr::vqdeepsc::kernel {

namespace {

// Standard deviations that white noise does not reach: of one OFDM symbol, and of several.
constexpr double OUTLIER = 6.0;
constexpr double ANOTHER_LEVEL = 4.5;
constexpr std::size_t NEIGHBOURS = 6; // on each side, among which an outlier stands out
constexpr std::size_t AVERAGED = 2;   // on each side, for the noise

} // namespace

void BurstDemodulator::follow_changes(const Complex* samples, std::size_t symbols)
{
    measure_misses(symbols);
    find_outliers(symbols);
    if (channel_moves(symbols)) {
        follow_gain(symbols);
        const bool gain_explains = !channel_moves(symbols);
        measure_misses(symbols);
        const double with_gain = mean_miss(symbols) / (1.0 - 0.5 / d_format.pilot_carriers());
        const auto gains = d_gains;
        const auto phases = d_phases;
        const auto timings = d_timings;
        const auto shifts = d_shift;
        const double cfo = d_cfo;
        const double noise = d_noise;
        const double signal = d_signal;
        follow_channel(samples, symbols, d_format.header_symbols());
        if (gain_explains && with_gain < mean_miss(symbols) / (1.0 - d_tracker.error())) {
            d_moves = false;
            d_gains = gains;
            d_phases = phases;
            d_timings = timings;
            d_shift = shifts;
            set_cfo(cfo);
            transform_symbols(samples, symbols);
            d_noise = noise;
            d_signal = signal;
            measure_misses(symbols);
            find_outliers(symbols);
        }
    }
    set_symbol_noise(symbols);
}

// Geometric mean of d_misses, to which an outlier adds little.
double BurstDemodulator::mean_miss(std::size_t symbols) const
{
    double sum = 0.0;
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        sum += std::log(std::max(d_misses[symbol], 1.0e-36));
    }
    return std::exp(sum / symbols);
}

// Transforms all OFDM symbols again.
void BurstDemodulator::transform_symbols(const Complex* samples, std::size_t symbols)
{
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const std::size_t start =
            d_format.training_samples() + symbol * d_format.symbol_samples() + d_window;
        transform(samples, start + d_shift[symbol], d_received[symbol]);
    }
}

void BurstDemodulator::measure_misses(std::size_t symbols)
{
    d_misses.resize(symbols);
    const float* pilot = d_pilots.data();
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        rotated_channel(symbol);
        double sum = 0.0;
        const auto& positions = d_format.pilot_positions(symbol);
        for (const int position : positions) {
            sum += std::norm(d_received[symbol][position] - *pilot++ * d_rotated[position]) /
                   d_excess_noise[position];
        }
        d_misses[symbol] = sum / positions.size();
    }
}

// OFDM symbols whose pilots miss by much more than those of their neighbours.
void BurstDemodulator::find_outliers(std::size_t symbols)
{
    d_outliers.assign(symbols, 0);
    const double factor = 1.0 + OUTLIER / std::sqrt(1.0 * d_format.pilot_carriers());
    std::vector<double> sorted;
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const std::size_t first = symbol - std::min(symbol, NEIGHBOURS);
        const std::size_t last = std::min(symbol + NEIGHBOURS + 1, symbols);
        sorted.assign(d_misses.begin() + first, d_misses.begin() + last);
        const auto middle = sorted.begin() + sorted.size() / 2;
        std::nth_element(sorted.begin(), middle, sorted.end());
        d_outliers[symbol] = d_misses[symbol] > factor * *middle;
    }
}

void BurstDemodulator::follow_gain(std::size_t symbols)
{
    std::vector<float> gains(symbols);
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        rotated_channel(symbol);
        const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
        double both = 0.0;
        double power = 1.0e-30;
        for (const int position : d_format.pilot_positions(symbol)) {
            const Complex expected = *pilot++ * d_rotated[position];
            both += product(d_received[symbol][position], std::conj(expected)).real();
            power += std::norm(expected);
        }
        gains[symbol] = static_cast<float>(std::max(both / power, 0.02));
    }
    d_gains = std::move(gains);
}

// The noise of the burst, but where the pilots of a few OFDM symbols say another.
void BurstDemodulator::set_symbol_noise(std::size_t symbols)
{
    d_symbol_noise.resize(symbols);
    const double lowest = std::max(LOWEST_NOISE * d_signal, 1.0e-36);
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const std::size_t first = symbol - std::min(symbol, AVERAGED);
        const std::size_t last = std::min(symbol + AVERAGED + 1, symbols);
        double sum = 0.0;
        std::size_t count = 0;
        for (std::size_t i = first; i < last; ++i) {
            if (!d_outliers[i]) {
                sum += d_misses[i];
                ++count;
            }
        }
        double noise = d_noise;
        if (count > 0) {
            const double factor =
                1.0 + ANOTHER_LEVEL / std::sqrt(1.0 * count * d_format.pilot_carriers());
            const double level = sum / count;
            if (level > factor * noise || level < noise / factor) {
                noise = level;
            }
        }
        if (d_outliers[symbol]) {
            noise = std::max(noise, d_misses[symbol]);
        }
        d_symbol_noise[symbol] = static_cast<float>(std::max(noise, lowest));
    }
}

// The noise of the training, but where the pilots of an OFDM symbol say more. Returns whether any
// do.
bool BurstDemodulator::set_header_noise(std::size_t symbols)
{
    measure_misses(symbols);
    find_outliers(symbols);
    d_symbol_noise.resize(symbols);
    const double factor = 1.0 + ANOTHER_LEVEL / std::sqrt(1.0 * d_format.pilot_carriers());
    double sum = 0.0;
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const bool more = d_misses[symbol] > factor * d_noise;
        d_symbol_noise[symbol] = static_cast<float>(more ? d_misses[symbol] : d_noise);
        sum += d_misses[symbol];
    }
    const double all = 1.0 + ANOTHER_LEVEL / std::sqrt(1.0 * symbols * d_format.pilot_carriers());
    return sum > all * symbols * d_noise;
}

// What the pilots miss by after equalisation.
void BurstDemodulator::measure_pilots(std::size_t symbols)
{
    d_pilot_error = 0.0;
    d_pilot_power = 0.0;
    const float* pilot = d_pilots.data();
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        rotated_channel(symbol);
        for (const int position : d_format.pilot_positions(symbol)) {
            const Complex expected = *pilot++ * d_rotated[position];
            d_pilot_error += std::norm(d_received[symbol][position] - expected);
            d_pilot_power += std::norm(expected);
        }
    }
}

} // namespace gr::vqdeepsc::kernel
