/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_experiment.h"
#include "kernels/detection/burst_detector.h"
#include "kernels/ldpc/ldpc_transport.h"
#include "kernels/ofdm/burst_demodulator.h"
#include "kernels/ofdm/burst_modulator.h"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

struct Outcome {
    bool detected = false;
    bool header_ok = false;
    bool payload_ok = false;
    double llr_scale = 0.0;
    BurstDetection detection{};
    BurstQuality quality{};
};

Outcome send_one(Experiment& experiment,
                 const BurstFormat& format,
                 const BurstHeader& header,
                 const Channel& channel,
                 std::size_t lead = 1000)
{
    BurstModulator modulator(format);
    TransportEncoder encoder(header.payload_bits, header.coded_bits(), header.bits_per_symbol);
    TransportDecoder decoder(header.payload_bits, header.coded_bits(), header.bits_per_symbol);
    const Bits payload = experiment.random_bits(header.payload_bits);
    Bits coded(header.coded_bits());
    encoder.encode(payload.data(), coded.data());
    const std::size_t length = modulator.burst_samples(header);
    Samples stream(lead + length + 400);
    modulator.modulate(header, coded.data(), stream.data() + lead);
    const double carrier_power = std::pow(modulator.amplitude(), 2) * 16.0 / 13.0;
    const Samples received = experiment.receive(stream, channel, carrier_power);

    Outcome outcome;
    BurstDetector detector;
    std::vector<BurstDetection> found;
    detector.process(received.data(), received.size(), found);
    if (found.size() != 1) {
        return outcome;
    }
    outcome.detection = found[0];
    outcome.detected =
        std::abs(static_cast<double>(found[0].training_start) -
                 static_cast<double>(lead + PREAMBLE_SAMPLES)) <= channel.paths.back().first + 2;
    if (!outcome.detected) {
        return outcome;
    }
    BurstDemodulator demodulator(format);
    const auto* training = received.data() + found[0].training_start;
    const auto result = demodulator.receive_header(training, found[0].cfo, found[0].dc);
    outcome.header_ok = result.crc_ok && result.error.empty() && same(result.header, header);
    if (!outcome.header_ok) {
        return outcome;
    }
    std::vector<float> llrs(header.coded_bits());
    demodulator.receive_payload(header, training, llrs.data());
    outcome.quality = demodulator.quality();
    Bits decoded(payload.size());
    outcome.payload_ok = decoder.decode(llrs.data(), decoded.data()).crc_ok && decoded == payload;
    return outcome;
}

BOOST_AUTO_TEST_CASE(every_format)
{
    Experiment experiment(1);
    for (const int size : { 64, 128, 256, 512, 1024 }) {
        for (const int prefix : { size / 8, size / 4 }) {
            for (const int bits : { 2, 4, 6 }) {
                for (const int rate : { 0, 1, 2, 3 }) {
                    const std::string name = "FFT " + std::to_string(size) + ", prefix " +
                                             std::to_string(prefix) + ", " + std::to_string(bits) +
                                             " bits, rate " + CODE_RATES[rate];
                    Channel channel;
                    channel.snr_db = 30.0;
                    channel.cfo = 0.013 * (bits - 4) + 0.02;
                    channel.clock_offset = 20e-6;
                    channel.delay = 0.37;
                    const Outcome outcome = send_one(
                        experiment, { size, prefix }, make_header(bits, rate, 1500), channel);
                    BOOST_CHECK_MESSAGE(outcome.detected, name + ": detected");
                    BOOST_CHECK_MESSAGE(outcome.header_ok, name + ": header");
                    BOOST_CHECK_MESSAGE(outcome.payload_ok, name + ": payload");
                }
            }
        }
    }
}

// Payloads of all profiles, behind a header that says which, with clock offset and three paths.
BOOST_AUTO_TEST_CASE(profiles)
{
    Experiment experiment(9);
    for (const int size : { 64, 256, 1024 }) {
        for (const int prefix : { 16, size / 2 }) {
            for (int profile = 0; profile < static_cast<int>(BURST_PROFILES.size()); ++profile) {
                auto header = make_header(4, 0, 7616);
                header.burst_profile = profile;
                Channel channel;
                channel.snr_db = 12.0;
                channel.cfo = -0.043;
                channel.clock_offset = 20e-6;
                channel.delay = 0.37;
                channel.paths = { { 0, 1.0 }, { 2, { 0.0, 0.4 } }, { 5, 0.5 } };
                const Outcome outcome = send_one(experiment, { size, prefix }, header, channel);
                const std::string name = "FFT " + std::to_string(size) + ", prefix " +
                                         std::to_string(prefix) + ", " +
                                         BURST_PROFILES[profile].name + ": ";
                BOOST_CHECK_MESSAGE(outcome.header_ok && outcome.payload_ok, name + "payload");
                BOOST_CHECK_MESSAGE(std::abs(outcome.quality.cfo - channel.cfo) < 1e-5,
                                    name + "frequency " + std::to_string(outcome.quality.cfo));
                BOOST_CHECK_MESSAGE(std::abs(outcome.quality.snr_db - 12.0) < 1.6,
                                    name + "Es/N0 " + std::to_string(outcome.quality.snr_db));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(offsets)
{
    Experiment experiment(2);
    for (const double cfo : { -0.11, -0.096, -0.048, -0.0078, 0.0, 0.0079, 0.0391, 0.096, 0.11 }) {
        for (const double gain : { 1e-6, 1.0, 3e4 }) {
            Channel channel;
            channel.snr_db = 6.0;
            channel.cfo = cfo;
            channel.clock_offset = cfo < 0 ? -40e-6 : 40e-6;
            channel.phase = 1.0;
            channel.delay = 0.5;
            channel.gain = gain;
            const Outcome outcome =
                send_one(experiment, BurstFormat(), make_header(4, 0, 20032), channel);
            const std::string name =
                "offset " + std::to_string(cfo) + ", gain " + std::to_string(gain) + ": ";
            BOOST_CHECK_MESSAGE(outcome.detected && outcome.header_ok && outcome.payload_ok,
                                name + "payload");
            BOOST_CHECK_MESSAGE(std::abs(outcome.quality.cfo - cfo) < 1e-5,
                                name + "frequency " + std::to_string(outcome.quality.cfo));
            BOOST_CHECK_MESSAGE(std::abs(outcome.quality.snr_db - 6.0) < 0.6,
                                name + "Es/N0 " + std::to_string(outcome.quality.snr_db));
            BOOST_CHECK_MESSAGE(std::abs(outcome.quality.evm_db + 6.0) < 0.8,
                                name + "EVM " + std::to_string(outcome.quality.evm_db));
            BOOST_CHECK_MESSAGE(
                std::abs(outcome.quality.clock_offset_ppm + 1e6 * channel.clock_offset) < 8.0,
                name + "clock " + std::to_string(outcome.quality.clock_offset_ppm));
        }
    }
}

BOOST_AUTO_TEST_CASE(multipath)
{
    Experiment experiment(3);
    for (const int size : { 64, 256, 1024 }) {
        const int prefix = size / 4;
        Channel channel;
        channel.snr_db = 15.0;
        channel.cfo = 0.031;
        channel.clock_offset = 20e-6;
        for (const int spread : { prefix / 4, prefix / 2, prefix - 8 }) {
            for (const bool late : { false, true }) {
                channel.paths = { { 0, late ? 0.5 : 1.0 },
                                  { spread / 2, { 0.0, 0.4 } },
                                  { spread, late ? 1.0 : 0.5 } };
                const Outcome outcome =
                    send_one(experiment, { size, prefix }, make_header(4, 0, 7616), channel);
                BOOST_CHECK_MESSAGE(outcome.detected && outcome.header_ok && outcome.payload_ok,
                                    "FFT " + std::to_string(size) + ", three paths over " +
                                        std::to_string(spread) + (late ? ", last" : ", first") +
                                        " strongest");
            }
        }
    }
}

// An oscillator that leaks costs a few carriers at most, however strong, from the first sample on.
BOOST_AUTO_TEST_CASE(leakage)
{
    Experiment experiment(6);
    struct Case {
        std::size_t lead, leak_from;
    };
    for (const double leak : { 0.05, 0.2, 1.0, 10.0 }) {
        for (const double cfo : { 0.0, 0.0127, -0.03, 3.0 / 64.0 }) {
            for (const Case& one :
                 { Case{ 1000, 0 }, Case{ 0, 0 }, Case{ 1000, 1000 }, Case{ 1000, 500 } }) {
                Channel channel;
                channel.snr_db = 8.0;
                channel.cfo = cfo;
                channel.leak = leak;
                channel.leak_from = one.leak_from;
                const Outcome outcome = send_one(
                    experiment, BurstFormat(), make_header(4, 0, 20032), channel, one.lead);
                BOOST_CHECK_MESSAGE(outcome.payload_ok,
                                    "leakage of " + std::to_string(leak) + " from sample " +
                                        std::to_string(one.leak_from) + ", burst from " +
                                        std::to_string(one.lead) + ", at offset " +
                                        std::to_string(cfo));
            }
        }
    }
}

} // namespace
