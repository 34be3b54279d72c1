/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/ldpc/ldpc_transport.h"
#include "ldpc_vectors.h"
#include "says.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <iterator>
#include <vector>

using namespace gr::vqdeepsc::kernel;

namespace {

namespace data = boost::unit_test::data;

class Hash
{
public:
    void add(unsigned value) { d_value = (d_value ^ (value & 255)) * 16777619U; }
    std::uint32_t value() const { return d_value; }

private:
    std::uint32_t d_value = 2166136261U;
};

template <typename Entries>
std::uint32_t hash_of_table(const Entries& entries)
{
    Hash hash;
    for (const BaseGraphEntry& entry : entries) {
        hash.add(entry.row);
        hash.add(entry.column);
        for (const int shift : entry.shifts) {
            hash.add(shift);
            hash.add(shift >> 8);
        }
    }
    return hash.value();
}

std::vector<std::uint8_t> bits_from(std::uint32_t state, std::size_t count)
{
    std::vector<std::uint8_t> bits(count);
    for (auto& bit : bits) {
        state = state * 1664525U + 1013904223U;
        bit = state >> 31;
    }
    return bits;
}

BOOST_DATA_TEST_CASE(parity, data::make({ 1, 2 }) * ldpc_lifting_sizes(), base_graph, size)
{
    const LdpcBlockEncoder encoder(base_graph, size);
    const LdpcCode& code = encoder.code();
    std::vector<std::uint8_t> codeword = bits_from(size, code.columns() * size);
    const std::vector<std::uint8_t> before = codeword;
    encoder.encode(codeword.data());

    std::vector<std::uint8_t> syndrome(code.rows * size, 0);
    for (const Circulant& circulant : code.circulants) {
        for (int z = 0; z < size; z++) {
            syndrome[circulant.row * size + z] ^=
                codeword[circulant.column * size + (z + circulant.shift) % size];
        }
    }
    const std::string name =
        "base graph " + std::to_string(base_graph) + ", Z = " + std::to_string(size);
    BOOST_CHECK_MESSAGE(std::count(syndrome.begin(), syndrome.end(), 0) == code.rows * size,
                        name + ": H c = 0");
    BOOST_CHECK_MESSAGE(std::equal(before.begin(),
                                   before.begin() + code.information_columns * size,
                                   codeword.begin()),
                        name + ": systematic");
    BOOST_CHECK_MESSAGE(
        std::count(codeword.begin() + code.information_columns * size, codeword.end(), 1) > size,
        name + ": parity is not all zero");
}

void add_coded_block(
    Hash& hash, std::size_t payload_bits, std::size_t coded_bits, int bits_per_symbol, int version)
{
    TransportEncoder encoder(payload_bits, coded_bits, bits_per_symbol, version);
    const auto payload = bits_from(static_cast<std::uint32_t>(payload_bits), payload_bits);
    std::vector<std::uint8_t> coded(coded_bits);
    encoder.encode(payload.data(), coded.data());
    for (const std::uint8_t bit : coded) {
        hash.add(bit);
    }
}

// Lengths from 24 to 100,000 bits, rates and orders in turn, as in make_ldpc_vectors.py.
BOOST_DATA_TEST_CASE(sweep, data::make({ 0, 1, 2, 3 }), version)
{
    Hash hash;
    std::size_t point = 0;
    for (std::size_t bits = 24; bits <= 100000; bits += 1 + bits / 12, point++) {
        const auto& rate = SWEEP_RATES[point % std::size(SWEEP_RATES)];
        const std::size_t order = SWEEP_ORDERS[point % std::size(SWEEP_ORDERS)];
        const std::size_t coded_bits = (bits * rate[1] / rate[0] / order + 1) * order;
        add_coded_block(hash, bits, coded_bits, static_cast<int>(order), version);
    }
    BOOST_CHECK_MESSAGE(hash.value() == SWEEP_HASHES[version],
                        std::to_string(point) + " lengths, version " + std::to_string(version) +
                            " as by an independent encoder");
}

BOOST_AUTO_TEST_CASE(vectors)
{
    for (const CodedBlockVector& vector : CODED_BLOCK_VECTORS) {
        Hash hash;
        add_coded_block(hash,
                        vector.payload_bits,
                        vector.coded_bits,
                        vector.bits_per_symbol,
                        vector.redundancy_version);
        BOOST_CHECK_MESSAGE(hash.value() == vector.hash,
                            std::to_string(vector.payload_bits) + " to " +
                                std::to_string(vector.coded_bits) + " bits, version " +
                                std::to_string(vector.redundancy_version) +
                                " as by an independent encoder");
    }
}

BOOST_AUTO_TEST_CASE(segmentation)
{
    for (std::size_t payload = 1; payload < 110000; payload += 1 + payload / 7) {
        for (const int per_symbol : { 1, 2, 4, 6, 8 }) {
            const std::size_t coded = 3 * payload + payload % 11 + 200;
            const LdpcSegmentation s(payload, coded, per_symbol);
            const std::string name = "segmentation of " + std::to_string(payload) + " bits";
            std::size_t sum = 0;
            for (const std::size_t bits : s.coded_block_bits) {
                sum += bits;
            }
            BOOST_CHECK_MESSAGE(sum == coded, name + ": coded bits add up");
            BOOST_CHECK_MESSAGE(s.protected_bits() ==
                                    std::size_t(s.blocks) * s.block_content_bits(),
                                name + ": blocks hold the payload");
            BOOST_CHECK_MESSAGE(s.block_bits <= s.information_bits && s.information_bits <= 8448,
                                name + ": a block fits its code");
            BOOST_CHECK_MESSAGE(s.padding_bits < std::size_t(s.blocks), name + ": little padding");
        }
    }
    const LdpcSegmentation four_scales(20032, 60096, 4);
    BOOST_CHECK_MESSAGE(four_scales.base_graph == 1 && four_scales.blocks == 3 &&
                            four_scales.lifting_size == 320,
                        "20,032 bits are three blocks of base graph 1 with Z = 320");
    const LdpcSegmentation three_scales(7616, 22848, 4);
    BOOST_CHECK_MESSAGE(three_scales.base_graph == 1 && three_scales.blocks == 1 &&
                            three_scales.lifting_size == 352,
                        "7,616 bits are one block of base graph 1 with Z = 352");
}

BOOST_AUTO_TEST_CASE(tables)
{
    BOOST_CHECK_MESSAGE(hash_of_table(BASE_GRAPH_1) == BASE_GRAPH_1_HASH, "table 5.3.2-2");
    BOOST_CHECK_MESSAGE(hash_of_table(BASE_GRAPH_2) == BASE_GRAPH_2_HASH, "table 5.3.2-3");
    BOOST_CHECK_MESSAGE(ldpc_lifting_sizes().size() == 51, "51 lifting sizes");
}

BOOST_AUTO_TEST_CASE(refusals)
{
    BOOST_CHECK_EXCEPTION(make_ldpc_code(3, 384), std::invalid_argument, says("base graph 3"));
    BOOST_CHECK_EXCEPTION(make_ldpc_code(1, 17), std::invalid_argument, says("lifting size 17"));
    BOOST_CHECK_EXCEPTION(
        TransportEncoder(0, 100), std::invalid_argument, says("payload_bits is 0"));
    BOOST_CHECK_EXCEPTION(TransportEncoder(std::size_t(-1), std::size_t(-1)),
                          std::invalid_argument,
                          says("payload_bits is"));
    BOOST_CHECK_EXCEPTION(
        TransportEncoder(100, 99), std::invalid_argument, says("coded_bits is 99"));
    BOOST_CHECK_EXCEPTION(
        TransportEncoder(100, std::size_t(-1)), std::invalid_argument, says("coded_bits is"));
    BOOST_CHECK_EXCEPTION(
        TransportEncoder(1, 3, 4), std::invalid_argument, says("coded_bits is 3"));
    BOOST_CHECK_EXCEPTION(
        TransportEncoder(100, 300, 3), std::invalid_argument, says("bits_per_symbol is 3"));
    BOOST_CHECK_EXCEPTION(
        TransportEncoder(100, 300, -4), std::invalid_argument, says("bits_per_symbol is -4"));
    BOOST_CHECK_EXCEPTION(
        TransportEncoder(100, 300, 4, 4), std::invalid_argument, says("redundancy_version is 4"));
    BOOST_CHECK_EXCEPTION(
        TransportEncoder(100, 300, 4, -1), std::invalid_argument, says("redundancy_version is -1"));
}

} // namespace
