/* SPDX-License-Identifier: GPL-3.0-or-later */
// Detector and demodulator on random samples and on bursts of which samples were changed.
#include "input.h"
#include "kernels/detection/burst_detector.h"
#include "kernels/ofdm/burst_demodulator.h"
#include "kernels/ofdm/burst_modulator.h"

#include <cmath>
#include <map>
#include <utility>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

using Samples = std::vector<std::complex<float>>;

constexpr int LONGEST_PAYLOAD = 600;

// Plans of its transforms take most of the time, and receivers keep them too.
struct Radio {
    explicit Radio(const BurstFormat& format) : modulator(format), demodulator(format) {}
    BurstModulator modulator;
    BurstDemodulator demodulator;
};

Radio& radio(int fft_size, int cyclic_prefix)
{
    static std::map<std::pair<int, int>, Radio> radios;
    return radios.try_emplace({ fft_size, cyclic_prefix }, BurstFormat(fft_size, cyclic_prefix))
        .first->second;
}

// A burst with payload and fields from the input; notes the header of one that came before it.
Samples burst(Input& input, BurstModulator& modulator, ExpectedHeaders& expected)
{
    BurstHeader header =
        make_burst_header(input.between(1, LONGEST_PAYLOAD), 2 * input.between(1, 3), "1/3");
    header.burst_profile = input.between(0, static_cast<int>(BURST_PROFILES.size()) - 1);
    header.frame.width = input.between(1, 65535);
    header.frame.height = input.between(1, 65535);
    header.frame.image = 1;
    expected.heard(header);
    header.frame.image = 2;
    std::vector<std::uint8_t> coded(header.coded_bits());
    std::uint32_t bits = input.take<std::uint32_t>() | 1;
    for (auto& bit : coded) {
        bits = bits * 1664525 + 1013904223;
        bit = bits >> 31;
    }
    Samples samples(modulator.burst_samples(header));
    modulator.modulate(header, coded.data(), samples.data());
    return samples;
}

// Stretches of samples are replaced by numbers of any kind, scaled, or made to jump.
void damage(Input& input, Samples& samples)
{
    while (input.left() > 0) {
        std::size_t at = input.take<std::uint32_t>() % samples.size();
        const int length = input.between(1, 600);
        const unsigned kind = input.take<std::uint8_t>() % 4;
        const std::complex<float> value = { input.take<float>(), input.take<float>() };
        for (int i = 0; i < length && at < samples.size(); ++i, ++at) {
            if (kind == 0) {
                samples[at] = value;
            } else if (kind == 1) {
                samples[at] *= value.real();
            } else if (kind == 2) {
                samples[at] += std::complex<float>(std::fmod(value.real(), 4.0f), 0.0f);
            } else {
                samples[at] = samples[(at + 77) % samples.size()];
            }
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    const int fft_size = 64 << input.between(0, 4);
    const int prefixes[] = { 8, fft_size / 8, fft_size / 2 };
    auto& [modulator, demodulator] = radio(fft_size, prefixes[input.between(0, 2)]);
    const BurstFormat& format = demodulator.format();
    Samples samples;
    constexpr std::size_t TRAINING = PREAMBLE_SAMPLES;
    const unsigned choice = input.take<std::uint8_t>();
    ExpectedHeaders expected;
    if (choice % 8 != 0) {
        samples = burst(input, modulator, expected);
        damage(input, samples);
    } else {
        while (input.left() > 0) {
            const float real = input.take<float>();
            samples.emplace_back(real, input.take<float>());
        }
    }
    std::vector<BurstDetection> found;
    BurstDetector detector;
    detector.process(samples.data(), samples.size(), found);
    for (const auto& detection : found) {
        require(std::fabs(detection.cfo) <= 0.125 && detection.correlation <= 1.001f);
        require(std::isfinite(detection.dc.real()) && std::isfinite(detection.dc.imag()));
    }
    // As the block does: what a header claims is received, from zeros where the samples end.
    samples.resize(std::max(samples.size(), TRAINING + format.training_and_header_samples()));
    const ReceivedHeader received = demodulator.receive_header(
        samples.data() + TRAINING, 0.0, 0.0f, choice & 64 ? &expected : nullptr);
    if (received.crc_ok && received.error.empty()) {
        const std::size_t needed = format.samples_after_preamble(received.header.qam_symbols(),
                                                                 received.header.burst_profile);
        samples.resize(std::max(samples.size(), TRAINING + needed));
        std::vector<float> llrs(received.header.coded_bits());
        demodulator.receive_payload(received.header, samples.data() + TRAINING, llrs.data());
        for (const float llr : llrs) {
            require(!std::isnan(llr));
        }
    }
    return 0;
}
