/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/ofdm/channel_smoother.h"
#include "kernels/ofdm/channel_tracker.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace gr::vqdeepsc::kernel;
using Complex = std::complex<double>;

namespace {

constexpr std::size_t SYMBOLS = 83;

// Paths at whole delays, each a sum of waves from all sides (W. C. Jakes, 1974).
class FadingPaths
{
public:
    FadingPaths(std::mt19937& generator, std::vector<int> delays, double doppler, double shift)
        : d_delays(std::move(delays))
    {
        constexpr int WAVES = 32;
        std::uniform_real_distribution<double> angle(0.0, 2.0 * M_PI);
        for (std::size_t path = 0; path < d_delays.size(); ++path) {
            for (int wave = 0; wave < WAVES; ++wave) {
                d_waves.push_back(
                    { path,
                      2.0 * M_PI * (doppler * std::cos(angle(generator)) + shift),
                      std::polar(1.0 / std::sqrt(WAVES * d_delays.size()), angle(generator)) });
            }
        }
    }

    // At a time in OFDM symbols and a frequency in carriers.
    Complex channel(double time, int carrier, int fft_size) const
    {
        Complex sum = 0.0;
        for (const auto& wave : d_waves) {
            const double phase =
                wave.frequency * time - 2.0 * M_PI * carrier * d_delays[wave.path] / fft_size;
            sum += wave.amplitude * std::polar(1.0, phase);
        }
        return sum;
    }

private:
    struct Wave {
        std::size_t path;
        double frequency; // radians per OFDM symbol
        Complex amplitude;
    };
    std::vector<int> d_delays;
    std::vector<Wave> d_waves;
};

// Doppler spread and shift in cycles per burst; noise_db is the mean error without a fit.
void tracks(const std::vector<int>& delays, double doppler, double shift)
{
    constexpr double NOISE = 0.03;
    constexpr std::size_t KNOWN = 4;
    std::mt19937 generator(5);
    std::normal_distribution<double> normal(0.0, std::sqrt(NOISE / 2.0));
    const BurstFormat format;
    const FadingPaths paths(generator, delays, doppler / SYMBOLS, shift / SYMBOLS);
    const auto received = [&](double time, int position) {
        return std::complex<float>(
            paths.channel(time, format.carrier(position), format.fft_size()) +
            Complex(normal(generator), normal(generator)));
    };
    ChannelTracker tracker(format);
    tracker.begin();
    std::vector<std::complex<float>> values(format.used_carriers());
    for (const double time : { -1.9, -1.0, 0.0, 1.0, 2.0, 3.0 }) {
        for (int u = 0; u < format.used_carriers(); ++u) {
            values[u] = received(time, u);
        }
        tracker.observe_all(time, values.data(), 1.0);
    }
    for (std::size_t symbol = KNOWN; symbol < SYMBOLS; ++symbol) {
        const auto& positions = format.pilot_positions(symbol);
        for (std::size_t i = 0; i < positions.size(); ++i) {
            values[i] = received(static_cast<double>(symbol), positions[i]);
        }
        tracker.observe_pilots(symbol, values.data(), 1.0);
    }
    std::vector<double> profile(tracker.delays(), 1.0 / tracker.delays());
    tracker.track(SYMBOLS, profile, NOISE, 0.3 / SYMBOLS);
    profile = tracker.profile();
    tracker.track(SYMBOLS, profile, NOISE, tracker.doppler());

    const std::string name = std::to_string(delays.size()) + " paths, " + std::to_string(doppler) +
                             " cycles, " + std::to_string(shift) + " off: ";
    double error = 0.0;
    double power = 0.0;
    for (std::size_t symbol = 0; symbol < SYMBOLS; ++symbol) {
        tracker.channel(symbol, values);
        for (int u = 0; u < format.used_carriers(); ++u) {
            const Complex truth =
                paths.channel(static_cast<double>(symbol), format.carrier(u), format.fft_size());
            error += std::norm(Complex(values[u]) - truth);
            power += std::norm(truth);
        }
    }
    const double count = 1.0 * SYMBOLS * format.used_carriers();
    error /= count * NOISE;
    BOOST_CHECK_MESSAGE(error < (doppler < 5.0 ? 0.15 : 0.2),
                        name + "error " + std::to_string(error) + " of the noise");
    BOOST_CHECK_MESSAGE(tracker.error() > 0.3 * error && tracker.error() < 4.0 * error + 0.01,
                        name + "error " + std::to_string(error) + " is said to be " +
                            std::to_string(tracker.error()));
    const double found = std::accumulate(tracker.profile().begin(), tracker.profile().end(), 0.0);
    double there = 0.0;
    for (const int delay : delays) {
        there += tracker.profile()[delay + ChannelSmoother::MARGIN];
    }
    BOOST_CHECK_MESSAGE(std::abs(found - power / count) < 0.15 * power / count,
                        name + "power " + std::to_string(found) + " of " +
                            std::to_string(power / count));
    BOOST_CHECK_MESSAGE(there > 0.9 * found, name + "delays");
    BOOST_CHECK_MESSAGE(doppler < 1.0 ||
                            std::abs(tracker.mean_frequency() * SYMBOLS / (2.0 * M_PI) - shift) <
                                doppler,
                        name + "middle of the spectrum " +
                            std::to_string(tracker.mean_frequency() * SYMBOLS / (2.0 * M_PI)));
}

BOOST_AUTO_TEST_CASE(follows_paths_that_move)
{
    for (const auto& delays : { std::vector<int>{ 16 },
                                std::vector<int>{ 8, 13, 20 },
                                std::vector<int>{ 11, 12, 13, 15, 17, 20 } }) {
        for (const double doppler : { 0.0, 0.07, 0.25, 1.2, 4.8, 10.0 }) {
            tracks(delays, doppler, 0.0);
        }
        tracks(delays, 2.4, 3.0);
    }
}

} // namespace
