/* SPDX-License-Identifier: GPL-3.0-or-later */
// Samples that a driver lost within a burst: where, how many, and the burst with a hole in their
// position.
#include "burst_demodulator.h"

#include "kernels/base/complex_product.h"
#include "kernels/base/smallest_power.h"

#include <algorithm>
#include <cmath>

namespace gr::vqdeepsc::kernel {

namespace {

// OFDM symbols at the end of a burst in which the cyclic prefix is looked for.
constexpr std::size_t TAIL = 8;
// Most OFDM symbols that are lost.
constexpr int MOST_LOST = 4;
// Correlation of the cyclic prefix where it is.
constexpr double PREFIX_CORRELATION = 0.3;
// And of that best one, where it should be.
constexpr double PREFIX_IN_PLACE = 0.7;
// How much better the pilots have to fit.
constexpr double BETTER = 1.3;
// Standard deviations of what noise makes of them.
constexpr double OVER_NOISE = 3.0;

double energy(const std::vector<std::complex<float>>& values)
{
    double sum = 0.0;
    for (const auto& value : values) {
        sum += std::norm(value);
    }
    return sum;
}

// Sum of the products of pilots one group apart, which those of another OFDM symbol or of another
// position do not make large.
std::complex<double> pilot_products(const std::vector<std::complex<float>>& values, int group)
{
    std::complex<double> sum = 0.0;
    for (std::size_t i = 0; i + group < values.size(); ++i) {
        sum += std::complex<double>(product(values[i + group], std::conj(values[i])));
    }
    return sum;
}

} // namespace

// Samples by which the cyclic prefixes of the last OFDM symbols come early, up to whole symbols, or
// 0 where they are in their position or cannot be seen.
int BurstDemodulator::early_prefixes(const Complex* samples, std::size_t symbols) const
{
    const int length = d_format.symbol_samples();
    const int size = d_format.fft_size();
    const int prefix = d_format.cyclic_prefix();
    const std::size_t first = d_format.training_samples() + (symbols - TAIL) * length;
    // Of the samples one FFT apart, by their position in an OFDM symbol, all symbols together.
    std::vector<std::complex<double>> products(length);
    std::vector<double> powers(length);
    for (std::size_t i = 0; i + size < TAIL * length; ++i) {
        const Complex a = samples[first + i];
        const Complex b = samples[first + i + size];
        products[i % length] += std::complex<double>(product(b, std::conj(a)));
        powers[i % length] += 0.5 * (std::norm(a) + std::norm(b));
    }
    double total = 0.0;
    for (int i = 0; i < length; ++i) {
        if (!std::isfinite(powers[i])) {
            products[i] = powers[i] = 0.0;
        }
        total += powers[i];
    }
    // Of that, rounding errors may be.
    const double least_power = 1.0e-9 * total;
    // Sums over the length of a prefix, from each position on; squared, as roots take time.
    std::complex<double> sum = 0.0;
    double power = 0.0;
    for (int i = 0; i < prefix; ++i) {
        sum += products[i];
        power += powers[i];
    }
    double best = 0.0;
    int early = 0;
    double in_place = 0.0;
    for (int d = 0; d < length; ++d) {
        const double correlation = power > least_power ? std::norm(sum) / (power * power) : 0.0;
        if (correlation > best) {
            best = correlation;
            early = (length - d) % length;
        }
        if (d <= prefix / 2) {
            in_place = std::max(in_place, correlation);
        }
        const int next = (d + prefix) % length;
        sum += products[next] - products[d];
        power += powers[next] - powers[d];
    }
    constexpr double LEAST = PREFIX_CORRELATION * PREFIX_CORRELATION;
    constexpr double RATIO = PREFIX_IN_PLACE * PREFIX_IN_PLACE;
    return best > LEAST && in_place < RATIO * best ? early : 0;
}

// What the pilots of an OFDM symbol say about the channel, where its samples come early by so many.
void BurstDemodulator::measure_pilot_values(const Complex* samples,
                                            std::size_t symbol,
                                            int early,
                                            Carriers& values)
{
    const auto& positions = d_format.pilot_positions(symbol);
    values.assign(positions.size(), 0.0f);
    const std::size_t start =
        d_format.training_samples() + symbol * d_format.symbol_samples() + d_window;
    if (start < static_cast<std::size_t>(early)) {
        return;
    }
    transform(samples, start - early, d_rotated);
    const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
    for (std::size_t i = 0; i < positions.size(); ++i) {
        values[i] = pilot[i] * d_rotated[positions[i]];
    }
}

bool BurstDemodulator::has_payload(const BurstHeader& header, const Complex* samples)
{
    if (header.burst_profile == 0) {
        return pilots_are_seen(d_format.payload_symbols(header.qam_symbols()), samples);
    }
    auto& payload = continued(header.burst_profile);
    return payload.pilots_are_seen(payload.d_format.payload_symbols(header.qam_symbols()),
                                   samples + d_format.training_and_header_samples());
}

// Whether there are pilots behind the header, in so many OFDM symbols.
bool BurstDemodulator::pilots_are_seen(std::size_t payload, const Complex* samples)
{
    constexpr std::size_t PAIRS = 16;
    constexpr std::size_t LAG = 3;
    constexpr int STEP = BurstFormat::PILOT_STEP * static_cast<int>(LAG) % BurstFormat::GROUP;
    const int per_group = d_format.pilots_per_group();
    const std::size_t known = d_format.header_symbols();
    if (payload < PAIRS) {
        return true;
    }
    ensure_pilots(known + payload);
    // Pilots agree with their neighbours unless paths cancel, and with those of a later OFDM symbol
    // nearly on their carrier unless the channel moves.
    std::complex<double> neighbours = 0.0;
    std::complex<double> later = 0.0;
    Carriers first;
    Carriers second;
    for (std::size_t i = 0; i < PAIRS; ++i) {
        const std::size_t symbol = known + i * (payload - LAG) / PAIRS;
        measure_pilot_values(samples, symbol, 0, first);
        measure_pilot_values(samples, symbol + LAG, 0, second);
        // A pulse counts no more than others.
        const double power = energy(first) + energy(second) + SMALLEST_POWER;
        neighbours +=
            (pilot_products(first, per_group) + pilot_products(second, per_group)) / power;
        for (std::size_t g = 0; g < first.size(); ++g) {
            const int above = d_format.pilot_positions(symbol)[g] + STEP;
            if (above < d_format.used_carriers()) {
                const auto one = second[d_format.pilot_index(symbol + LAG, above)];
                later += 2.0 * std::complex<double>(product(one, std::conj(first[g]))) / power;
            }
        }
    }
    const double products = static_cast<double>(PAIRS) / d_format.pilot_carriers();
    return std::abs(neighbours) > OVER_NOISE * std::sqrt(0.5 * products) ||
           std::abs(later) > OVER_NOISE * std::sqrt(products) ||
           find_jump(samples, known + payload).lost > 0;
}

// Looks for a jump of the timing within the payload.
BurstDemodulator::Jump BurstDemodulator::find_jump(const Complex* samples, std::size_t symbols)
{
    const std::size_t known = d_format.header_symbols();
    if (symbols < known + 2 * TAIL) {
        return {};
    }
    const int early = early_prefixes(samples, symbols);
    if (early == 0) {
        return {};
    }
    // The products of neighbouring pilots in the channel of the header.
    std::complex<double> expected = 0.0;
    for (std::size_t u = 0; u + BurstFormat::GROUP < d_channel.size(); ++u) {
        expected += product(d_channel[u + BurstFormat::GROUP], std::conj(d_channel[u]));
    }
    const int per_group = d_format.pilots_per_group();
    Carriers values;
    const auto tail = [&](int lost) {
        std::complex<double> sum = 0.0;
        for (std::size_t symbol = symbols - TAIL; symbol < symbols; ++symbol) {
            measure_pilot_values(samples, symbol, lost, values);
            sum += pilot_products(values, per_group) / (energy(values) + SMALLEST_POWER);
        }
        return sum;
    };
    const double now = std::abs(tail(0));
    std::complex<double> best = 0.0;
    int lost = 0;
    for (int whole = 0; whole <= MOST_LOST; ++whole) {
        const int attempt = early + whole * d_format.symbol_samples();
        const auto sum = tail(attempt);
        if (std::abs(sum) > std::abs(best)) {
            best = sum;
            lost = attempt;
        }
    }
    const double noise = std::sqrt(static_cast<double>(TAIL) / d_format.pilot_carriers());
    if (!(std::abs(best) > BETTER * now && std::abs(best) > OVER_NOISE * noise)) {
        return {};
    }
    // What is left of the timing rotates these products.
    const double timing_error =
        -std::arg(best * std::conj(expected)) / (phase_per_carrier() * BurstFormat::GROUP);
    lost -= static_cast<int>(std::lround(timing_error));
    // Where pilots fit the one timing before, and the other behind.
    double sum = 0.0;
    double least = 0.0;
    std::size_t first_behind = known;
    const std::complex<double> rotation =
        std::conj(expected) / (std::abs(expected) + SMALLEST_POWER);
    for (std::size_t symbol = known; symbol < symbols; ++symbol) {
        measure_pilot_values(samples, symbol, 0, values);
        sum += (pilot_products(values, per_group) * rotation).real();
        measure_pilot_values(samples, symbol, lost, values);
        sum -= (pilot_products(values, per_group) * rotation).real();
        if (sum > least) {
            least = sum;
            first_behind = symbol + 1;
        }
    }
    return { lost, first_behind };
}

// Sum over OFDM symbols of what their pilots are by the header's channel; its angle is their phase.
std::complex<double> BurstDemodulator::common_phasor(const Complex* samples,
                                                     std::size_t first,
                                                     std::size_t last)
{
    std::complex<double> sum = 0.0;
    Carriers values;
    for (std::size_t symbol = first; symbol < last; ++symbol) {
        measure_pilot_values(samples, symbol, 0, values);
        const auto& positions = d_format.pilot_positions(symbol);
        const auto derotation = std::polar(1.0, -d_header_rate * static_cast<double>(symbol));
        for (std::size_t i = 0; i < positions.size(); ++i) {
            sum += derotation *
                   std::complex<double>(product(values[i], std::conj(d_channel[positions[i]])));
        }
    }
    return sum;
}

// The samples of a burst with zeros for those that were lost, and the phase of those behind as
// before, which is another where it was the transmitter that lost them.
void BurstDemodulator::realign(const Complex* samples, std::size_t symbols, const Jump& jump)
{
    constexpr std::size_t COMPARED = 4;
    const std::size_t length = d_format.symbol_samples();
    const std::size_t position = d_format.training_samples() + jump.symbol * length;
    const std::size_t count = d_format.training_samples() + symbols * length;
    d_realigned.assign(samples, samples + position);
    d_realigned.resize(position + jump.lost);
    d_realigned.insert(d_realigned.end(), samples + position, samples + count - jump.lost);
    const std::size_t intact = std::min(jump.symbol + jump.lost / length + 2, symbols);
    const auto before = common_phasor(
        d_realigned.data(), jump.symbol - std::min(jump.symbol, COMPARED), jump.symbol);
    const auto behind =
        common_phasor(d_realigned.data(), intact, std::min(intact + COMPARED, symbols));
    const Complex derotation(std::polar(1.0, std::arg(before * std::conj(behind))));
    for (std::size_t i = position + jump.lost; i < count; ++i) {
        d_realigned[i] = product(d_realigned[i], derotation);
    }
}

} // namespace gr::vqdeepsc::kernel
