/* SPDX-License-Identifier: GPL-3.0-or-later */
// What changes within a burst besides phase and timing: noise, gain and channel.
#include "burst_demodulator.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace gr::vqdeepsc::kernel {

namespace {

// Standard deviations that white noise does not reach: of one OFDM symbol, and of several.
constexpr double OUTLIER = 6.0;
constexpr double ANOTHER_LEVEL = 4.5;
constexpr std::size_t NEIGHBOURS = 6; // on each side, among which an outlier stands out
constexpr std::size_t AVERAGED = 2;   // on each side, for the noise
// Delays with less of the energy are left out.
constexpr double WEAKEST_DELAY = 3.0e-4;
// Estimates are made again where the noise was another by so much.
constexpr double OTHER_NOISE = 1.3;
// One training symbol is disturbed where it has so much more energy than the other.
constexpr double HIT_TRAINING = 2.5;
constexpr double LOWEST_NOISE = 1.0e-6; // of the signal

std::complex<float> product(std::complex<float> a, std::complex<float> b)
{
    return { a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real() };
}

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
        const double noise = d_noise;
        const double signal = d_signal;
        follow_channel(samples, symbols, d_format.header_symbols());
        if (gain_explains && with_gain < mean_miss(symbols) / (1.0 - d_tracker.error())) {
            d_moves = false;
            d_gains = gains;
            d_phases = phases;
            d_timings = timings;
            for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
                move_window(samples, symbol, shifts[symbol]);
            }
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

// Transforms an OFDM symbol again where its window was another.
void BurstDemodulator::move_window(const Complex* samples, std::size_t symbol, int shift)
{
    if (d_shift[symbol] == shift) {
        return;
    }
    d_shift[symbol] = shift;
    transform(samples,
              d_format.training_samples() + symbol * d_format.symbol_samples() + d_window + shift,
              d_received[symbol]);
}

void BurstDemodulator::measure_misses(std::size_t symbols)
{
    d_misses.resize(symbols);
    const float* pilot = d_pilots.data();
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        rotated_channel(symbol);
        double sum = 0.0;
        const auto& places = d_format.pilot_places(symbol);
        for (const int place : places) {
            sum += std::norm(d_received[symbol][place] - *pilot++ * d_rotated[place]) /
                   d_excess_noise[place];
        }
        d_misses[symbol] = sum / places.size();
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

// By what the channel is another than expected, from GROUP OFDM symbols, which visit each carrier
// once.
void BurstDemodulator::block_error(std::size_t first, Carriers& error)
{
    error.assign(d_format.used_carriers(), 0.0f);
    for (std::size_t symbol = first; symbol < first + BurstFormat::GROUP; ++symbol) {
        if (d_outliers[symbol]) {
            continue;
        }
        rotated_channel(symbol);
        const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
        for (const int place : d_format.pilot_places(symbol)) {
            const Complex turn =
                std::conj(d_rotated[place]) / (std::abs(d_rotated[place]) + 1.0e-30f);
            // Turned so that it adds up over symbols of different phase.
            const Complex back =
                product(turn, d_channel[place] / (std::abs(d_channel[place]) + 1.0e-30f));
            error[place] = product(*pilot++ * d_received[symbol][place] - d_rotated[place], back);
        }
    }
}

// Whether the pilots show another channel than the expected one, at the delays of this.
bool BurstDemodulator::channel_moves(std::size_t symbols)
{
    constexpr std::size_t GROUP = BurstFormat::GROUP;
    if (symbols < GROUP) {
        return false;
    }
    constexpr std::size_t MOST_TAPS = 8;
    std::vector<std::pair<double, int>> powers;
    double total = 0.0;
    for (int tap = 0; tap < d_smoother.taps(); ++tap) {
        powers.emplace_back(std::norm(d_smoother.tap(tap, d_channel)), tap);
        total += powers.back().first;
    }
    std::sort(powers.rbegin(), powers.rend());
    std::size_t taps = 1;
    while (taps < MOST_TAPS && powers[taps].first > 1.0e-2 * total) {
        ++taps;
    }
    double energy = 0.0;
    std::size_t blocks = 0;
    Carriers error;
    for (std::size_t first = 0; first < symbols; first += GROUP, ++blocks) {
        block_error(std::min(first, symbols - GROUP), error);
        for (std::size_t i = 0; i < taps; ++i) {
            const int tap = powers[i].second;
            energy += std::norm(d_smoother.tap(tap, error)) /
                      (std::max(d_noise, 1.0e-36) * d_smoother.variance(tap));
        }
    }
    // The channel's own error is that of a few OFDM symbols, and common to all.
    const double freedom = static_cast<double>(blocks * taps);
    const double common =
        static_cast<double>(blocks) / static_cast<double>(d_format.header_symbols() + 2);
    const double expected = freedom + common * taps;
    return energy > 1.05 * expected + 5.0 * std::sqrt(freedom + common * common * taps);
}

void BurstDemodulator::follow_gain(std::size_t symbols)
{
    std::vector<float> gains(symbols);
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        rotated_channel(symbol);
        const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
        double both = 0.0;
        double power = 1.0e-30;
        for (const int place : d_format.pilot_places(symbol)) {
            const Complex expected = *pilot++ * d_rotated[place];
            both += product(d_received[symbol][place], std::conj(expected)).real();
            power += std::norm(expected);
        }
        gains[symbol] = static_cast<float>(std::max(both / power, 0.02));
    }
    d_gains = gains;
}

// Mean power of each delay over the burst, 0 where there is only noise.
std::vector<double> BurstDemodulator::delay_profile(std::size_t symbols, std::size_t known)
{
    constexpr std::size_t GROUP = BurstFormat::GROUP;
    const int taps = d_smoother.taps();
    std::vector<double> profile(taps), later(taps);
    const double header = static_cast<double>(known + 2);
    std::size_t blocks = 0;
    Carriers values(d_format.used_carriers());
    for (std::size_t first = 0; first + GROUP <= symbols; first += GROUP, ++blocks) {
        std::fill(values.begin(), values.end(), 0.0f);
        for (std::size_t symbol = first; symbol < first + GROUP; ++symbol) {
            const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
            const Complex back(std::polar(1.0, -d_phases[symbol]));
            for (const int place : d_format.pilot_places(symbol)) {
                values[place] = product(*pilot++ * d_received[symbol][place], back);
            }
        }
        for (int tap = 0; tap < taps; ++tap) {
            later[tap] += std::norm(d_smoother.tap(tap, values));
        }
    }
    double total = 0.0;
    std::vector<double> noises(taps);
    for (int tap = 0; tap < taps; ++tap) {
        const double noise = d_training_noise * d_smoother.variance(tap);
        const double early = std::norm(d_smoother.tap(tap, d_channel)) - noise / header;
        const double late = blocks > 0 ? later[tap] / blocks - noise : 0.0;
        noises[tap] = noise / std::sqrt(std::max<double>(blocks, 1.0));
        profile[tap] = std::max({ early, late, 0.0 });
        total += profile[tap];
    }
    for (int tap = 0; tap < taps; ++tap) {
        if (profile[tap] < std::max(WEAKEST_DELAY * total, 1.5 * noises[tap])) {
            profile[tap] = 0.0;
        }
    }
    return profile;
}

void BurstDemodulator::observe_training()
{
    const double samples = d_format.symbol_samples();
    const double second_time = -(d_format.fft_size() + d_format.cyclic_prefix()) / samples;
    const double step = d_format.fft_size() / samples;
    std::array<double, 2> energies{};
    for (std::size_t u = 0; u < d_first.size(); ++u) {
        energies[0] += std::norm(d_first[u]);
        energies[1] += std::norm(d_second[u]);
    }
    const auto& training = d_format.training();
    Carriers values(d_first.size());
    for (const int number : { 0, 1 }) {
        const auto& received = number == 0 ? d_first : d_second;
        for (std::size_t u = 0; u < values.size(); ++u) {
            values[u] = product(received[u], std::conj(training[u]));
        }
        const bool hit = energies[number] > HIT_TRAINING * energies[1 - number];
        d_tracker.observe_all(second_time - (1 - number) * step, values.data(), hit ? 0.0 : 1.0);
    }
}

// All carriers that are known, in the first known OFDM symbols and the pilots, without the phase
// that the header leads to expect.
void BurstDemodulator::observe(std::size_t symbols, std::size_t known)
{
    d_tracker.begin();
    observe_training();
    Carriers values(d_format.used_carriers());
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const Complex back(std::polar(1.0, -d_phases[symbol]));
        const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
        const auto& pilots = d_format.pilot_places(symbol);
        const double weight = d_outliers[symbol] ? 0.0 : 1.0;
        if (symbol >= known) {
            for (std::size_t i = 0; i < pilots.size(); ++i) {
                values[i] = product(pilot[i] * d_received[symbol][pilots[i]], back);
            }
            d_tracker.observe_pilots(symbol, values.data(), weight);
            continue;
        }
        for (const int place : pilots) {
            values[place] = product(*pilot++ * d_received[symbol][place], back);
        }
        const Complex* point = d_header_points.data() + symbol * d_format.data_carriers();
        for (const int place : d_format.data_places(symbol)) {
            values[place] = product(product(d_received[symbol][place], std::conj(*point++)), back);
        }
        d_tracker.observe_all(static_cast<double>(symbol), values.data(), weight);
    }
}

// The channel from all that is known, with phase and timing going on as in the header.
void BurstDemodulator::follow_channel(const Complex* samples,
                                      std::size_t symbols,
                                      std::size_t known)
{
    d_gains.clear();
    const double last = static_cast<double>(d_format.header_symbols()) - 1.0;
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        d_phases[symbol] = d_header_phase + d_header_rate * (symbol - last);
        d_timings[symbol] = 0.0;
        move_window(samples, symbol, 0);
    }
    const auto profile = delay_profile(symbols, known);
    double power = 0.0;
    for (const double value : profile) {
        power += value;
    }
    const double lowest = std::max(LOWEST_NOISE * power, 1.0e-30);
    double noise = std::max(d_training_noise, lowest);
    d_moving.resize(std::max(d_moving.size(), symbols));
    constexpr int PASSES = 3;
    for (int pass = 0; pass < PASSES; ++pass) {
        observe(symbols, known);
        d_tracker.track(symbols, profile, noise);
        for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
            d_tracker.channel(symbol, d_moving[symbol]);
            const Complex turn(std::polar(1.0, d_phases[symbol]));
            for (auto& value : d_moving[symbol]) {
                value = product(value, turn);
            }
        }
        d_moves = true;
        const auto before = d_outliers;
        measure_misses(symbols);
        find_outliers(symbols);
        double sum = 0.0;
        std::size_t count = 0;
        for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
            if (!d_outliers[symbol]) {
                sum += d_misses[symbol];
                ++count;
            }
        }
        const double share = std::max(1.0 - d_tracker.error(), 0.2);
        const double measured = std::max(sum / std::max<std::size_t>(count, 1) / share, lowest);
        const double ratio = measured / noise;
        noise = measured;
        if (ratio < OTHER_NOISE && ratio > 1.0 / OTHER_NOISE && before == d_outliers) {
            break;
        }
    }
    d_noise = noise * (1.0 + d_tracker.error());
    d_signal = 0.0;
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        for (const auto& value : d_moving[symbol]) {
            d_signal += std::norm(value);
        }
    }
    d_signal /= static_cast<double>(symbols * d_format.used_carriers());
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

} // namespace gr::vqdeepsc::kernel
