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

BurstModulator::BurstModulator(const BurstFormat& format)
    : d_format(format),
      d_fft(format.fft_size(), Fft::Direction::backward),
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
    return PREAMBLE_SAMPLES + d_format.samples_after_preamble(header.qam_symbols());
}

// Transforms what is in the FFT's input, which keeps the unused carriers at 0, and adds the prefix.
void BurstModulator::modulate_symbol(std::complex<float>* samples)
{
    d_fft.execute();
    const int size = d_format.fft_size();
    const int prefix = d_format.cyclic_prefix();
    std::copy_n(d_fft.output() + size - prefix, prefix, samples);
    std::copy_n(d_fft.output(), size, samples + prefix);
}

std::complex<float>* BurstModulator::modulate_bits(const std::uint8_t* bits,
                                                   std::size_t count,
                                                   std::size_t first_scrambling_bit,
                                                   int bits_per_symbol,
                                                   std::size_t first_symbol,
                                                   std::size_t symbols,
                                                   std::complex<float>* samples)
{
    const auto& points = d_points[bits_per_symbol / 2 - 1];
    const std::uint8_t* scrambling = d_scrambling.data() + first_scrambling_bit;
    const std::size_t per_symbol =
        static_cast<std::size_t>(d_format.data_carriers()) * bits_per_symbol;
    std::size_t next = 0;
    std::vector<std::uint8_t> padded(per_symbol);
    for (std::size_t symbol = first_symbol; symbol < first_symbol + symbols; ++symbol) {
        const std::size_t given = std::min(per_symbol, count - next);
        std::copy_n(bits + next, given, padded.begin());
        std::fill(padded.begin() + given, padded.end(), 0);
        const std::uint8_t* bit = padded.data();
        const std::uint8_t* mask = scrambling + (symbol - first_symbol) * per_symbol;
        for (const int position : d_format.data_positions(symbol)) {
            int label = 0;
            for (int i = 0; i < bits_per_symbol; ++i) {
                label = label << 1 | ((*bit++ ^ *mask++) & 1);
            }
            d_fft.input()[d_format.bin(position)] = points[label];
        }
        next += given;
        const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
        for (const int position : d_format.pilot_positions(symbol)) {
            d_fft.input()[d_format.bin(position)] = *pilot++;
        }
        modulate_symbol(samples);
        samples += d_format.symbol_samples();
    }
    return samples;
}

void BurstModulator::modulate(const BurstHeader& header,
                              const std::uint8_t* coded,
                              std::complex<float>* samples)
{
    const CodedHeader coded_header = d_header_codec.encode(header);
    const std::size_t header_symbols = d_format.header_symbols();
    const std::size_t payload_symbols = d_format.payload_symbols(header.qam_symbols());
    const std::size_t scrambling_bits =
        CODED_HEADER_BITS + payload_symbols * d_format.data_carriers() *
                                static_cast<std::size_t>(header.bits_per_symbol);
    if (d_scrambling.size() < scrambling_bits) {
        d_scrambling = BurstFormat::scrambling(scrambling_bits);
    }
    if (d_pilots.size() < (header_symbols + payload_symbols) * d_format.pilot_carriers()) {
        d_pilots = d_format.pilots(header_symbols + payload_symbols);
    }

    std::complex<float>* next = samples;
    const float unitary = std::sqrt(static_cast<float>(d_format.fft_size()));
    for (const int sign : SHORT_SYMBOL_SIGNS) {
        for (const auto& sample : d_short_symbol) {
            *next++ = sample * (sign * unitary);
        }
    }
    for (int u = 0; u < d_format.used_carriers(); ++u) {
        d_fft.input()[d_format.bin(u)] = d_format.training()[u];
    }
    modulate_symbol(next);
    next += d_format.symbol_samples();
    next = std::copy_n(d_fft.output(), d_format.fft_size(), next);

    next = modulate_bits(coded_header.data(),
                         coded_header.size(),
                         0,
                         HEADER_BITS_PER_SYMBOL,
                         0,
                         header_symbols,
                         next);
    next = modulate_bits(coded,
                         header.coded_bits(),
                         CODED_HEADER_BITS,
                         header.bits_per_symbol,
                         header_symbols,
                         payload_symbols,
                         next);

    // Carriers of mean power 1 on 13/16 of the positions give samples of mean power 13/16.
    const float share = static_cast<float>(d_format.used_carriers()) / d_format.fft_size();
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
