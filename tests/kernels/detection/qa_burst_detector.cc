/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/detection/burst_detector.h"
#include "kernels/ofdm/burst_demodulator.h"
#include "kernels/ofdm/burst_modulator.h"
#include "ofdm/burst_experiment.h"
#include "says.h"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>

namespace {

// Whatever a radio delivers: nothing is found in it, and nothing that is not a number comes out.
BOOST_AUTO_TEST_CASE(rubbish)
{
    Experiment experiment(4);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinite = std::numeric_limits<float>::infinity();
    const BurstFormat format;
    const BurstHeader header = make_header(4, 0, 7616);
    const std::size_t length = format.samples_after_preamble(header.qam_symbols());
    Samples step = experiment.noise(length, 1e-6);
    for (std::size_t i = length / 2; i < length; ++i) {
        step[i] += std::polar(100.0f, 0.3f * static_cast<float>(i));
    }
    Samples clipped = experiment.noise(length, 1.0);
    for (auto& sample : clipped) {
        sample = { std::copysign(1.0f, sample.real()), std::copysign(1.0f, sample.imag()) };
    }
    Samples mixed = experiment.noise(length, 1.0);
    for (std::size_t i = 0; i < length; i += 7) {
        mixed[i] = i % 2 ? std::complex<float>(nan, 1.0f) : std::complex<float>(1e38f, -infinite);
    }
    const std::vector<std::pair<const char*, Samples>> streams = {
        { "zeros", Samples(length, 0.0f) },
        { "a constant", Samples(length, { 3.0f, -4.0f }) },
        { "NaN", Samples(length, { nan, nan }) },
        { "infinity", Samples(length, { infinite, -infinite }) },
        { "large", Samples(length, { 1e30f, 1e30f }) },
        { "tiny", Samples(length, { 1e-38f, 1e-42f }) },
        { "a carrier that starts", step },
        { "clipped noise", clipped },
        { "noise with holes", mixed },
    };
    for (const auto& [name, samples] : streams) {
        BurstDetector detector;
        std::vector<BurstDetection> found;
        detector.process(samples.data(), samples.size(), found);
        BOOST_CHECK_MESSAGE(found.empty(), std::string(name) + ": nothing is detected");
        BurstDemodulator demodulator(format);
        BOOST_CHECK_MESSAGE(!demodulator.receive_header(samples.data(), 0.05).crc_ok,
                            std::string(name) + ": no header");
        std::vector<float> llrs(header.coded_bits());
        demodulator.receive_payload(header, samples.data(), llrs.data());
        const auto quality = demodulator.quality();
        BOOST_CHECK_MESSAGE(
            std::all_of(llrs.begin(), llrs.end(), [](float x) { return std::isfinite(x); }) &&
                std::isfinite(quality.snr_db) && std::isfinite(quality.evm_db) &&
                std::isfinite(quality.cfo) && std::isfinite(quality.clock_offset_ppm),
            std::string(name) + ": all numbers are finite");
    }
    BOOST_CHECK_EXCEPTION(BurstDetector(0.05f), std::invalid_argument, says("threshold is 0.05"));
}

// What the detector finds does not depend on how the stream is cut.
BOOST_AUTO_TEST_CASE(cuts)
{
    Experiment experiment(5);
    BurstModulator modulator((BurstFormat()));
    const BurstHeader header = make_header(4, 0, 500);
    const std::size_t length = modulator.burst_samples(header);
    Samples stream(30 * length);
    const Bits coded = experiment.random_bits(header.coded_bits());
    for (std::size_t i = 0; i < 30; i += 1 + i % 3) {
        modulator.modulate(header, coded.data(), stream.data() + i * length);
    }
    Channel channel;
    channel.snr_db = 3.0;
    channel.cfo = 0.02;
    const Samples received = experiment.receive(stream, channel, 0.09 * 16.0 / 13.0);
    std::vector<BurstDetection> whole;
    BurstDetector().process(received.data(), received.size(), whole);
    BOOST_CHECK_MESSAGE(whole.size() > 10, "bursts with gaps are found");
    BurstDetector pieces;
    std::vector<BurstDetection> found;
    bool in_time = true;
    for (std::size_t done = 0; done < received.size();) {
        const std::size_t known = found.size();
        const std::size_t part =
            std::min<std::size_t>(received.size() - done, 1 + experiment.generator()() % 2000);
        pieces.process(received.data() + done, part, found);
        for (std::size_t i = known; i < found.size(); ++i) {
            in_time = in_time && found[i].training_start + BurstDetector::DECISION_DELAY >= done;
        }
        done += part;
    }
    BOOST_CHECK_MESSAGE(in_time, "decisions come no later than promised");
    bool equal = found.size() == whole.size();
    for (std::size_t i = 0; equal && i < found.size(); ++i) {
        equal = found[i].training_start == whole[i].training_start && found[i].cfo == whole[i].cfo;
    }
    BOOST_CHECK_MESSAGE(equal, "pieces of a stream give what the whole gives");

    for (const std::size_t lost : { 0, 1, 5, 20 }) {
        std::vector<BurstDetection> first;
        BurstDetector().process(received.data() + lost, length, first);
        BOOST_CHECK_MESSAGE(first.size() == 1 && first[0].training_start + lost == PREAMBLE_SAMPLES,
                            "a preamble without its first " + std::to_string(lost) +
                                " samples is found");
    }
}

} // namespace
