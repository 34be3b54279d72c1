/* SPDX-License-Identifier: GPL-3.0-or-later */
// Training and header of a burst: timing, frequency offset, channel and noise.
#include "burst_demodulator.h"

#include "kernels/base/complex_product.h"
#include "kernels/base/smallest_power.h"
#include "kernels/base/usable_sample.h"
#include "kernels/qam/qam_constellation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace gr::vqdeepsc::kernel {

namespace {

// Paths weaker than this by power, against the strongest, do not move the window.
constexpr float PATH_THRESHOLD_RATIO = 0.01f;
// And they have to stand out of the noise.
constexpr float PATH_OVER_NOISE = 10.0f;
// Between the training symbols, in radians, for a frequency offset that was right within a quarter
// of a carrier, and a little more.
constexpr double LARGEST_ROTATION = 0.55 * M_PI;
// Standard deviations of its measured noise by which a disturbed carrier is above the median.
constexpr double DISTURBED = 6.0;
} // namespace

// Returns the angle between the training symbols.
double BurstDemodulator::transform_training(const Complex* samples)
{
    if (d_format.training_samples() == 0) {
        return 0.0;
    }
    transform(samples, d_window, d_first);
    transform(samples, d_window + d_format.fft_size(), d_second);
    std::complex<double> rotation = 0.0;
    for (std::size_t u = 0; u < d_first.size(); ++u) {
        rotation += std::complex<double>(d_second[u]) * std::conj(std::complex<double>(d_first[u]));
    }
    return std::arg(rotation);
}

// Channel without smoothing, and noise, from what differs between the training symbols.
void BurstDemodulator::estimate_from_training()
{
    double noise = 0.0;
    const auto& training = d_format.training();
    for (std::size_t u = 0; u < d_first.size(); ++u) {
        noise += std::norm(d_second[u] - d_first[u]);
        d_training_estimate[u] = 0.5f * product(d_first[u] + d_second[u], std::conj(training[u]));
    }
    d_noise = noise / (2.0 * d_first.size());
    d_training_noise = d_noise;
}

// Whether what stands in the place of the training is one: an impulse response as long as the
// cyclic prefix explains most of its energy, but a fifth of any other.
bool BurstDemodulator::is_training() const
{
    constexpr float LEAST = 0.35f;
    float explained = 0.0f;
    float all = 0.0f;
    for (std::size_t u = 0; u < d_channel.size(); ++u) {
        explained += std::norm(d_channel[u]);
        all += std::norm(d_training_estimate[u]);
    }
    return explained > LEAST * all;
}

// Whether the header has so much more power than the training that a fade may hide the latter.
bool BurstDemodulator::header_is_stronger(const Complex* samples) const
{
    constexpr float LEAST = 1.5f;
    const auto mean_power = [samples, this](std::size_t first, std::size_t last) {
        float sum = 0.0f;
        for (std::size_t i = first; i < last; ++i) {
            const float real = usable_sample(samples[i].real()) - d_dc.real();
            const float imag = usable_sample(samples[i].imag()) - d_dc.imag();
            sum += real * real + imag * imag;
        }
        return sum / static_cast<float>(last - first);
    };
    const std::size_t training = d_format.training_samples();
    return mean_power(training, d_format.training_and_header_samples()) >
           LEAST * mean_power(0, training);
}

// Moves the window so that all paths lie in the middle of the cyclic prefix.
void BurstDemodulator::estimate_timing()
{
    const int size = d_format.fft_size();
    const int used = d_format.used_carriers();
    std::fill_n(d_inverse.input(), size, Complex(0.0f));
    float weights = 0.0f;
    for (int u = 0; u < used; ++u) {
        // A Hann window keeps one path from looking like many.
        const float weight =
            0.5f - 0.5f * std::cos(static_cast<float>(2.0 * M_PI * (u + 1) / (used + 1)));
        weights += weight * weight;
        d_inverse.input()[d_format.bin(u)] = weight * d_training_estimate[u];
    }
    d_inverse.execute();
    const int prefix = d_format.cyclic_prefix();
    const auto power = [&](int delay) { return std::norm(d_inverse.output()[delay & (size - 1)]); };
    int strongest = 0;
    for (int delay = -prefix / 2; delay < prefix + prefix / 2; ++delay) {
        if (power(delay) > power(strongest)) {
            strongest = delay;
        }
    }
    const float noise = static_cast<float>(d_noise) * 0.5f * weights;
    const float threshold =
        std::max(PATH_THRESHOLD_RATIO * power(strongest), PATH_OVER_NOISE * noise);
    int first = strongest;
    int last = strongest;
    for (int delay = strongest - prefix; delay <= strongest + prefix; ++delay) {
        if (power(delay) > threshold) {
            first = std::min(first, delay);
            last = std::max(last, delay);
        }
    }
    if (last - first > prefix) {
        first = last = strongest;
    }
    d_window = std::clamp(d_window + (first + last - prefix) / 2, 0, prefix);
}

void BurstDemodulator::descramble(std::size_t first_bit, std::size_t bits, float* llrs)
{
    if (d_scrambling.size() < first_bit + bits) {
        const auto scrambling = BurstFormat::scrambling(first_bit + bits);
        d_scrambling.resize(scrambling.size());
        std::transform(scrambling.begin(),
                       scrambling.end(),
                       d_scrambling.begin(),
                       [](std::uint8_t bit) { return bit ? -1.0f : 1.0f; });
    }
    for (std::size_t i = 0; i < bits; ++i) {
        llrs[i] *= d_scrambling[first_bit + i];
    }
}

// From the LLRs of the header's OFDM symbols.
ReceivedHeader BurstDemodulator::decode_header(CodedHeader& coded)
{
    std::array<float, CODED_HEADER_BITS> llrs;
    const std::size_t bits_per_ofdm_symbol = HEADER_BITS_PER_SYMBOL * d_format.data_carriers();
    const std::size_t symbols = d_format.header_symbols();
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        demap(symbol,
              d_demappers[0],
              bits_per_ofdm_symbol,
              llrs.data() + symbol * bits_per_ofdm_symbol);
    }
    descramble(0, llrs.size(), llrs.data());
    return d_header_codec.decode(llrs.data(), coded);
}

// Phase and timing of the header's OFDM symbols.
void BurstDemodulator::track_header(const Complex* samples, bool known)
{
    begin_tracking();
    for (int symbol = 0; symbol < d_format.header_symbols(); ++symbol) {
        receive_symbol(samples, symbol, known);
    }
    finish_tracking();
    d_header_phase = d_phases.back();
    d_header_rate = d_phase.rate();
}

ReceivedHeader BurstDemodulator::receive_header(const Complex* samples,
                                                double cfo,
                                                Complex dc,
                                                ExpectedHeaders* expected)
{
    d_dc = dc;
    d_payload = nullptr;
    std::fill(d_excess_noise.begin(), d_excess_noise.end(), 1.0f);
    d_moves = false;
    d_gains.clear();
    d_window = d_format.cyclic_prefix() / 2;
    set_cfo(cfo);
    double rotation = transform_training(samples);
    if (std::abs(rotation) > LARGEST_ROTATION) {
        rotation = 0.0; // a fade, not the frequency
    }
    set_cfo(cfo + rotation / (2.0 * M_PI * d_format.fft_size()));
    transform_training(samples);
    estimate_from_training();
    estimate_timing();
    transform_training(samples);
    estimate_from_training();
    d_channel = d_training_estimate;
    d_smoother.smooth(d_channel);

    const std::size_t symbols = d_format.header_symbols();
    ensure_pilots(symbols);
    const bool training = is_training();
    const auto nothing = [this] {
        begin_tracking();
        d_phases.clear();
        d_timings.clear();
        d_pilot_error = d_pilot_power = 0.0;
        return ReceivedHeader();
    };
    if (!training && !header_is_stronger(samples)) {
        return nothing();
    }
    track_header(samples, false);
    const bool changes = set_header_noise(symbols) || !training;
    if (!training && !pilots_agree(symbols)) {
        return nothing();
    }

    CodedHeader coded;
    ReceivedHeader header = decode_header(coded);
    if (!header.crc_ok && changes && pilots_agree(symbols)) {
        follow_channel(samples, symbols, false);
        set_symbol_noise(symbols);
        header = decode_header(coded);
        d_moves = false;
    }
    const auto* recognised =
        expected && !header.crc_ok ? recognise(samples, expected->candidates()) : nullptr;
    if (recognised) {
        header = { true, {}, recognised->header };
        coded = recognised->coded;
    }
    measure_pilots(symbols);
    if (header.crc_ok) {
        const auto points = qam_points(HEADER_BITS_PER_SYMBOL);
        for (std::size_t i = 0; i < d_header_points.size(); ++i) {
            const int b0 = coded[2 * i] ^ (d_scrambling[2 * i] < 0.0f);
            const int b1 = coded[2 * i + 1] ^ (d_scrambling[2 * i + 1] < 0.0f);
            d_header_points[i] = points[2 * b0 + b1];
        }
        if (recognised) {
            track_header(samples, true);
        }
        estimate_from_header();
        if (header.header.burst_profile != 0 && changes) {
            // The payload begins with the channel of the header's end, phase and all.
            follow_channel(samples, symbols, true);
            d_channel = d_moving[symbols - 1];
            d_header_phase = d_header_rate = 0.0;
            d_moves = false;
        }
    }
    return header;
}

// Channel and noise once more, from training and header together.
void BurstDemodulator::estimate_from_header()
{
    const std::size_t symbols = d_format.header_symbols();
    Carriers sum(d_format.used_carriers());
    for (std::size_t u = 0; u < sum.size(); ++u) {
        sum[u] = 2.0f * d_training_estimate[u];
    }
    // Phase and timing of each symbol taken back to those of the training.
    Carriers sent(d_format.used_carriers());
    std::vector<Carriers> aligned(symbols, Carriers(d_format.used_carriers()));
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const double slope = -phase_per_carrier() * (d_timings[symbol] - d_shift[symbol]);
        const float* pilot = d_pilots.data() + symbol * d_format.pilot_carriers();
        const Complex* point = d_header_points.data() + symbol * d_format.data_carriers();
        for (const int position : d_format.pilot_positions(symbol)) {
            sent[position] = *pilot++;
        }
        for (const int position : d_format.data_positions(symbol)) {
            sent[position] = *point++;
        }
        carrier_rotations(-d_phases[symbol], -slope, d_rotations);
        for (std::size_t u = 0; u < sum.size(); ++u) {
            const Complex derotation = product(std::conj(sent[u]), d_rotations[u]);
            // All that is sent has mean power 1, and so have QPSK and pilots each.
            aligned[symbol][u] = product(d_received[symbol][u], derotation);
            sum[u] += aligned[symbol][u];
        }
    }
    const float total = static_cast<float>(symbols + 2);
    for (auto& value : sum) {
        value /= total;
    }
    d_channel = sum;
    d_smoother.smooth(d_channel);

    // Noise of each carrier: of the training, and of the header around the channel.
    const double measurements = static_cast<double>(symbols + 1);
    std::vector<double> noise(sum.size());
    const auto measure = [&] {
        for (std::size_t u = 0; u < sum.size(); ++u) {
            noise[u] = 0.5 * std::norm(d_second[u] - d_first[u]);
            for (const auto& values : aligned) {
                noise[u] += std::norm(values[u] - d_channel[u]);
            }
            noise[u] /= measurements;
        }
    };
    measure();
    // A carrier so far above the median is disturbed by more than noise, such as an oscillator that
    // leaks; white noise gets there in some carriers of a million, or of ten thousand for N = 1024.
    std::vector<double> sorted = noise;
    std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
    const double limit = (1.0 + DISTURBED / std::sqrt(measurements)) *
                         std::max(sorted[sorted.size() / 2], SMALLEST_NOISE);
    std::vector<std::size_t> disturbed;
    for (std::size_t u = 0; u < noise.size(); ++u) {
        if (noise[u] > limit) {
            disturbed.push_back(u);
        }
    }
    if (!disturbed.empty()) {
        // Their estimates are replaced by what the others say, which converges within a few fits.
        constexpr int FITS = 4;
        for (int fit = 0; fit < FITS; ++fit) {
            for (const std::size_t u : disturbed) {
                sum[u] = d_channel[u];
            }
            d_channel = sum;
            d_smoother.smooth(d_channel);
        }
        measure();
    }
    double total_noise = 0.0;
    for (const double value : noise) {
        total_noise += measurements * value;
    }
    for (const std::size_t u : disturbed) {
        total_noise -= measurements * noise[u];
    }
    // The fit has taken its share of the noise of the header.
    const double carriers = static_cast<double>(noise.size() - disturbed.size());
    const double freedom =
        measurements * carriers - symbols / static_cast<double>(total) * d_smoother.taps();
    d_noise = total_noise / std::max(freedom, 1.0);
    for (const std::size_t u : disturbed) {
        d_excess_noise[u] =
            static_cast<float>(std::max(noise[u] / std::max(d_noise, SMALLEST_NOISE), 1.0));
    }
}

// The demodulator of the payload of a profile above 0, with what training and header have shown.
BurstDemodulator& BurstDemodulator::continued(int profile)
{
    auto& payload = d_payloads.at(profile);
    if (!payload) {
        payload = std::make_unique<BurstDemodulator>(d_format.payload_format(profile));
    }
    const auto& format = payload->d_format;
    const int prefix = format.cyclic_prefix();
    const double begin = static_cast<double>(d_format.training_and_header_samples());
    payload->d_dc = d_dc;
    payload->set_cfo(d_cfo + d_header_rate / (2.0 * M_PI * d_format.symbol_samples()));
    payload->d_window = std::clamp(d_window - (d_format.cyclic_prefix() - prefix) / 2, 0, prefix);
    payload->d_noise = d_noise;
    payload->d_training_noise = d_training_noise;
    payload->d_header_weight = d_header_weight;
    // Its carriers are some of the header's, its phase is counted from its own first sample.
    const int ratio = d_format.fft_size() / format.fft_size();
    const int earlier = (payload->d_window - prefix) - (d_window - d_format.cyclic_prefix());
    const double cycles = d_cfo * begin;
    const double phase =
        d_header_phase + d_header_rate + 2.0 * M_PI * (cycles - std::floor(cycles));
    for (int u = 0; u < format.used_carriers(); ++u) {
        const int carrier = format.carrier(u);
        const int same = d_format.position(ratio * carrier);
        payload->d_channel[u] = product(
            d_channel[same], phasor(phase + payload->phase_per_carrier() * carrier * earlier));
        float excess = 0.0f;
        for (int i = 0; i < ratio; ++i) {
            const int near = std::clamp(same + i - ratio / 2, 0, d_format.used_carriers() - 1);
            excess += d_excess_noise[near];
        }
        payload->d_excess_noise[u] = excess / ratio;
    }
    return *payload;
}

} // namespace gr::vqdeepsc::kernel
