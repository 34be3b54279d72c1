/* SPDX-License-Identifier: GPL-3.0-or-later */
// Whether a burst is still there where another one begins.
#include "burst_demodulator.h"

#include "kernels/base/complex_product.h"
#include "kernels/base/smallest_power.h"

#include <cmath>

namespace gr::vqdeepsc::kernel {

namespace {

// Fewer OFDM symbols say nothing.
constexpr std::size_t FEWEST = 3;
// Standard deviations of what noise makes of the pilots.
constexpr double OVER_NOISE = 3.5;

} // namespace

bool BurstDemodulator::payload_goes_on(const BurstHeader& header,
                                       const Complex* samples,
                                       std::size_t first_sample,
                                       std::size_t last_sample)
{
    // Where the payload has other symbols than the header, they are taken to go on.
    if (header.burst_profile != 0) {
        return true;
    }
    const std::size_t known = d_format.header_symbols();
    const std::size_t symbols = known + d_format.payload_symbols(header.qam_symbols());
    const std::size_t length = d_format.symbol_samples();
    const std::size_t training = d_format.training_samples();
    ensure_pilots(symbols);
    // By their neighbours, which a clock offset does not hurt, and by the channel of the header,
    // which sees weaker ones.
    std::complex<double> neighbours = 0.0;
    double channel = 0.0;
    double count = 0.0;
    Carriers values;
    for (std::size_t symbol = known; symbol < symbols; ++symbol) {
        const std::size_t start = training + symbol * length;
        if (start < first_sample || start + length > last_sample) {
            continue;
        }
        measure_pilot_values(samples, symbol, 0, values);
        const auto& positions = d_format.pilot_positions(symbol);
        std::complex<double> products = 0.0;
        std::complex<double> matched = 0.0;
        double power = SMALLEST_POWER;
        double expected = SMALLEST_POWER;
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (i > 0) {
                products += std::complex<double>(product(values[i], std::conj(values[i - 1])));
            }
            const Complex gain = d_channel[positions[i]];
            matched += std::complex<double>(product(values[i], std::conj(gain)));
            power += std::norm(values[i]);
            expected += std::norm(gain);
        }
        neighbours += products / power;
        channel += std::norm(matched) / (power * expected);
        count += 1.0;
    }
    const double pilots = d_format.pilot_carriers();
    return count < FEWEST || std::abs(neighbours) > OVER_NOISE * std::sqrt(count / pilots) ||
           channel > (count + OVER_NOISE * std::sqrt(count)) / pilots;
}

} // namespace gr::vqdeepsc::kernel
