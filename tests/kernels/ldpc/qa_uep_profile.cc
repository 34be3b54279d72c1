/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/ldpc/uep_profile.h"
#include "says.h"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

using Parts = std::vector<std::size_t>;
using Scaling = UepProfile::Scaling;

BOOST_AUTO_TEST_CASE(parts_of_an_embedded_frame)
{
    BOOST_CHECK(embedded_part_bits(20'032) == (Parts{ 64, 512, 3072, 4096, 4096, 4096, 4096 }));
    // ends at 2504, 8 for each of 313
    BOOST_CHECK(embedded_part_bits(2504) == (Parts{ 8, 64, 384, 512, 512, 512, 512 }));
    BOOST_CHECK(embedded_part_bits(2503) == Parts{ 2503 });
    // 30,000 n / 313, rounded down: 95, 862, 5463, 11,597, 17,731, 23,865, 30,000
    BOOST_CHECK(embedded_part_bits(30'000) == (Parts{ 95, 767, 4601, 6134, 6134, 6134, 6135 }));
}

BOOST_AUTO_TEST_CASE(transport_blocks_by_hand)
{
    const Parts parts{ 100, 200, 300, 400 };
    // 1000 payload bits at 3 coded bits each
    BOOST_CHECK(uep_transport_blocks(parts, 3000, 4, { { 6, 4, 3 }, Scaling::NONE }) ==
                (TransportBlocks{ { 100, 600 }, { 200, 800 }, { 300, 900 }, { 400, 700 } }));
    // neighbours with one factor, and parts without
    BOOST_CHECK(uep_transport_blocks(parts, 3000, 4, { { 5, 5 }, Scaling::NONE }) ==
                (TransportBlocks{ { 300, 1500 }, { 700, 1500 } }));
    // 100 x 4.51 = 451, in whole symbols 452; in the same way 454
    BOOST_CHECK(uep_transport_blocks(parts, 3000, 4, { { 4.51 }, Scaling::NONE }).blocks[0] ==
                (TransportBlock{ 100, 452 }));
    BOOST_CHECK(uep_transport_blocks(parts, 3000, 2, { { 4.53 }, Scaling::NONE }).blocks[0] ==
                (TransportBlock{ 100, 454 }));
    // at rate 1/2 two thirds of 600 = 400, and 1 + (6 - 1) / 2 = 3.5; both rounded up to 24
    BOOST_CHECK(uep_transport_blocks(parts, 2000, 4, { { 6 }, Scaling::CODED_BITS }) ==
                (TransportBlocks{ { 100, 408 }, { 900, 1592 } }));
    BOOST_CHECK(uep_transport_blocks(parts, 2000, 4, { { 6 }, Scaling::REDUNDANCY }) ==
                (TransportBlocks{ { 100, 360 }, { 900, 1640 } }));
    // the same on the bits of symbols from strong to weak
    BOOST_CHECK(uep_transport_blocks(parts, 2000, 4, { { 6 }, Scaling::REDUNDANCY, true }) ==
                TransportBlocks({ { 100, 360 }, { 900, 1640 } }, true));
    // a single part, which nothing protects
    BOOST_CHECK(uep_transport_blocks({ 1000 }, 2000, 4, { { 6 }, Scaling::REDUNDANCY }) ==
                (TransportBlocks{ { 1000, 2000 } }));
    // the largest numbers that there may be
    BOOST_CHECK(
        uep_transport_blocks({ 1, (1 << 17) - 1 }, 1 << 23, 8, { { 99.9 }, Scaling::REDUNDANCY })
            .blocks[0] == (TransportBlock{ 1, 3120 }));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused)
{
    const auto refused = [](const Parts& parts,
                            std::size_t coded_bits,
                            const UepProfile& profile,
                            const std::string& sentence) {
        BOOST_CHECK_EXCEPTION(uep_transport_blocks(parts, coded_bits, 4, profile),
                              std::invalid_argument,
                              says(sentence));
    };
    refused({ 100, 100 }, 600, { { 0.9 }, Scaling::NONE }, "1 to below 10000");
    refused({ 100, 100 }, 600, { { 100 }, Scaling::REDUNDANCY }, "1 to below 100");
    refused({ 100, 100 }, 600, { {}, Scaling::NONE }, "need 1 to 1");
    refused({ 100, 100 }, 600, { { 3, 3 }, Scaling::NONE }, "need 1 to 1");
    refused({ 100, 100 }, 600, { { 5.2 }, Scaling::NONE }, "leaves 80 coded bits for 100");
    refused({ 100, 100 }, 600, { { 4.96 }, Scaling::NONE }, "no room");
    refused({ 100, 100 }, 196, { { 1 }, Scaling::REDUNDANCY }, "at least payload_bits");
}

} // namespace
