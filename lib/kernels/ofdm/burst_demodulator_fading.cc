/* SPDX-License-Identifier: GPL-3.0-or-later */
// A channel that fades within a burst: whether it does, and how.
#include "burst_demodulator.h"

#include "kernels/base/complex_product.h"
#include "kernels/base/smallest_power.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace gr::vqdeepsc::kernel {

namespace {

// Whether the channel fades is seen in so many directions, with a Doppler spread in cycles per
// burst.
constexpr std::size_t MOST_DIRECTIONS = 8;
constexpr std::array<double, 3> DOPPLER_CLASSES = { 0.03, 0.1, 0.4 };
constexpr double FADING_LIKELIHOOD = 4.0; // logarithm, over that of a constant channel
// A Doppler spectrum so far off in radians per OFDM symbol disturbs the neighbours of a carrier.
constexpr double LARGEST_SHIFT = 0.05;
// In a fade the frequency of the header may be wrong by more than the Doppler spread.
constexpr double LARGEST_ERROR = 0.3;
// Doppler spread in cycles per burst at which the search for it begins.
constexpr double FIRST_DOPPLER = 0.3;
// Doppler spread in cycles per OFDM symbol from which GROUP of them see no constant channel.
constexpr double FAST = 0.5 / BurstFormat::GROUP;
// Estimates are made again where the noise was another by so much.
constexpr double OTHER_NOISE = 1.3;
// One training symbol is disturbed where it has so much more energy than the other.
constexpr double HIT_TRAINING = 2.5;

} // namespace

// By what the channel is another than expected, from GROUP OFDM symbols, which visit each carrier
// once, or twice in some profiles.
void BurstDemodulator::block_error(std::size_t first, Carriers& error)
{
    error.assign(d_format.used_carriers(), 0.0f);
    const float share = 1.0f / d_format.pilots_per_group();
    for (std::size_t symbol = first; symbol < first + BurstFormat::GROUP; ++symbol) {
        if (d_outliers[symbol]) {
            continue;
        }
        rotated_pilots(symbol);
        const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
        for (const int position : d_format.pilot_positions(symbol)) {
            // Rotated so that it adds up over symbols of different phase.
            const Complex rotation = product(std::conj(d_rotated[position]), d_channel[position]);
            const Complex derotation =
                rotation / (std::sqrt(std::norm(rotation)) + static_cast<float>(SMALLEST_POWER));
            const Complex miss = *pilot++ * d_received[symbol][position] - d_rotated[position];
            error[position] += share * product(miss, derotation);
        }
    }
}

// Whether the pilots show a channel that fades rather than a constant one: by the likelihood of
// what they miss by at its strongest delays, block by block, with the error of the header's
// estimate.
bool BurstDemodulator::channel_moves(std::size_t symbols)
{
    constexpr std::size_t GROUP = BurstFormat::GROUP;
    if (symbols < GROUP) {
        return false;
    }
    double total = 0.0;
    for (const auto& value : d_channel) {
        total += std::norm(value);
    }
    const double header = d_header_weight * d_format.pilots_per_group();
    const double noise = std::max(d_noise, SMALLEST_NOISE) / d_format.pilots_per_group();
    const double least = std::max(1.0e-2 * total, 4.0 * noise / header);
    const auto directions =
        d_smoother.directions(d_channel, MOST_DIRECTIONS, static_cast<float>(least));
    const std::size_t blocks = (symbols + GROUP - 1) / GROUP;
    const auto begin = [&](std::size_t block) {
        return static_cast<double>(std::min(block * GROUP, symbols - GROUP));
    };
    // By direction and block, of variance 1 where it is noise.
    std::vector<std::vector<std::complex<double>>> errors(directions.size());
    Carriers error;
    for (std::size_t block = 0; block < blocks; ++block) {
        block_error(static_cast<std::size_t>(begin(block)), error);
        for (std::size_t i = 0; i < directions.size(); ++i) {
            Complex sum = 0.0f;
            for (std::size_t u = 0; u < error.size(); ++u) {
                sum += product(std::conj(directions[i][u]), error[u]);
            }
            errors[i].push_back(std::complex<double>(sum) / std::sqrt(noise));
        }
    }
    // The header is about the time 0, the middle of a block GROUP / 2 behind its begin.
    const auto correlation = [](double cycles) {
        const double x = 2.0 * M_PI * cycles;
        return std::abs(x) < 1.0e-6 ? 1.0 : std::sin(x) / x;
    };
    HermitianSystem system;
    const double power = total / (static_cast<double>(directions.size()) * noise);
    const auto likelihood = [&](double cycles) {
        const double doppler = cycles / static_cast<double>(symbols);
        double sum = 0.0;
        for (const auto& values : errors) {
            system.reset(blocks);
            for (std::size_t i = 0; i < blocks; ++i) {
                for (std::size_t j = i; j < blocks; ++j) {
                    const double from = begin(i) + 0.5 * GROUP;
                    const double to = begin(j) + 0.5 * GROUP;
                    const double fading = 1.0 + correlation(doppler * (to - from)) -
                                          correlation(doppler * from) - correlation(doppler * to);
                    const double common = std::max(1.0 - (to - from) / GROUP, 0.0);
                    system.set(i, j, common + 1.0 / header + power * fading);
                }
            }
            auto solution = values;
            sum += system.solve(solution);
            for (std::size_t i = 0; i < blocks; ++i) {
                sum -= 2.0 * (std::conj(values[i]) * solution[i]).real();
            }
        }
        return sum;
    };
    const double constant = likelihood(0.0);
    return std::any_of(DOPPLER_CLASSES.begin(), DOPPLER_CLASSES.end(), [&](double cycles) {
        return likelihood(cycles) > constant + FADING_LIKELIHOOD;
    });
}

void BurstDemodulator::observe_training()
{
    if (d_format.training_samples() == 0) {
        return;
    }
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
        const Complex derotation(std::polar(1.0, -d_phases[symbol]));
        const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
        const auto& pilots = d_format.pilot_positions(symbol);
        const double weight = d_outliers[symbol] ? 0.0 : 1.0;
        if (symbol >= known) {
            for (std::size_t i = 0; i < pilots.size(); ++i) {
                values[i] = product(pilot[i] * d_received[symbol][pilots[i]], derotation);
            }
            d_tracker.observe_pilots(symbol, values.data(), weight);
            continue;
        }
        for (const int position : pilots) {
            values[position] = product(*pilot++ * d_received[symbol][position], derotation);
        }
        const Complex* point = d_header_points.data() + symbol * d_format.data_carriers();
        for (const int position : d_format.data_positions(symbol)) {
            values[position] =
                product(product(d_received[symbol][position], std::conj(*point++)), derotation);
        }
        d_tracker.observe_all(static_cast<double>(symbol), values.data(), weight);
    }
}

// Sum of the products of pilots with those of the nearest carriers above, lag OFDM symbols later.
std::complex<double> BurstDemodulator::later_products(std::size_t symbols, std::size_t lag) const
{
    const int step = BurstFormat::PILOT_STEP * static_cast<int>(lag) % BurstFormat::GROUP;
    const int pilots = d_format.pilot_carriers();
    std::complex<double> sum = 0.0;
    for (std::size_t symbol = 0; symbol + lag < symbols; ++symbol) {
        if (d_outliers[symbol] || d_outliers[symbol + lag]) {
            continue;
        }
        const float* sent = d_pilots.data() + symbol * pilots;
        const float* sent_later = sent + lag * pilots;
        for (int i = 0; i < pilots; ++i) {
            const int position = d_format.pilot_positions(symbol)[i];
            const int above = position + step;
            if (above < d_format.used_carriers()) {
                sum += sent[i] * sent_later[d_format.pilot_index(symbol + lag, above)] *
                       product(d_received[symbol + lag][above],
                               std::conj(d_received[symbol][position]));
            }
        }
    }
    return sum;
}

// The same of the header's channel, for the carriers that lie between such pilots.
std::complex<double> BurstDemodulator::across(std::size_t lag) const
{
    const int step = BurstFormat::PILOT_STEP * static_cast<int>(lag) % BurstFormat::GROUP;
    std::complex<double> sum = 0.0;
    for (std::size_t u = 0; u + step < d_channel.size(); ++u) {
        sum += product(d_channel[u + step], std::conj(d_channel[u]));
    }
    return sum;
}

// Phasor of the mean rotation of the channel in lag OFDM symbols.
std::complex<double> BurstDemodulator::rotation(std::size_t symbols, std::size_t lag) const
{
    return later_products(symbols, lag) * std::conj(across(lag));
}

// Mean frequency over that of d_phases in radians per OFDM symbol, right up to half a cycle.
double BurstDemodulator::pilot_frequency(std::size_t symbols) const
{
    // The longer lag is finer and its carriers are closer, but it repeats.
    constexpr double LAG = 3.0;
    const double coarse = std::arg(rotation(symbols, 1));
    const double fine = std::arg(rotation(symbols, 3) * std::polar(1.0, -LAG * coarse));
    return coarse + fine / LAG - (d_phases[1] - d_phases[0]);
}

// Whether the header's channel is good for pilot_frequency(). The carriers of other OFDM symbols
// than its own may be so far apart that paths rotate between them, and that changes.
bool BurstDemodulator::header_is_flat() const
{
    constexpr double LEAST = 0.9;
    double power = 0.0;
    for (const auto& value : d_channel) {
        power += std::norm(value);
    }
    return d_format.header_symbols() > 0 || std::abs(across(1)) > LEAST * power;
}

// Doppler spread in cycles per OFDM symbol, by how much the channel changes between two lags.
double BurstDemodulator::pilot_doppler(std::size_t symbols) const
{
    constexpr std::size_t SHORT_LAG = 1;
    constexpr std::size_t LAG = 3;
    constexpr std::size_t LONG_LAG = 8;
    // What the carriers between two pilots take of their correlation is of the header's channel.
    const auto correlation = [&](std::size_t lag) {
        return std::abs(later_products(symbols, lag)) /
               std::max(std::abs(across(lag)), SMALLEST_POWER);
    };
    // The Bessel function of Jakes' spectrum, 1 - (pi f t)^2 and so on.
    const auto spread = [](double before, double after, double from, double to) {
        const double change = before > 0.0 ? 1.0 - std::min(after / before, 1.0) : 0.0;
        return std::sqrt(change / (to * to - from * from)) / M_PI;
    };
    const double middle = correlation(LAG);
    return std::max(spread(correlation(SHORT_LAG), middle, SHORT_LAG, LAG),
                    spread(middle, correlation(LONG_LAG), LAG, LONG_LAG));
}

// Takes the frequency of d_phases and one more, in radians per OFDM symbol, away before the FFT.
void BurstDemodulator::shift_cfo(const Complex* samples, std::size_t symbols, double frequency)
{
    frequency += d_phases[1] - d_phases[0];
    set_cfo(d_cfo + frequency / (2.0 * M_PI * d_format.symbol_samples()));
    std::fill(d_phases.begin(), d_phases.end(), 0.0);
    transform_training(samples);
    transform_symbols(samples, symbols);
}

// The channel from all that is known, with phase and timing going on as in the header.
void BurstDemodulator::follow_channel(const Complex* samples,
                                      std::size_t symbols,
                                      bool header_is_known)
{
    d_gains.clear();
    const double last = static_cast<double>(d_format.header_symbols()) - 1.0;
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        d_phases[symbol] = d_header_phase + d_header_rate * (symbol - last);
        d_timings[symbol] = 0.0;
    }
    if (std::any_of(d_shift.begin(), d_shift.begin() + symbols, [](int shift) { return shift; })) {
        std::fill(d_shift.begin(), d_shift.end(), 0);
        transform_symbols(samples, symbols);
    }
    double doppler = FIRST_DOPPLER / static_cast<double>(symbols);
    if (header_is_known) {
        const double frequency = pilot_frequency(symbols);
        if (std::abs(frequency) > LARGEST_ERROR && header_is_flat()) {
            shift_cfo(samples, symbols, frequency);
        }
        doppler = std::clamp(pilot_doppler(symbols), doppler, ChannelTracker::HIGHEST_DOPPLER);
    }
    auto profile = header_is_known && doppler > FAST
                       ? fast_delay_profile(symbols)
                       : delay_profile(symbols, header_is_known ? d_header_weight : 2.0);
    const std::size_t known = header_is_known ? d_format.header_symbols() : 0;
    double power = std::accumulate(profile.begin(), profile.end(), 0.0);
    if (!(power > 0.0)) {
        // In a fade no delay may stand out of the noise.
        power = std::max(d_signal, d_training_noise);
        std::fill(profile.begin(), profile.end(), power / static_cast<double>(profile.size()));
    }
    const double lowest = std::max(LOWEST_NOISE * power, SMALLEST_POWER);
    double noise = std::max(d_training_noise, lowest);
    d_moving.resize(std::max(d_moving.size(), symbols));
    constexpr int PASSES = 4;
    for (int pass = 0; pass < PASSES; ++pass) {
        observe(symbols, known);
        d_tracker.track(symbols, profile, noise, doppler);
        for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
            d_tracker.channel(symbol, d_moving[symbol]);
            const Complex rotation(std::polar(1.0, d_phases[symbol]));
            for (auto& value : d_moving[symbol]) {
                value = product(value, rotation);
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
        if (pass > 0 && ratio < OTHER_NOISE && ratio > 1.0 / OTHER_NOISE && before == d_outliers) {
            break;
        }
        doppler = d_tracker.doppler();
        profile = d_tracker.profile();
        if (pass == 0 && header_is_known && std::abs(d_tracker.mean_frequency()) > LARGEST_SHIFT) {
            shift_cfo(samples, symbols, d_tracker.mean_frequency());
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

} // namespace gr::vqdeepsc::kernel
