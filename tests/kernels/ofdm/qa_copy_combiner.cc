/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/ofdm/copy_combiner.h"

#include <boost/test/unit_test.hpp>

#include <random>
#include <vector>

using gr::vqdeepsc::kernel::BurstHeader;
using gr::vqdeepsc::kernel::CopyCombiner;

namespace {

BurstHeader header_of(int image, int region)
{
    BurstHeader header;
    header.payload_bits = 1000;
    header.frame.image = image;
    header.frame.width = 640;
    header.frame.height = 480;
    header.frame.first_block = 64 * region;
    return header;
}

/* LLRs of random bits in noise: a third of the signs are wrong. */
std::vector<float> receive(const std::vector<int>& bits, std::mt19937& random)
{
    std::normal_distribution<float> noise(0.0f, 2.3f);
    std::vector<float> llrs;
    for (const int bit : bits) {
        llrs.push_back((bit ? 1.0f : -1.0f) + noise(random));
    }
    return llrs;
}

std::vector<int> draw_bits(std::size_t count, std::mt19937& random)
{
    std::vector<int> bits(count);
    for (auto& bit : bits) {
        bit = static_cast<int>(random() & 1);
    }
    return bits;
}

BOOST_AUTO_TEST_CASE(copies_of_a_burst_add_up)
{
    std::mt19937 random(3);
    const auto header = header_of(7, 2);
    const auto bits = draw_bits(header.coded_bits(), random);
    const auto first = receive(bits, random);
    const auto second = receive(bits, random);

    CopyCombiner combiner(3);
    auto sum = second;
    BOOST_CHECK_MESSAGE(combiner.add_to(header, sum) == 0 && sum == second,
                        "nothing is kept at first");
    combiner.keep(header, first, 1);
    BOOST_CHECK_MESSAGE(combiner.add_to(header, sum) == 1, "a copy is added");
    bool added = true;
    for (std::size_t i = 0; i < sum.size(); ++i) {
        added = added && sum[i] == first[i] + second[i];
    }
    BOOST_CHECK_MESSAGE(added, "LLRs are added");

    combiner.keep(header, sum, 2);
    auto third = receive(bits, random);
    BOOST_CHECK_MESSAGE(combiner.add_to(header, third) == 2, "the sum takes the place of the copy");

    auto stranger = receive(draw_bits(bits.size(), random), random);
    const auto untouched = stranger;
    BOOST_CHECK_MESSAGE(combiner.add_to(header, stranger) == 0 && stranger == untouched,
                        "other bits under the same header are not added");

    auto other = second;
    BOOST_CHECK_MESSAGE(combiner.add_to(header_of(7, 3), other) == 0,
                        "another region is not added");
    auto format = header;
    format.bits_per_symbol = 2;
    BOOST_CHECK_MESSAGE(combiner.add_to(format, other) == 0, "another constellation is not added");

    combiner.forget(header);
    BOOST_CHECK_MESSAGE(combiner.add_to(header, other) == 0, "what is forgotten is not added");

    for (int region = 0; region < 4; ++region) {
        combiner.keep(header_of(7, region), first, 1);
    }
    other = second;
    BOOST_CHECK_MESSAGE(combiner.add_to(header_of(7, 0), other) == 0, "the oldest goes first");
    BOOST_CHECK_MESSAGE(combiner.add_to(header_of(7, 1), other) == 1, "the others stay");

    combiner.keep(header_of(8, 0), first, 1);
    other = second;
    BOOST_CHECK_MESSAGE(combiner.add_to(header_of(7, 3), other) == 1, "senders may take turns");
    auto session = header_of(7, 3);
    session.frame.session = 1;
    BOOST_CHECK_MESSAGE(combiner.add_to(session, other) == 0, "another session is not added");
}

} // namespace
