/* SPDX-License-Identifier: GPL-3.0-or-later */
// What changes within a burst besides phase and timing: noise and gain, or the channel.
#include "burst_demodulator.h"

#include "kernels/base/complex_product.h"
#include "kernels/base/smallest_power.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

namespace gr::vqdeepsc::kernel {

namespace {

// Standard deviations that white noise does not reach: of one OFDM symbol, and of several.
constexpr double OUTLIER = 6.0;
constexpr double ANOTHER_LEVEL = 4.5;
constexpr std::size_t NEIGHBOURS = 6; // on each side, among which an outlier stands out
constexpr std::size_t AVERAGED = 2;   // on each side, for the noise

} // namespace

// e^(i (phase + slope carrier)) of each carrier.
void BurstDemodulator::carrier_rotations(double phase, double slope, Carriers& rotations) const
{
    const int used = d_format.used_carriers();
    rotations.resize(used);
    // Four chains of products, for one would wait for each of its own.
    constexpr int CHAINS = 4;
    const Complex step = phasor(slope);
    const Complex steps = phasor(CHAINS * slope);
    for (const int half : { 0, used / 2 }) {
        for (int block = half; block < half + used / 2; block += RESTART) {
            const int end = std::min(block + RESTART, half + used / 2);
            rotations[block] = phasor(phase + slope * d_format.carrier(block));
            for (int u = block + 1; u < std::min(block + CHAINS, end); ++u) {
                rotations[u] = product(rotations[u - 1], step);
            }
            for (int u = block + CHAINS; u < end; ++u) {
                rotations[u] = product(rotations[u - CHAINS], steps);
            }
        }
    }
}

// The same of the pilots of an OFDM symbol alone.
void BurstDemodulator::pilot_rotations(std::size_t symbol,
                                       double phase,
                                       double slope,
                                       Carriers& rotations) const
{
    constexpr int FARTHEST = BurstFormat::GROUP + 1; // from one to the next, across the middle
    std::array<Complex, FARTHEST + 1> steps = { 1.0f, phasor(slope) };
    for (int i = 2; i <= FARTHEST; ++i) {
        steps[i] = product(steps[i - 1], steps[1]);
    }
    const auto& positions = d_format.pilot_positions(symbol);
    rotations.resize(positions.size());
    int carrier = d_format.carrier(positions[0]);
    Complex rotation = phasor(phase + slope * carrier);
    for (std::size_t i = 0; i < positions.size(); ++i) {
        const int next = d_format.carrier(positions[i]);
        rotation = product(rotation, steps[next - carrier]);
        rotations[i] = rotation;
        carrier = next;
    }
}

// The channel at the time of an OFDM symbol, to d_rotated.
void BurstDemodulator::rotated_channel(std::size_t symbol)
{
    if (d_moves) {
        d_rotated = d_moving[symbol];
        return;
    }
    carrier_rotations(d_phases[symbol],
                      -phase_per_carrier() * (d_timings[symbol] - d_shift[symbol]),
                      d_rotations);
    const float gain = d_gains.empty() ? 1.0f : d_gains[symbol];
    for (std::size_t u = 0; u < d_rotated.size(); ++u) {
        d_rotated[u] = gain * product(d_channel[u], d_rotations[u]);
    }
}

// The same of the pilots alone.
void BurstDemodulator::rotated_pilots(std::size_t symbol)
{
    const auto& positions = d_format.pilot_positions(symbol);
    if (d_moves) {
        for (const int position : positions) {
            d_rotated[position] = d_moving[symbol][position];
        }
        return;
    }
    pilot_rotations(symbol,
                    d_phases[symbol],
                    -phase_per_carrier() * (d_timings[symbol] - d_shift[symbol]),
                    d_rotations);
    const float gain = d_gains.empty() ? 1.0f : d_gains[symbol];
    for (std::size_t i = 0; i < positions.size(); ++i) {
        d_rotated[positions[i]] = gain * product(d_channel[positions[i]], d_rotations[i]);
    }
}

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
        follow_channel(samples, symbols, true);
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
        sum += std::log(std::max(d_misses[symbol], SMALLEST_NOISE));
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
        rotated_pilots(symbol);
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
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const std::size_t first = symbol - std::min(symbol, NEIGHBOURS);
        const std::size_t last = std::min(symbol + NEIGHBOURS + 1, symbols);
        const double miss = d_misses[symbol];
        std::size_t below = 0;
        for (std::size_t i = first; i < last; ++i) {
            below += factor * d_misses[i] < miss;
        }
        // Whether the median is among them.
        d_outliers[symbol] = below > (last - first) / 2;
    }
}

void BurstDemodulator::follow_gain(std::size_t symbols)
{
    std::vector<float> gains(symbols);
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        rotated_pilots(symbol);
        const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
        double both = 0.0;
        double power = SMALLEST_POWER;
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
    const double lowest = std::max(LOWEST_NOISE * d_signal, SMALLEST_NOISE);
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

// Mean power of each delay over the burst, 0 where there is only noise.
std::vector<double> BurstDemodulator::delay_profile(std::size_t symbols, double header_weight)
{
    constexpr std::size_t GROUP = BurstFormat::GROUP;
    const int taps = d_smoother.taps();
    std::vector<double> profile(taps), later(taps);
    std::size_t blocks = 0;
    Carriers values(d_format.used_carriers());
    for (std::size_t first = 0; first + GROUP <= symbols; first += GROUP, ++blocks) {
        std::fill(values.begin(), values.end(), 0.0f);
        for (std::size_t symbol = first; symbol < first + GROUP; ++symbol) {
            const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
            const Complex derotation(std::polar(1.0, -d_phases[symbol]));
            for (const int position : d_format.pilot_positions(symbol)) {
                values[position] = product(*pilot++ * d_received[symbol][position], derotation);
            }
        }
        const auto& impulse = d_smoother.impulse_response(values);
        for (int tap = 0; tap < taps; ++tap) {
            later[tap] += std::norm(impulse[tap]);
        }
    }
    double total = 0.0;
    std::vector<double> noises(taps);
    const auto& impulse = d_smoother.impulse_response(d_channel);
    for (int tap = 0; tap < taps; ++tap) {
        const double noise = d_training_noise * d_smoother.variance(tap);
        const double earlier_power = std::norm(impulse[tap]) - noise / header_weight;
        const double later_power = blocks > 0 ? later[tap] / blocks - noise : 0.0;
        noises[tap] = noise / std::sqrt(std::max<double>(blocks, 1.0));
        profile[tap] = std::max({ earlier_power, later_power, 0.0 });
        total += profile[tap];
    }
    for (int tap = 0; tap < taps; ++tap) {
        if (profile[tap] < std::max(ChannelTracker::WEAKEST_DELAY * total, 1.5 * noises[tap])) {
            profile[tap] = 0.0;
        }
    }
    return profile;
}

// The same where the channel fades so quickly that only neighbouring OFDM symbols see it alike:
// from the correlation of pilots up to two symbols apart, by how many carriers are between them.
std::vector<double> BurstDemodulator::fast_delay_profile(std::size_t symbols) const
{
    constexpr std::size_t LAGS = 3;
    constexpr double LEAST = 0.01; // of the strongest
    const int used = d_format.used_carriers();
    std::vector<std::complex<double>> products(2 * used + 1);
    std::vector<double> counts(products.size());
    for (std::size_t symbol = 0; symbol + LAGS <= symbols; ++symbol) {
        const auto& positions = d_format.pilot_positions(symbol);
        const float* pilot = d_pilots.data() + symbol * positions.size();
        for (std::size_t lag = 0; lag < LAGS; ++lag) {
            if (d_outliers[symbol] || d_outliers[symbol + lag]) {
                continue;
            }
            const auto& others = d_format.pilot_positions(symbol + lag);
            const Complex derotation(std::polar(1.0, d_phases[symbol] - d_phases[symbol + lag]));
            for (std::size_t i = 0; i < positions.size(); ++i) {
                const Complex one =
                    product(derotation, std::conj(d_received[symbol][positions[i]]));
                for (std::size_t j = 0; j < others.size(); ++j) {
                    const float signs = pilot[i] * pilot[lag * positions.size() + j];
                    const auto both = product(d_received[symbol + lag][others[j]], one);
                    const int apart =
                        d_format.carrier(others[j]) - d_format.carrier(positions[i]) + used;
                    const std::complex<double> product(signs * both);
                    products[apart] += product;
                    products[2 * used - apart] += std::conj(product);
                    counts[apart] += 1.0;
                    counts[2 * used - apart] += 1.0;
                }
            }
        }
    }
    // A window keeps one delay from looking like many; a pilot with itself has the noise in it.
    std::vector<double> profile(d_smoother.taps());
    for (int tap = 0; tap < d_smoother.taps(); ++tap) {
        const double rotation = phase_per_carrier() * (tap - ChannelSmoother::MARGIN);
        double sum = 0.0;
        for (int apart = -used; apart <= used; ++apart) {
            if (apart == 0) {
                continue;
            }
            const double window = 0.5 + 0.5 * std::cos(M_PI * apart / (used + 1.0));
            const auto mean = products[apart + used] / std::max(counts[apart + used], 1.0);
            sum += window * (mean * std::polar(1.0, rotation * apart)).real();
        }
        profile[tap] = std::max(sum, 0.0);
    }
    const double least = LEAST * *std::max_element(profile.begin(), profile.end());
    std::replace_if(
        profile.begin(), profile.end(), [least](double power) { return power < least; }, 0.0);
    const double all = products[used].real() / std::max(counts[used], 1.0);
    const double power = std::max(all - d_training_noise, 0.5 * all);
    const double sum = std::accumulate(profile.begin(), profile.end(), 0.0);
    for (double& value : profile) {
        value *= power / std::max(sum, SMALLEST_POWER);
    }
    return profile;
}

// Whether the pilots of the header agree with their neighbours or, where paths cancel in these,
// with those nearby in the next OFDM symbol, as those of noise do not.
bool BurstDemodulator::pilots_agree(std::size_t symbols) const
{
    constexpr double LEAST = 0.3;
    std::complex<double> neighbours = 0.0;
    double power = SMALLEST_POWER;
    const float* pilot = d_pilots.data();
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const auto& positions = d_format.pilot_positions(symbol);
        for (std::size_t i = 0; i < positions.size(); ++i, ++pilot) {
            const Complex value = pilot[0] * d_received[symbol][positions[i]];
            power += std::norm(value);
            if (i + 1 < positions.size()) {
                const Complex next = pilot[1] * d_received[symbol][positions[i + 1]];
                neighbours += std::complex<double>(product(next, std::conj(value)));
            }
        }
    }
    const double pairs = static_cast<double>(symbols - 1) / static_cast<double>(symbols);
    return std::abs(neighbours) > LEAST * power ||
           (symbols > 1 && std::abs(later_products(symbols, 1)) > LEAST * pairs * power);
}

} // namespace gr::vqdeepsc::kernel
