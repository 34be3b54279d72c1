/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/reception/copy_combiner.h"

#include <boost/test/unit_test.hpp>

#include <random>
#include <vector>

using gr::vqdeepsc::kernel::BurstHeader;
using gr::vqdeepsc::kernel::Copies;
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
    llrs.reserve(bits.size());
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

Copies one_burst(const std::vector<float>& llrs, int redundancy_version = 0)
{
    Copies copies;
    copies.bursts = 1;
    copies.llrs[redundancy_version] = llrs;
    return copies;
}

BOOST_AUTO_TEST_CASE(copies_of_a_burst_add_up)
{
    std::mt19937 random(3);
    const auto header = header_of(7, 2);
    const auto bits = draw_bits(header.coded_bits(), random);
    const auto first = receive(bits, random);
    const auto second = receive(bits, random);

    CopyCombiner combiner(3 * first.size());
    auto copies = combiner.combined(header, second);
    BOOST_CHECK_MESSAGE(copies.bursts == 1 && copies.llrs[0] == second, "nothing is kept at first");
    combiner.keep(header, one_burst(first));
    copies = combiner.combined(header, second);
    BOOST_CHECK_MESSAGE(copies.bursts == 2, "a copy is added");
    bool added = true;
    for (std::size_t i = 0; i < first.size(); ++i) {
        added = added && copies.llrs[0][i] == first[i] + second[i];
    }
    BOOST_CHECK_MESSAGE(added, "LLRs are added");

    combiner.keep(header, copies);
    const auto third = receive(bits, random);
    BOOST_CHECK_MESSAGE(combiner.combined(header, third).bursts == 3,
                        "the sum takes the place of the copy");

    const auto stranger = receive(draw_bits(bits.size(), random), random);
    copies = combiner.combined(header, stranger);
    BOOST_CHECK_MESSAGE(copies.bursts == 1 && copies.llrs[0] == stranger,
                        "other bits under the same header are not added");

    BOOST_CHECK_MESSAGE(combiner.combined(header_of(7, 3), second).bursts == 1,
                        "another region is not added");
    auto format = header;
    format.bits_per_symbol = 2;
    BOOST_CHECK_MESSAGE(combiner.combined(format, second).bursts == 1,
                        "another constellation is not added");

    combiner.forget(header);
    BOOST_CHECK_MESSAGE(combiner.combined(header, second).bursts == 1,
                        "what is forgotten is not added");

    for (int region = 0; region < 4; ++region) {
        combiner.keep(header_of(7, region), one_burst(first));
    }
    BOOST_CHECK_MESSAGE(combiner.combined(header_of(7, 0), second).bursts == 1,
                        "the oldest goes first");
    BOOST_CHECK_MESSAGE(combiner.combined(header_of(7, 1), second).bursts == 2, "the others stay");

    combiner.keep(header_of(8, 0), one_burst(first));
    BOOST_CHECK_MESSAGE(combiner.combined(header_of(7, 3), second).bursts == 2,
                        "senders may take turns");
    auto session = header_of(7, 3);
    session.frame.session = 1;
    BOOST_CHECK_MESSAGE(combiner.combined(session, second).bursts == 1,
                        "another session is not added");
}

BOOST_AUTO_TEST_CASE(redundancy_versions_stand_side_by_side)
{
    std::mt19937 random(4);
    auto header = header_of(7, 2);
    const auto first = receive(draw_bits(header.coded_bits(), random), random);
    const auto second = receive(draw_bits(header.coded_bits(), random), random);
    CopyCombiner combiner(2 * first.size());
    combiner.keep(header, one_burst(first));
    header.redundancy_version = 2;
    auto copies = combiner.combined(header, second);
    BOOST_CHECK(copies.bursts == 2);
    BOOST_CHECK(copies.llrs[0] == first && copies.llrs[2] == second);
    BOOST_CHECK(copies.llrs[1].empty() && copies.llrs[3].empty());

    combiner.keep(header, copies);
    BOOST_CHECK_MESSAGE(combiner.combined(header, first).bursts == 1,
                        "other bits of the same version are not added");
    combiner.keep(header_of(8, 0), one_burst(first));
    BOOST_CHECK_MESSAGE(combiner.combined(header, second).bursts == 1,
                        "all versions count for what is kept at most");
}

} // namespace
