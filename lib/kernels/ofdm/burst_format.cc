/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_format.h"

#include "fft.h"
#include "kernels/base/gold_sequence.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace gr::vqdeepsc::kernel {

namespace {

// The first sequence gives a short symbol with low peaks and a narrow ambiguity function.
constexpr std::uint32_t SHORT_SYMBOL_SEQUENCE = 872;
constexpr std::uint32_t PILOT_SEQUENCE = 873;
constexpr std::uint32_t SCRAMBLING_SEQUENCE = 874;

constexpr int FIRST_PILOT = 6;
// From the first pilot of a group to the second, about half of a group.
constexpr int SECOND_PILOT = 6;
constexpr int SMALLEST_FFT = 64;

} // namespace

const std::array<BurstProfile, 3> BURST_PROFILES = {
    { { "static", 1, 1 }, { "pedestrian", 1, 2 }, { "vehicular", 2, 2 } }
};

std::array<std::complex<float>, SHORT_SYMBOL_SAMPLES> short_symbol()
{
    const BurstFormat grid(SHORT_SYMBOL_SAMPLES, SHORT_SYMBOL_SAMPLES / 4);
    const auto bits = gold_sequence(SHORT_SYMBOL_SEQUENCE, 2 * grid.used_carriers());
    Fft fft(SHORT_SYMBOL_SAMPLES, Fft::Direction::backward);
    const float amplitude = std::sqrt(0.5f / SHORT_SYMBOL_SAMPLES);
    for (int u = 0; u < grid.used_carriers(); ++u) {
        fft.input()[grid.bin(u)] = { bits[2 * u] ? -amplitude : amplitude,
                                     bits[2 * u + 1] ? -amplitude : amplitude };
    }
    fft.execute();
    std::array<std::complex<float>, SHORT_SYMBOL_SAMPLES> samples;
    std::copy_n(fft.output(), samples.size(), samples.begin());
    return samples;
}

BurstFormat::BurstFormat(int fft_size, int cyclic_prefix)
    : BurstFormat(fft_size, cyclic_prefix, 1, false)
{
}

BurstFormat::BurstFormat(int fft_size, int cyclic_prefix, int pilots_per_group, bool payload_only)
    : d_fft_size(fft_size),
      d_cyclic_prefix(cyclic_prefix),
      d_pilots_per_group(pilots_per_group),
      d_payload_only(payload_only)
{
    if (fft_size != 64 && fft_size != 128 && fft_size != 256 && fft_size != 512 &&
        fft_size != 1024) {
        throw std::invalid_argument("fft_size is " + std::to_string(fft_size) +
                                    ", must be 64, 128, 256, 512 or 1024");
    }
    if (cyclic_prefix < 8 || cyclic_prefix > fft_size / 2) {
        throw std::invalid_argument("cyclic_prefix is " + std::to_string(cyclic_prefix) +
                                    ", must be 8 to " + std::to_string(fft_size / 2) +
                                    " for an fft_size of " + std::to_string(fft_size));
    }
    const int used = used_carriers();
    for (int u = 0; u < used; ++u) {
        // Zadoff-Chu: flat in frequency and nearly so in time.
        const double angle = -M_PI * u * u / used;
        d_training.emplace_back(static_cast<float>(std::cos(angle)),
                                static_cast<float>(std::sin(angle)));
    }
    for (int symbol = 0; symbol < GROUP; ++symbol) {
        const int first = (FIRST_PILOT + PILOT_STEP * symbol) % GROUP;
        const int second = pilots_per_group > 1 ? (first + SECOND_PILOT) % GROUP : first;
        d_pilot_ranks[symbol][std::max(first, second)] = pilots_per_group - 1;
        for (int u = 0; u < used; ++u) {
            const bool pilot = u % GROUP == first || u % GROUP == second;
            (pilot ? d_pilot_positions : d_data_positions)[symbol].push_back(u);
        }
    }
}

BurstFormat BurstFormat::payload_format(int profile) const
{
    const auto& [name, fft_divisor, pilots_per_group] = BURST_PROFILES.at(profile);
    const int fft_size = std::max(SMALLEST_FFT, d_fft_size / fft_divisor);
    return { fft_size, std::min(d_cyclic_prefix, fft_size / 2), pilots_per_group, true };
}

std::size_t BurstFormat::payload_symbols(std::size_t qam_symbols) const
{
    return (qam_symbols + data_carriers() - 1) / data_carriers();
}

std::size_t BurstFormat::training_and_header_samples() const
{
    return samples_after_preamble(0);
}

std::size_t BurstFormat::samples_after_preamble(std::size_t qam_symbols, int profile) const
{
    if (profile > 0) {
        return training_and_header_samples() +
               payload_format(profile).samples_after_preamble(qam_symbols);
    }
    return training_samples() +
           (header_symbols() + payload_symbols(qam_symbols)) * symbol_samples();
}

std::vector<float> BurstFormat::pilots(std::size_t symbols) const
{
    const auto bits = gold_sequence(PILOT_SEQUENCE, symbols * pilot_carriers());
    std::vector<float> values(bits.size());
    std::transform(bits.begin(), bits.end(), values.begin(), [](std::uint8_t bit) {
        return bit ? -1.0f : 1.0f;
    });
    return values;
}

std::vector<std::uint8_t> BurstFormat::scrambling(std::size_t bits)
{
    return gold_sequence(SCRAMBLING_SEQUENCE, bits);
}

} // namespace gr::vqdeepsc::kernel
