/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_experiment.h"
#include "kernels/ofdm/burst_demodulator.h"
#include "kernels/ofdm/burst_modulator.h"
#include "kernels/ofdm/expected_headers.h"

#include <boost/test/unit_test.hpp>

namespace {

constexpr int TRIALS = 20;
constexpr double CFO = 0.0007; // a sixth of a carrier

// Training and header of a burst behind noise of a mean Es/N0, and how many are received.
int received_of(const BurstHeader& header, double snr_db, ExpectedHeaders* expected)
{
    const BurstFormat format(256, 32);
    BurstModulator modulator(format);
    Experiment experiment(5);
    const Bits coded = experiment.random_bits(header.coded_bits());
    Samples sent(modulator.burst_samples(header));
    modulator.modulate(header, coded.data(), sent.data());
    const double carrier_power = std::pow(modulator.amplitude(), 2) * 16.0 / 13.0;
    Samples part(sent.begin() + PREAMBLE_SAMPLES,
                 sent.begin() + PREAMBLE_SAMPLES + format.training_and_header_samples());
    BurstDemodulator demodulator(format);
    Channel channel;
    channel.snr_db = snr_db;
    channel.cfo = CFO;
    int count = 0;
    for (int trial = 0; trial < TRIALS; ++trial) {
        const Samples samples = experiment.receive(part, channel, carrier_power);
        const auto result = demodulator.receive_header(samples.data(), 0.0, 0.0f, expected);
        if (result.crc_ok) {
            BOOST_TEST(same(result.header, header));
            ++count;
        }
    }
    return count;
}

BurstHeader region(int number)
{
    auto header = make_header(4, 0, 20032);
    header.frame.first_block = number * REGION_BLOCKS;
    return header;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_may_follow_a_header)
{
    ExpectedHeaders expected;
    BOOST_TEST(expected.candidates().empty());
    // 40 x 19 blocks are 12 regions.
    expected.heard(region(10));
    const auto& candidates = expected.candidates();
    BOOST_TEST(candidates.size() == ExpectedHeaders::MOST);
    BOOST_TEST(same(candidates[0].header, region(11)));
    auto copy = region(0);
    copy.redundancy_version = 2;
    BOOST_TEST(same(candidates[1].header, copy));
    auto next = region(0);
    next.frame.image++;
    BOOST_TEST(same(candidates[13].header, next));
    BurstHeaderCodec codec;
    BOOST_TEST((codec.encode(next) == candidates[13].coded));
    auto last = region(11);
    last.frame.image = 65535;
    last.redundancy_version = 1;
    expected.heard(last);
    BOOST_TEST(expected.candidates()[12].header.frame.image == 0U);
    expected.reset();
    BOOST_TEST(expected.candidates().empty());
}

BOOST_AUTO_TEST_CASE(expected_headers_are_received_where_others_are_not)
{
    ExpectedHeaders expected;
    expected.heard(region(3));
    BOOST_TEST(received_of(region(4), 0.0, nullptr) == TRIALS);
    BOOST_TEST(received_of(region(4), -6.5, nullptr) == 0);
    BOOST_TEST(received_of(region(4), -6.5, &expected) >= TRIALS - 2);
}

BOOST_AUTO_TEST_CASE(no_other_header_is_taken_for_an_expected_one)
{
    ExpectedHeaders expected;
    auto stranger = region(3);
    stranger.frame.session ^= 1;
    expected.heard(stranger);
    BOOST_TEST(received_of(region(4), -3.5, &expected) == received_of(region(4), -3.5, nullptr));
    BOOST_TEST(received_of(region(4), -7.0, &expected) == 0);
}
