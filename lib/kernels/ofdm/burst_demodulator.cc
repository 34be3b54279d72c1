/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_demodulator.h"

#include "kernels/base/complex_product.h"
#include "kernels/base/smallest_power.h"
#include "kernels/base/usable_sample.h"
#include "kernels/channel/csi_equalizer.h"
#include "kernels/qam/qam_constellation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace gr::vqdeepsc::kernel {

namespace {

constexpr double HIGHEST_SNR = 1.0e6;
// An impulse stands out of the samples of an FFT by power: of their mean, and of their median,
// which white noise exceeds by so much once in a million.
constexpr float IMPULSE_OVER_MEAN = 9.5f;
constexpr float IMPULSE_OVER_MEDIAN = 20.0f;
// Deviations of the mean error of the pilots that white noise does not make.
constexpr double OUTLIER = 6.0;

// Phase noise in radians^2 (variance times rate over (2 pi f)^2: at 1 Msample/s an oscillator of
// -90 dBc/Hz at 10 kHz) and random walks of frequency and clock, for each sample.
constexpr double PHASE_NOISE = 3.5e-6;
constexpr double FREQUENCY_WALK = 1.0e-12;
constexpr double TIMING_NOISE = 1.0e-9;
constexpr double CLOCK_WALK = 1.0e-18;
// Standard deviation of the clock offset in samples per sample before it is known.
constexpr double CLOCK_OFFSET = 40.0e-6;

} // namespace

BurstDemodulator::BurstDemodulator(const BurstFormat& format)
    : d_format(format),
      d_fft(format.fft_size(), Fft::Direction::forward),
      d_inverse(format.fft_size(), Fft::Direction::backward),
      d_smoother(format),
      d_tracker(format),
      d_demappers{ QamDemapper(2), QamDemapper(4), QamDemapper(6) },
      d_header_weight(format.header_symbols() + 2.0),
      d_rotation(format.fft_size()),
      d_first(format.used_carriers()),
      d_second(format.used_carriers()),
      d_training_estimate(format.used_carriers()),
      d_channel(format.used_carriers()),
      d_excess_noise(format.used_carriers(), 1.0f),
      d_header_points(HEADER_QPSK_SYMBOLS),
      d_rotated(format.used_carriers()),
      d_data(format.data_carriers()),
      d_data_channel(format.data_carriers()),
      d_data_noise(format.data_carriers())
{
}

double BurstDemodulator::phase_per_carrier() const
{
    return 2.0 * M_PI / d_format.fft_size();
}

void BurstDemodulator::ensure_pilots(std::size_t symbols)
{
    if (d_pilots.size() < symbols * d_format.pilot_carriers()) {
        d_pilots = d_format.pilots(symbols);
    }
}

void BurstDemodulator::set_cfo(double cfo)
{
    d_cfo = cfo;
    const Complex step = phasor(-2.0 * M_PI * cfo);
    for (std::size_t i = 0; i < d_rotation.size(); ++i) {
        d_rotation[i] = i % RESTART == 0 ? phasor(-2.0 * M_PI * cfo * static_cast<double>(i))
                                         : product(d_rotation[i - 1], step);
    }
}

// Sets samples to 0 that are far stronger than most of those that share an FFT: such an impulse
// would disturb all carriers, and without a few samples they hardly change.
void BurstDemodulator::blank_impulses(float* samples, int count)
{
    constexpr int LANES = 8;
    std::array<float, LANES> sums{}, peaks{};
    d_powers.resize(count);
    for (int i = 0; i < count; i += LANES) {
        for (int lane = 0; lane < LANES; ++lane) {
            const float real = samples[2 * (i + lane)];
            const float imag = samples[2 * (i + lane) + 1];
            const float power = real * real + imag * imag;
            d_powers[i + lane] = power;
            sums[lane] += power;
            peaks[lane] = std::max(peaks[lane], power);
        }
    }
    const float mean = std::accumulate(sums.begin(), sums.end(), 0.0f) / count;
    // Of white noise, one FFT of 50 is looked at.
    if (!(*std::max_element(peaks.begin(), peaks.end()) > IMPULSE_OVER_MEAN * mean)) {
        return;
    }
    d_sorted = d_powers;
    std::nth_element(d_sorted.begin(), d_sorted.begin() + count / 2, d_sorted.end());
    const float limit = IMPULSE_OVER_MEDIAN * d_sorted[count / 2];
    for (int i = 0; i < count; ++i) {
        if (d_powers[i] > limit) {
            samples[2 * i] = 0.0f;
            samples[2 * i + 1] = 0.0f;
        }
    }
}

// Used carriers of the fft_size samples from start on, without constant and frequency offset.
void BurstDemodulator::transform(const Complex* samples, std::size_t start, Carriers& carriers)
{
    const int size = d_format.fft_size();
    const auto* in = reinterpret_cast<const float*>(samples + start);
    const auto* rotation = reinterpret_cast<const float*>(d_rotation.data());
    auto* out = reinterpret_cast<float*>(d_fft.input());
    for (int i = 0; i < 2 * size; i += 2) {
        const float real = usable_sample(in[i]) - d_dc.real();
        const float imag = usable_sample(in[i + 1]) - d_dc.imag();
        out[i] = real * rotation[i] - imag * rotation[i + 1];
        out[i + 1] = real * rotation[i + 1] + imag * rotation[i];
    }
    blank_impulses(out, size);
    d_fft.execute();
    const double cycles = d_cfo * static_cast<double>(start);
    const Complex scale =
        phasor(-2.0 * M_PI * (cycles - std::floor(cycles))) / std::sqrt(static_cast<float>(size));
    const int used = d_format.used_carriers();
    carriers.resize(used);
    const Complex* bins = d_fft.output();
    for (int u = 0; u < used / 2; ++u) {
        carriers[u] = product(bins[size - used / 2 + u], scale);
        carriers[used / 2 + u] = product(bins[1 + u], scale);
    }
}

void BurstDemodulator::begin_tracking()
{
    d_signal = 0.0;
    for (const auto& value : d_channel) {
        d_signal += std::norm(value);
    }
    d_signal /= d_channel.size();
    d_noise = std::max(d_noise, d_signal / HIGHEST_SNR);

    const double samples = d_format.symbol_samples();
    // The angle between the training symbols has a variance of N0 / (carriers * Es).
    const double carriers = d_format.used_carriers();
    const double step = samples / d_format.fft_size();
    const double rate =
        4.0 * step * step * d_noise / (carriers * std::max(d_signal, SMALLEST_POWER)) + 1.0e-8;
    d_phase.reset({ 4.0 * rate + PHASE_NOISE * samples,
                    rate,
                    PHASE_NOISE * samples,
                    FREQUENCY_WALK * samples * samples });
    const double clock = CLOCK_OFFSET * samples;
    d_timing.reset({ 4.0 * clock * clock,
                     clock * clock,
                     TIMING_NOISE * samples,
                     CLOCK_WALK * samples * samples });
}

// Transforms an OFDM symbol and measures its phase and timing by the carriers that are known.
void BurstDemodulator::receive_symbol(const Complex* samples, std::size_t symbol, bool known)
{
    if (d_received.size() <= symbol) {
        d_received.resize(symbol + 1);
        d_shift.resize(symbol + 1);
    }
    const double phase = d_phase.predicted();
    const double timing = d_timing.predicted();
    // What noise alone makes of a timing may be any number.
    const int wanted = static_cast<int>(std::lround(std::clamp(timing, -1.0e6, 1.0e6)));
    const int shift = std::clamp(wanted, -d_window, d_format.cyclic_prefix() - d_window);
    d_shift[symbol] = shift;
    auto& received = d_received[symbol];
    transform(samples,
              d_format.training_samples() + symbol * d_format.symbol_samples() + d_window + shift,
              received);

    const double slope = -phase_per_carrier() * (timing - shift);
    const auto& pilot_positions = d_format.pilot_positions(symbol);
    const float* pilots = d_pilots.data() + symbol * d_format.pilot_carriers();
    Complex sum = 0.0f;
    double weight = 0.0;
    double energy = 0.0;
    double first_moment = 0.0;
    double second_moment = 0.0;
    d_errors.clear();
    d_error_frequencies.clear();
    const auto compare = [&](int position, Complex sent, Complex derotation) {
        const int carrier = d_format.carrier(position);
        const Complex channel = product(d_channel[position], sent);
        const float share = 1.0f / d_excess_noise[position];
        const Complex error =
            share * product(product(received[position], std::conj(channel)), derotation);
        const double power = share * std::norm(channel);
        const double frequency = phase_per_carrier() * carrier;
        sum += error;
        weight += power;
        energy += share * std::norm(received[position]);
        first_moment += power * frequency;
        second_moment += power * frequency * frequency;
        d_errors.push_back(error);
        d_error_frequencies.push_back(frequency);
    };
    pilot_rotations(symbol, -phase, -slope, d_rotations);
    for (std::size_t i = 0; i < pilot_positions.size(); ++i) {
        compare(pilot_positions[i], pilots[i], d_rotations[i]);
    }
    if (known) {
        carrier_rotations(-phase, -slope, d_rotations);
        const Complex* point = d_header_points.data() + symbol * d_format.data_carriers();
        for (const int position : d_format.data_positions(symbol)) {
            compare(position, *point++, d_rotations[position]);
        }
    }
    const double infinite = std::numeric_limits<double>::infinity();
    const double spread = weight > 0.0 ? second_moment - first_moment * first_moment / weight : 0.0;
    if (!(spread > 0.0)) {
        d_phase.update(0.0, infinite);
        d_timing.update(0.0, infinite);
        return;
    }
    // The common phase first, then what is left, which is small, by weighted least squares.
    const double common = std::arg(std::complex<double>(sum));
    const Complex derotation = phasor(-common);
    double error_sum = 0.0;
    double error_moment = 0.0;
    for (std::size_t i = 0; i < d_errors.size(); ++i) {
        const double imag = product(d_errors[i], derotation).imag();
        error_sum += imag;
        error_moment += imag * d_error_frequencies[i];
    }
    const double timing_error = -(error_moment - first_moment / weight * error_sum) / spread;
    const double phase_error = (error_sum + first_moment * timing_error) / weight;
    // What a pulse hits counts less.
    const double others = static_cast<double>(d_errors.size()) - 1.0;
    const double miss = (energy - std::norm(std::complex<double>(sum)) / weight) / others;
    const double limit = (1.0 + OUTLIER / std::sqrt(others)) * d_noise;
    const double variance = 0.5 * (miss > limit ? miss : d_noise);
    d_phase.update(common + phase_error, variance * second_moment / (weight * spread));
    d_timing.update(timing_error, variance / spread);
}

void BurstDemodulator::finish_tracking()
{
    d_phase.smooth(d_phases);
    d_timing.smooth(d_timings);
}

// LLRs of the first count bits of an OFDM symbol.
void BurstDemodulator::demap(std::size_t symbol,
                             const QamDemapper& demapper,
                             std::size_t count,
                             float* llrs)
{
    rotated_channel(symbol);
    const auto& positions = d_format.data_positions(symbol);
    const auto& received = d_received[symbol];
    for (std::size_t i = 0; i < positions.size(); ++i) {
        d_data[i] = received[positions[i]];
        d_data_channel[i] = d_rotated[positions[i]];
    }
    csi_equalize(d_data.data(),
                 d_data_channel.data(),
                 positions.size(),
                 d_symbol_noise[symbol],
                 d_data.data(),
                 d_data_noise.data());
    for (std::size_t i = 0; i < positions.size(); ++i) {
        d_data_noise[i] *= d_excess_noise[positions[i]];
    }
    const std::size_t bits = positions.size() * demapper.bits_per_symbol();
    if (count >= bits) {
        demapper.demap(d_data.data(), positions.size(), d_data_noise.data(), llrs);
        return;
    }
    d_symbol_llrs.resize(bits);
    demapper.demap(d_data.data(), positions.size(), d_data_noise.data(), d_symbol_llrs.data());
    std::copy_n(d_symbol_llrs.begin(), count, llrs);
}

// All OFDM symbols, of which the header's are known.
void BurstDemodulator::receive_symbols(const Complex* samples, std::size_t symbols)
{
    d_moves = false;
    d_gains.clear();
    begin_tracking();
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        receive_symbol(
            samples, symbol, symbol < static_cast<std::size_t>(d_format.header_symbols()));
    }
    finish_tracking();
    follow_changes(samples, symbols);
}

void BurstDemodulator::receive_payload(const BurstHeader& header,
                                       const Complex* samples,
                                       float* llrs)
{
    if (header.burst_profile == 0) {
        demodulate(header, samples, llrs);
        return;
    }
    auto& payload = continued(header.burst_profile);
    payload.demodulate(header, samples + d_format.training_and_header_samples(), llrs);
    d_payload = &payload;
}

void BurstDemodulator::demodulate(const BurstHeader& header, const Complex* samples, float* llrs)
{
    const std::size_t header_symbols = d_format.header_symbols();
    const std::size_t symbols = header_symbols + d_format.payload_symbols(header.qam_symbols());
    ensure_pilots(symbols);
    const Jump jump = find_jump(samples, symbols);
    const double noise = d_noise;
    const double cfo = d_cfo;
    receive_symbols(samples, symbols);
    if (jump.lost > 0) {
        const double miss = mean_miss(symbols);
        const auto again = [&](const Complex* from) {
            d_noise = noise;
            set_cfo(cfo);
            transform_training(from);
            receive_symbols(from, symbols);
        };
        realign(samples, symbols, jump);
        again(d_realigned.data());
        if (!(mean_miss(symbols) < miss)) {
            again(samples);
        }
    }
    measure_pilots(symbols);

    const std::size_t bits = header.coded_bits();
    const std::size_t bits_per_ofdm_symbol =
        static_cast<std::size_t>(header.bits_per_symbol) * d_format.data_carriers();
    const auto& demapper = d_demappers[header.bits_per_symbol / 2 - 1];
    for (std::size_t symbol = header_symbols; symbol < symbols; ++symbol) {
        const std::size_t first = (symbol - header_symbols) * bits_per_ofdm_symbol;
        demap(symbol, demapper, std::min(bits - first, bits_per_ofdm_symbol), llrs + first);
    }
    descramble(CODED_HEADER_BITS, bits, llrs);
}

// What the pilots miss by after equalisation.
void BurstDemodulator::measure_pilots(std::size_t symbols)
{
    d_pilot_error = 0.0;
    d_pilot_power = 0.0;
    const float* pilot = d_pilots.data();
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        rotated_pilots(symbol);
        for (const int position : d_format.pilot_positions(symbol)) {
            const Complex expected = *pilot++ * d_rotated[position];
            d_pilot_error += std::norm(d_received[symbol][position] - expected);
            d_pilot_power += std::norm(expected);
        }
    }
}

BurstQuality BurstDemodulator::quality() const
{
    if (d_payload) {
        return d_payload->quality();
    }
    BurstQuality quality{};
    quality.snr_db =
        10.0 * std::log10(std::max(d_signal, SMALLEST_POWER) / std::max(d_noise, SMALLEST_NOISE));
    quality.evm_db = 10.0 * std::log10(std::max(d_pilot_error, SMALLEST_NOISE) /
                                       std::max(d_pilot_power, SMALLEST_POWER));
    const std::size_t steps = d_phases.size();
    if (steps > 1) {
        const double samples = static_cast<double>(d_format.symbol_samples()) * (steps - 1);
        quality.cfo = d_cfo + (d_phases.back() - d_phases.front()) / (2.0 * M_PI * samples);
        quality.clock_offset_ppm = 1.0e6 * (d_timings.back() - d_timings.front()) / samples;
    } else {
        quality.cfo = d_cfo;
    }
    return quality;
}

} // namespace gr::vqdeepsc::kernel
