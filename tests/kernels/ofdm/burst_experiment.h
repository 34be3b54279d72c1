/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/ofdm/burst_header.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <random>
#include <utility>
#include <vector>

using namespace gr::vqdeepsc::kernel;
using Samples = std::vector<std::complex<float>>;
using Bits = std::vector<std::uint8_t>;

struct Channel {
    double snr_db = 100.0;
    double cfo = 0.0;
    double clock_offset = 0.0; //!< the receiver samples so much more seldom
    double delay = 0.0;        //!< samples
    double phase = 0.0;
    double gain = 1.0;
    double leak = 0.0;         //!< constant that the receiver adds
    std::size_t leak_from = 0; //!< first sample that has it
    std::vector<std::pair<int, std::complex<double>>> paths = { { 0, 1.0 } };
};

class Experiment
{
public:
    explicit Experiment(unsigned seed) : d_generator(seed) {}

    Bits random_bits(std::size_t count)
    {
        Bits bits(count);
        for (auto& bit : bits) {
            bit = d_generator() & 1U;
        }
        return bits;
    }

    // White noise of power N0 per sample, which is N0 per carrier.
    Samples noise(std::size_t count, double density)
    {
        std::normal_distribution<double> normal(0.0, std::sqrt(density / 2.0));
        Samples samples(count);
        for (auto& sample : samples) {
            sample = { static_cast<float>(normal(d_generator)),
                       static_cast<float>(normal(d_generator)) };
        }
        return samples;
    }

    // What a receiver gets of samples whose carriers have mean power carrier_power.
    Samples receive(const Samples& sent, const Channel& channel, double carrier_power)
    {
        std::vector<std::complex<double>> spread(sent.size(), 0.0);
        double power = 0.0;
        for (const auto& [delay, gain] : channel.paths) {
            power += std::norm(gain);
            for (std::size_t i = delay; i < sent.size(); ++i) {
                spread[i] += gain * std::complex<double>(sent[i - delay]);
            }
        }
        Samples received =
            noise(sent.size(), carrier_power * power * std::pow(10.0, -channel.snr_db / 10.0));
        constexpr int REACH = 16;
        for (std::size_t i = 0; i < received.size(); ++i) {
            const double time = i * (1.0 + channel.clock_offset) - channel.delay;
            const long centre = std::lround(time);
            std::complex<double> sum = 0.0;
            for (long j = std::max(0L, centre - REACH);
                 j <= std::min<long>(spread.size() - 1, centre + REACH);
                 ++j) {
                const double x = M_PI * (time - j);
                const double window = 0.5 + 0.5 * std::cos(x / (REACH + 1));
                sum += spread[j] * (std::abs(x) < 1e-9 ? 1.0 : std::sin(x) / x * window);
            }
            sum *= std::polar(1.0, 2.0 * M_PI * channel.cfo * i + channel.phase);
            received[i] = static_cast<float>(channel.gain) *
                          (received[i] + std::complex<float>(sum) +
                           static_cast<float>(i < channel.leak_from ? 0.0 : channel.leak));
        }
        return received;
    }

    std::mt19937& generator() { return d_generator; }

private:
    std::mt19937 d_generator;
};

inline BurstHeader make_header(int bits_per_symbol, int code_rate, int payload_bits)
{
    BurstHeader header;
    header.bits_per_symbol = bits_per_symbol;
    header.code_rate = code_rate;
    header.payload_bits = payload_bits;
    header.frame.model = 0xabcd;
    header.frame.session = 0x89abcdef;
    header.frame.image = 4711;
    header.frame.width = 640;
    header.frame.height = 300;
    header.frame.first_block = 704;
    header.frame.block_bits = 313;
    return header;
}

inline bool same(const BurstHeader& a, const BurstHeader& b)
{
    return pack_header(a) == pack_header(b);
}
