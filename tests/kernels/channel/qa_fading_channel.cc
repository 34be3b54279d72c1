/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/channel/complex_gaussian.h"
#include "kernels/channel/fading_channel.h"
#include "says.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

using Kind = FadingChannel::Kind;
using Symbols = std::vector<std::complex<float>>;
constexpr double no_noise = std::numeric_limits<double>::infinity();

Symbols random_symbols(std::size_t count)
{
    std::mt19937 generator(5);
    std::uniform_real_distribution<float> uniform(-1.2f, 1.2f);
    Symbols symbols(count);
    for (auto& symbol : symbols) {
        symbol = { uniform(generator), uniform(generator) };
    }
    return symbols;
}

BOOST_AUTO_TEST_CASE(definition)
{
    const std::size_t count = 5000;
    const Symbols x = random_symbols(count);
    for (const std::int64_t block : { 1, 2, 7, 1024, 3000, 1'000'000 }) {
        for (const Kind kind : { Kind::awgn, Kind::rayleigh, Kind::rician }) {
            Symbols y(count);
            Symbols h(count);
            FadingChannel channel(kind, 7.0, 4.0, block, 99);
            channel.apply(x.data(), count, y.data(), h.data());
            std::vector<float> w(2 * count);
            std::vector<float> scattered(2 * count);
            complex_gaussian(InstructionSet::portable, 99, 0, 0, count / 2, w.data());
            complex_gaussian(InstructionSet::portable, 99, 1, 0, count / 2, scattered.data());
            const double deviation = std::sqrt(std::pow(10.0, -0.7));
            const double factor = kind == Kind::rician ? 4.0 : 0.0;
            double worst = 0.0;
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t j = 2 * (i / block);
                std::complex<double> coefficient(scattered[j], scattered[j + 1]);
                coefficient =
                    std::sqrt(factor / (factor + 1)) + std::sqrt(1 / (factor + 1)) * coefficient;
                if (kind == Kind::awgn) {
                    coefficient = 1.0;
                }
                const std::complex<double> noise(w[2 * i], w[2 * i + 1]);
                worst = std::max(worst, std::abs(coefficient - std::complex<double>(h[i])));
                worst = std::max(worst,
                                 std::abs(coefficient * std::complex<double>(x[i]) +
                                          deviation * noise - std::complex<double>(y[i])));
            }
            BOOST_CHECK_MESSAGE(worst < 2e-6,
                                fading_kind_name(kind) + ", block " + std::to_string(block) +
                                    ": y = h x + w within " + std::to_string(worst));
        }
    }
}

BOOST_AUTO_TEST_CASE(cutting)
{
    const std::size_t count = 6000;
    const Symbols x = random_symbols(count);
    for (const Kind kind : { Kind::awgn, Kind::rayleigh, Kind::rician }) {
        for (const std::int64_t block : { 1, 3, 1000 }) {
            FadingChannel whole(kind, 3.0, 1.0, block, 4, InstructionSet::portable);
            Symbols y(count);
            Symbols h(count);
            whole.apply(x.data(), count, y.data(), h.data());
            BOOST_CHECK_MESSAGE(whole.position() == count, "position after a run");
            for (const auto set : supported_instruction_sets()) {
                const std::string name = fading_kind_name(kind) + ", block " +
                                         std::to_string(block) + ", " + instruction_set_name(set) +
                                         ": ";
                FadingChannel cut(kind, 3.0, 1.0, block, 4, set);
                Symbols part_y(count);
                Symbols part_h(count);
                std::mt19937 generator(6);
                for (std::size_t i = 0; i < count;) {
                    const std::size_t piece = std::min<std::size_t>(generator() % 1500, count - i);
                    cut.apply(x.data() + i, piece, part_y.data() + i, part_h.data() + i);
                    i += piece;
                }
                BOOST_CHECK_MESSAGE(part_y == y && part_h == h, name + "same bits in pieces");

                cut.seek(2345);
                cut.apply(x.data() + 2345, 10, part_y.data(), nullptr);
                BOOST_CHECK_MESSAGE(
                    std::equal(part_y.begin(), part_y.begin() + 10, y.begin() + 2345),
                    name + "same bits after seek");

                Symbols in_place = x;
                cut.seek(0);
                cut.apply(in_place.data(), count, in_place.data(), nullptr);
                BOOST_CHECK_MESSAGE(in_place == y, name + "in place, coefficients not wanted");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(moments)
{
    const std::size_t count = 1'000'000;
    const Symbols x(count, { 1.0f, 0.0f });
    Symbols y(count);
    Symbols h(count);
    for (const double factor : { 0.0, 1.0, 10.0 }) {
        FadingChannel channel(Kind::rician, 4.0, factor, 1, 21);
        channel.apply(x.data(), count, y.data(), h.data());
        std::complex<double> mean = 0.0;
        std::complex<double> correlation = 0.0;
        double power = 0.0;
        double noise = 0.0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::complex<double> w(y[i] - h[i]);
            mean += std::complex<double>(h[i]) / double(count);
            power += std::norm(std::complex<double>(h[i])) / count;
            noise += std::norm(w) / count;
            correlation += w * std::conj(std::complex<double>(h[i])) / double(count);
        }
        // Five standard deviations.
        const double n0 = std::pow(10.0, -0.4);
        const double line_of_sight = factor / (factor + 1);
        const double scattered = 1 / (factor + 1);
        const std::string name = "r = " + std::to_string(factor) + ": ";
        BOOST_CHECK_MESSAGE(std::abs(mean - std::sqrt(line_of_sight)) <
                                5 * std::sqrt(scattered / count),
                            name + "mean of h");
        BOOST_CHECK_MESSAGE(
            std::abs(power - 1.0) <
                5 * std::sqrt((scattered * scattered + 2 * line_of_sight * scattered) / count),
            name + "E|h|^2 = 1");
        BOOST_CHECK_MESSAGE(std::abs(noise - n0) < 5 * n0 / std::sqrt(count), name + "E|w|^2 = N0");
        BOOST_CHECK_MESSAGE(std::abs(correlation) < 5 * std::sqrt(n0 / count),
                            name + "noise and fading independent");
    }
}

BOOST_AUTO_TEST_CASE(setters)
{
    const Symbols x = random_symbols(100);
    Symbols y(100);
    Symbols h(100);
    FadingChannel channel(Kind::rayleigh, no_noise, 1.0, 10, 3);
    channel.apply(x.data(), 100, y.data(), h.data());
    bool constant = true;
    bool noiseless = true;
    for (std::size_t i = 0; i < 100; ++i) {
        constant = constant && h[i] == h[i / 10 * 10];
        noiseless = noiseless && std::abs(y[i] - h[i] * x[i]) < 1e-6f;
    }
    BOOST_CHECK_MESSAGE(constant && h[0] != h[10], "one coefficient for ten symbols");
    BOOST_CHECK_MESSAGE(noiseless, "infinite SNR");
    channel.set_kind(Kind::awgn);
    channel.apply(x.data(), 100, y.data(), h.data());
    BOOST_CHECK_MESSAGE(y == x, "no fading and no noise leave symbols as they are");

    Symbols other(100);
    FadingChannel(Kind::awgn, 0.0, 1.0, 1, 3).apply(x.data(), 100, y.data(), nullptr);
    FadingChannel(Kind::awgn, 0.0, 1.0, 1, 4).apply(x.data(), 100, other.data(), nullptr);
    BOOST_CHECK_MESSAGE(y != other, "another seed gives other noise");

    const double not_a_number = std::numeric_limits<double>::quiet_NaN();
    BOOST_CHECK_EXCEPTION(
        channel.set_snr_db(not_a_number), std::invalid_argument, says("snr_db is nan"));
    BOOST_CHECK_EXCEPTION(
        channel.set_snr_db(-no_noise), std::invalid_argument, says("snr_db is -inf"));
    BOOST_CHECK_EXCEPTION(
        channel.set_rician_factor(-0.5), std::invalid_argument, says("rician_factor is -0.5"));
    BOOST_CHECK_EXCEPTION(
        channel.set_rician_factor(no_noise), std::invalid_argument, says("rician_factor is inf"));
    BOOST_CHECK_EXCEPTION(
        channel.set_block_length(0), std::invalid_argument, says("block_length is 0"));
    BOOST_CHECK_EXCEPTION(
        channel.set_block_length(-2), std::invalid_argument, says("block_length is -2"));
    BOOST_CHECK_EXCEPTION(
        FadingChannel(Kind::awgn, -1000.0), std::invalid_argument, says("snr_db is -1000"));
    BOOST_CHECK_EXCEPTION(fading_kind_from_name("ricean"), std::invalid_argument, says("ricean"));
    BOOST_CHECK_MESSAGE(channel.block_length() == 10 && channel.rician_factor() == 1.0,
                        "a refused value changes nothing");
}

} // namespace
