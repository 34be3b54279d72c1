/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "channel_tracker.h"

#include "channel_smoother.h"
#include "kernels/base/complex_product.h"
#include "kernels/base/complex_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace gr::vqdeepsc::kernel {

namespace {

// Doppler spread in cycles per piece of a burst.
constexpr std::array<double, 8> CLASSES = { 0.03, 0.1, 0.3, 0.8, 1.6, 3.2, 6.4, 10.0 };
// The frequencies are so close that they repeat after so many pieces, for none repeats in it.
constexpr double PERIOD = 1.5;
constexpr std::size_t MOST_UNKNOWNS = 224;
constexpr std::size_t PILOTS_OF_A_PIECE = 1400;
// A faster channel is treated in shorter pieces, for a piece has so many cycles at most.
constexpr double CYCLES_OF_A_PIECE = 3.1;

using Complex = std::complex<double>;

// Cycles per OFDM symbol. The header alone may be off by more, and has training beside its pilots.
double highest_doppler(double symbols)
{
    return symbols < BurstFormat::GROUP ? 0.5 : ChannelTracker::HIGHEST_DOPPLER;
}

} // namespace

ChannelTracker::ChannelTracker(const BurstFormat& format)
    : d_carriers(format.used_carriers()),
      d_pilots(format.pilot_carriers()),
      d_delays(format.cyclic_prefix() + 1 + 2 * ChannelSmoother::MARGIN),
      d_positions(ALL + 1),
      d_row(padded_row<float>(d_delays)),
      d_rotation_rows_real(d_row * d_carriers),
      d_rotation_rows_imag(d_row * d_carriers),
      d_values_real(d_carriers),
      d_values_imag(d_carriers)
{
    for (int u = 0; u < d_carriers; ++u) {
        d_carrier.push_back(format.carrier(u));
        d_positions[ALL].push_back(u);
    }
    for (int kind = 0; kind < ALL; ++kind) {
        d_positions[kind] = format.pilot_positions(kind);
    }
    const double step = 2.0 * M_PI / format.fft_size();
    for (int delay = 0; delay < d_delays; ++delay) {
        for (int u = 0; u < d_carriers; ++u) {
            const std::complex<float> rotation(
                std::polar(1.0, step * d_carrier[u] * (delay - ChannelSmoother::MARGIN)));
            d_rotations.push_back(rotation);
            d_rotation_rows_real[u * d_row + delay] = rotation.real();
            d_rotation_rows_imag[u * d_row + delay] = rotation.imag();
        }
    }
    for (const auto& positions : d_positions) {
        for (int lag = 0; lag < d_delays; ++lag) {
            Complex sum = 0.0;
            for (const int u : positions) {
                sum += std::polar(1.0, step * d_carrier[u] * lag);
            }
            d_grams.push_back(sum);
        }
    }
}

void ChannelTracker::begin()
{
    d_observations.clear();
    d_matched.clear();
}

void ChannelTracker::observe(double time,
                             int kind,
                             const std::complex<float>* values,
                             double weight)
{
    d_observations.push_back({ time, kind, weight });
    const auto& positions = d_positions[kind];
    for (std::size_t i = 0; i < positions.size(); ++i) {
        d_values_real[i] = values[i].real();
        d_values_imag[i] = values[i].imag();
    }
    d_sums_real.assign(d_row, 0.0f);
    d_sums_imag.assign(d_row, 0.0f);
    const ComplexRows<float> rows = { d_rotation_rows_real.data(),
                                      d_rotation_rows_imag.data(),
                                      d_row,
                                      positions.data(),
                                      positions.size(),
                                      d_values_real.data(),
                                      d_values_imag.data() };
    add_rows(d_set, rows, d_sums_real.data(), d_sums_imag.data(), d_row);
    for (int delay = 0; delay < d_delays; ++delay) {
        d_matched.emplace_back(d_sums_real[delay], d_sums_imag[delay]);
    }
}

void ChannelTracker::observe_pilots(std::size_t symbol,
                                    const std::complex<float>* values,
                                    double weight)
{
    observe(static_cast<double>(symbol), static_cast<int>(symbol % ALL), values, weight);
}

void ChannelTracker::observe_all(double time, const std::complex<float>* values, double weight)
{
    observe(time, ALL, values, weight);
}

std::vector<ChannelTracker::Piece> ChannelTracker::pieces(std::size_t symbols, double doppler) const
{
    constexpr double SHORTEST = BurstFormat::GROUP;
    const std::size_t overlap = BurstFormat::GROUP / 2;
    const double most = std::max(2.0 * SHORTEST, static_cast<double>(PILOTS_OF_A_PIECE) / d_pilots);
    const double wanted = CYCLES_OF_A_PIECE / std::max(doppler, 1.0e-9) - 2.0 * overlap;
    const auto longest = static_cast<std::size_t>(std::clamp(wanted, SHORTEST, most));
    const std::size_t count = (symbols + longest - 1) / longest;
    std::vector<Piece> result;
    for (std::size_t i = 0; i < count; ++i) {
        Piece piece{};
        piece.first_symbol = symbols * i / count;
        piece.last_symbol = symbols * (i + 1) / count;
        const double from = i == 0 ? -1.0e9 : static_cast<double>(piece.first_symbol) - overlap;
        const double to = static_cast<double>(piece.last_symbol + (i + 1 == count ? 0 : overlap));
        const auto before = [](const Observation& one, double time) { return one.time < time; };
        const auto begin = d_observations.begin();
        piece.first = std::lower_bound(begin, d_observations.end(), from, before) - begin;
        piece.last = std::lower_bound(begin, d_observations.end(), to, before) - begin;
        if (piece.last > piece.first) {
            piece.begin = d_observations[piece.first].time;
            piece.length = d_observations[piece.last - 1].time - piece.begin + 1.0;
            result.push_back(piece);
        }
    }
    return result;
}

// Returns the logarithm of the likelihood, but for a constant.
double ChannelTracker::fit(const Piece& piece,
                           const std::vector<double>& profile,
                           double noise,
                           double doppler)
{
    const int harmonics = static_cast<int>(std::ceil(PERIOD * doppler));
    const std::size_t frequencies = 2 * harmonics + 1;
    const double spacing = 2.0 * M_PI * doppler / (harmonics * piece.length);
    d_frequencies.clear();
    for (int f = -harmonics; f <= harmonics; ++f) {
        d_frequencies.push_back(f * spacing);
    }
    d_taps.resize(d_delays);
    std::iota(d_taps.begin(), d_taps.end(), 0);
    std::stable_sort(
        d_taps.begin(), d_taps.end(), [&](int a, int b) { return profile[a] > profile[b]; });
    d_taps.resize(std::min<std::size_t>(d_taps.size(), MOST_UNKNOWNS / frequencies));
    while (d_taps.size() > 1 && !(profile[d_taps.back()] > 0.0)) {
        d_taps.pop_back();
    }
    const std::size_t taps = d_taps.size();

    // Sums over the observations: of the rotations between two frequencies, and matched to each.
    const std::size_t lags = 2 * frequencies - 1;
    std::vector<Complex> rotations((ALL + 1) * lags);
    std::vector<Complex> matched(taps * frequencies);
    std::vector<Complex> phases(frequencies);
    for (std::size_t o = piece.first; o < piece.last; ++o) {
        const auto& one = d_observations[o];
        if (!(one.weight > 0.0)) {
            continue;
        }
        const double time = one.time - piece.begin;
        const Complex step = std::polar(1.0, spacing * time);
        auto* sums = rotations.data() + one.kind * lags;
        Complex rotation = one.weight * std::polar(1.0, -spacing * time * (frequencies - 1.0));
        for (std::size_t lag = 0; lag < lags; ++lag, rotation *= step) {
            sums[lag] += rotation;
        }
        for (std::size_t f = 0; f < frequencies; ++f) {
            phases[f] = one.weight * std::polar(1.0, -d_frequencies[f] * time);
        }
        const auto* values = d_matched.data() + o * d_delays;
        for (std::size_t t = 0; t < taps; ++t) {
            for (std::size_t f = 0; f < frequencies; ++f) {
                matched[t * frequencies + f] += phases[f] * values[d_taps[t]];
            }
        }
    }
    // Gram matrix of the observations, by lag of delay and lag of frequency.
    std::vector<Complex> gram((2 * d_delays - 1) * lags);
    for (int lag = -(d_delays - 1); lag < d_delays; ++lag) {
        auto* row = gram.data() + (lag + d_delays - 1) * lags;
        for (int kind = 0; kind <= ALL; ++kind) {
            const Complex one = d_grams[kind * d_delays + std::abs(lag)];
            const Complex delayed = lag < 0 ? std::conj(one) : one;
            for (std::size_t f = 0; f < lags; ++f) {
                row[f] += delayed * rotations[kind * lags + f];
            }
        }
    }

    d_system.reset(taps * frequencies);
    d_solution.resize(taps * frequencies);
    std::vector<double> roots(taps);
    for (std::size_t t = 0; t < taps; ++t) {
        roots[t] = std::sqrt(profile[d_taps[t]] / (noise * frequencies));
    }
    double freedom = 0.0;
    for (std::size_t t = 0; t < taps; ++t) {
        for (std::size_t s = t; s < taps; ++s) {
            const auto* row = gram.data() + (d_taps[t] - d_taps[s] + d_delays - 1) * lags;
            const double scale = roots[t] * roots[s];
            for (std::size_t f = 0; f < frequencies; ++f) {
                for (std::size_t g = s == t ? f : 0; g < frequencies; ++g) {
                    const double one = s == t && f == g ? 1.0 : 0.0;
                    d_system.set(t * frequencies + f,
                                 s * frequencies + g,
                                 one + scale * row[g + frequencies - 1 - f]);
                }
            }
        }
        const double own =
            roots[t] * roots[t] * gram[(d_delays - 1) * lags + frequencies - 1].real();
        freedom += frequencies * own / (1.0 + own);
        for (std::size_t f = 0; f < frequencies; ++f) {
            d_solution[t * frequencies + f] =
                roots[t] * matched[t * frequencies + f] / std::sqrt(noise);
        }
    }
    const double likelihood = d_system.solve(d_solution);
    for (std::size_t t = 0; t < taps; ++t) {
        for (std::size_t f = 0; f < frequencies; ++f) {
            d_solution[t * frequencies + f] *= roots[t] * std::sqrt(noise);
        }
    }
    double known = 0.0;
    for (std::size_t o = piece.first; o < piece.last; ++o) {
        known += static_cast<double>(d_positions[d_observations[o].kind].size());
    }
    d_fit_error = freedom / known;
    return likelihood;
}

// Impulse responses of the symbols of a piece, from the best fit.
void ChannelTracker::take(const Piece& piece)
{
    const std::size_t frequencies = d_best_frequencies.size();
    std::vector<Complex> phases(frequencies);
    for (std::size_t symbol = piece.first_symbol; symbol < piece.last_symbol; ++symbol) {
        auto* impulse = d_impulses.data() + symbol * d_delays;
        const double time = static_cast<double>(symbol) - piece.begin;
        for (std::size_t f = 0; f < frequencies; ++f) {
            phases[f] = std::polar(1.0, d_best_frequencies[f] * time);
        }
        for (std::size_t t = 0; t < d_best_taps.size(); ++t) {
            Complex sum = 0.0;
            for (std::size_t f = 0; f < frequencies; ++f) {
                sum += phases[f] * d_best_solution[t * frequencies + f];
            }
            impulse[d_best_taps[t]] = sum;
        }
    }
}

void ChannelTracker::track(std::size_t symbols,
                           const std::vector<double>& profile,
                           double noise,
                           double doppler)
{
    d_impulses.assign(symbols * d_delays, 0.0f);
    d_error = 0.0;
    d_doppler = 0.0;
    const auto all = pieces(symbols, doppler);
    int start = 0;
    while (start + 1 < static_cast<int>(CLASSES.size()) && !all.empty() &&
           CLASSES[start] < doppler * all[0].length &&
           CLASSES[start + 1] < highest_doppler(all[0].length) * all[0].length) {
        ++start;
    }
    for (const Piece& piece : all) {
        double best = 0.0;
        const auto attempt = [&](int number, bool first) {
            const double likelihood = fit(piece, profile, noise, CLASSES[number]);
            if (!first && !(likelihood > best)) {
                return false;
            }
            best = likelihood;
            d_best_solution.swap(d_solution);
            d_best_taps = d_taps;
            d_best_frequencies = d_frequencies;
            d_best_error = d_fit_error;
            return true;
        };
        attempt(start, true);
        const int from = start;
        const int classes = static_cast<int>(CLASSES.size());
        while (start + 1 < classes &&
               CLASSES[start + 1] < highest_doppler(piece.length) * piece.length &&
               attempt(start + 1, false)) {
            ++start;
        }
        if (start == from) {
            while (start > 0 && attempt(start - 1, false)) {
                --start;
            }
        }
        take(piece);
        d_doppler = std::max(d_doppler, CLASSES[start] / piece.length);
        d_error = std::max(d_error, d_best_error);
    }
    summarise(symbols, noise);
}

// Mean power of each delay, and how the whole rotates, from the impulse responses.
void ChannelTracker::summarise(std::size_t symbols, double noise)
{
    d_profile.assign(d_delays, 0.0);
    std::complex<double> rotation = 0.0;
    int taps = 0;
    for (int delay = 0; delay < d_delays; ++delay) {
        std::complex<float> before = 0.0f;
        for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
            const auto value = d_impulses[symbol * d_delays + delay];
            d_profile[delay] += std::norm(value);
            rotation += product(value, std::conj(before));
            before = value;
        }
        d_profile[delay] /= static_cast<double>(symbols);
        taps += d_profile[delay] > 0.0;
    }
    d_mean_frequency = std::arg(rotation);
    // Less than twice what the fit makes of noise is none, and so is what no bit depends on.
    const double total = std::accumulate(d_profile.begin(), d_profile.end(), 0.0);
    const double least = std::max(2.0 * noise * d_error / std::max(taps, 1), WEAKEST_DELAY * total);
    std::replace_if(
        d_profile.begin(), d_profile.end(), [least](double power) { return power < least; }, 0.0);
}

void ChannelTracker::channel(std::size_t symbol, std::vector<std::complex<float>>& values) const
{
    values.assign(d_carriers, 0.0f);
    const auto* impulse = d_impulses.data() + symbol * d_delays;
    for (int delay = 0; delay < d_delays; ++delay) {
        const float a = impulse[delay].real();
        const float b = impulse[delay].imag();
        if (a == 0.0f && b == 0.0f) {
            continue;
        }
        const auto* rotations = d_rotations.data() + static_cast<std::size_t>(delay) * d_carriers;
        for (int u = 0; u < d_carriers; ++u) {
            const float c = rotations[u].real();
            const float d = -rotations[u].imag();
            values[u] = { values[u].real() + a * c - b * d, values[u].imag() + a * d + b * c };
        }
    }
}

} // namespace gr::vqdeepsc::kernel
