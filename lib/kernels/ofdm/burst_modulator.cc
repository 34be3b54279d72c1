/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_modulator.h"

#include "kernels/qam/qam_constellation.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace gr::vqdeepsc::kernel {

namespace {

void check_level(const char* name, float value)
{
    if (!(value > 0.0f && std::isfinite(value))) {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) +
                                    ", must be above 0");
    }
}

} // namespace

BurstModulator::Symbols::Symbols(const BurstFormat& of)
    : format(of), fft(of.fft_size(), Fft::Direction::backward)
{
}

void BurstModulator::Symbols::ensure_pilots(std::size_t symbols)
{
    if (pilots.size() < symbols * format.pilot_carriers()) {
        pilots = format.pilots(symbols);
    }
}

BurstModulator::BurstModulator(const BurstFormat& format)
    : d_symbols(format),
      d_payloads(BURST_PROFILES.size()),
      d_short_symbol(short_symbol()),
      d_points{ qam_points(2), qam_points(4), qam_points(6) }
{
}

void BurstModulator::set_amplitude(float amplitude)
{
    check_level("amplitude", amplitude);
    d_amplitude = amplitude;
}

void BurstModulator::set_peak(float peak)
{
    check_level("peak", peak);
    d_peak = peak;
}

std::size_t BurstModulator::burst_samples(const BurstHeader& header) const
{
    return PREAMBLE_SAMPLES +
           format().samples_after_preamble(header.qam_symbols(), header.burst_profile);
}

// Transforms what is in the FFT's input, which keeps the unused carriers at 0, and adds the prefix.
void BurstModulator::modulate_symbol(Symbols& symbols, float scale, std::complex<float>* samples)
{
    symbols.fft.execute();
    const int size = symbols.format.fft_size();
    const int prefix = symbols.format.cyclic_prefix();
    const auto* output = symbols.fft.output();
    for (int i = 0; i < prefix; ++i) {
        samples[i] = scale * output[size - prefix + i];
    }
    for (int i = 0; i < size; ++i) {
        samples[prefix + i] = scale * output[i];
    }
}

std::complex<float>* BurstModulator::modulate_bits(Symbols& grid,
                                                   const std::uint8_t* bits,
                                                   std::size_t count,
                                                   std::size_t first_scrambling_bit,
                                                   int bits_per_symbol,
                                                   std::size_t first_symbol,
                                                   std::size_t symbols,
                                                   std::complex<float>* samples)
{
    const auto& format = grid.format;
    const auto& points = d_points[bits_per_symbol / 2 - 1];
    const std::uint8_t* scrambling = d_scrambling.data() + first_scrambling_bit;
    const std::size_t per_symbol =
        static_cast<std::size_t>(format.data_carriers()) * bits_per_symbol;
    // Transforms of another size have the same power.
    const float scale =
        std::sqrt(static_cast<float>(d_symbols.format.fft_size()) / format.fft_size());
    std::size_t next = 0;
    std::vector<std::uint8_t> padded(per_symbol);
    grid.ensure_pilots(first_symbol + symbols);
    for (std::size_t symbol = first_symbol; symbol < first_symbol + symbols; ++symbol) {
        const std::size_t given = std::min(per_symbol, count - next);
        std::copy_n(bits + next, given, padded.begin());
        std::fill(padded.begin() + given, padded.end(), 0);
        const std::uint8_t* bit = padded.data();
        const std::uint8_t* mask = scrambling + (symbol - first_symbol) * per_symbol;
        for (const int position : format.data_positions(symbol)) {
            int label = 0;
            for (int i = 0; i < bits_per_symbol; ++i) {
                label = label << 1 | ((*bit++ ^ *mask++) & 1);
            }
            grid.fft.input()[format.bin(position)] = points[label];
        }
        next += given;
        const float* pilot = grid.pilots.data() + symbol * format.pilot_carriers();
        for (const int position : format.pilot_positions(symbol)) {
            grid.fft.input()[format.bin(position)] = *pilot++;
        }
        modulate_symbol(grid, scale, samples);
        samples += format.symbol_samples();
    }
    return samples;
}

void BurstModulator::modulate(const BurstHeader& header,
                              const std::uint8_t* coded,
                              std::complex<float>* samples)
{
    const CodedHeader coded_header = d_header_codec.encode(header);
    const auto& format = d_symbols.format;
    const bool own_symbols = header.burst_profile > 0;
    auto& own = d_payloads[header.burst_profile];
    if (own_symbols && !own) {
        own = std::make_unique<Symbols>(format.payload_format(header.burst_profile));
    }
    Symbols& payload = own_symbols ? *own : d_symbols;
    const std::size_t header_symbols = format.header_symbols();
    const std::size_t payload_symbols = payload.format.payload_symbols(header.qam_symbols());
    const std::size_t scrambling_bits =
        CODED_HEADER_BITS + payload_symbols * payload.format.data_carriers() *
                                static_cast<std::size_t>(header.bits_per_symbol);
    if (d_scrambling.size() < scrambling_bits) {
        d_scrambling = BurstFormat::scrambling(scrambling_bits);
    }

    std::complex<float>* next = samples;
    const float unitary = std::sqrt(static_cast<float>(format.fft_size()));
    for (const int sign : SHORT_SYMBOL_SIGNS) {
        for (const auto& sample : d_short_symbol) {
            *next++ = sample * (sign * unitary);
        }
    }
    for (int u = 0; u < format.used_carriers(); ++u) {
        d_symbols.fft.input()[format.bin(u)] = format.training()[u];
    }
    modulate_symbol(d_symbols, 1.0f, next);
    next += format.symbol_samples();
    next = std::copy_n(d_symbols.fft.output(), format.fft_size(), next);

    next = modulate_bits(d_symbols,
                         coded_header.data(),
                         coded_header.size(),
                         0,
                         HEADER_BITS_PER_SYMBOL,
                         0,
                         header_symbols,
                         next);
    next = modulate_bits(payload,
                         coded,
                         header.coded_bits(),
                         CODED_HEADER_BITS,
                         header.bits_per_symbol,
                         own_symbols ? 0 : header_symbols,
                         payload_symbols,
                         next);

    // Carriers of mean power 1 on 13/16 of the positions give samples of mean power 13/16.
    const float share = static_cast<float>(format.used_carriers()) / format.fft_size();
    const float scale = d_amplitude / (unitary * std::sqrt(share));
    const float limit = d_peak * d_peak;
    for (auto* sample = samples; sample != next; ++sample) {
        *sample *= scale;
        const float power = std::norm(*sample);
        if (power > limit) {
            *sample *= d_peak / std::sqrt(power);
        }
    }
}

} // namespace gr::vqdeepsc::kernel
