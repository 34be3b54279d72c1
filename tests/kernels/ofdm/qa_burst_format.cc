/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_experiment.h"
#include "kernels/base/crc.h"
#include "kernels/base/gold_sequence.h"
#include "kernels/ofdm/burst_format.h"
#include "kernels/ofdm/fft.h"
#include "says.h"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

BOOST_AUTO_TEST_CASE(sequences)
{
    // Bit by bit from the recursions of the standard.
    const std::uint32_t initial = 0x2a5f1;
    const std::size_t count = 500;
    std::vector<int> x1(1600 + count + 31), x2(1600 + count + 31);
    x1[0] = 1;
    for (int i = 0; i < 31; ++i) {
        x2[i] = initial >> i & 1;
    }
    for (std::size_t n = 0; n < 1600 + count; ++n) {
        x1[n + 31] = (x1[n + 3] + x1[n]) % 2;
        x2[n + 31] = (x2[n + 3] + x2[n + 2] + x2[n + 1] + x2[n]) % 2;
    }
    const auto bits = gold_sequence(initial, count);
    bool equal = bits.size() == count;
    for (std::size_t n = 0; n < count; ++n) {
        equal = equal && bits[n] == (x1[n + 1600] + x2[n + 1600]) % 2;
    }
    BOOST_CHECK_MESSAGE(equal, "Gold sequence");

    Fft forward(64, Fft::Direction::forward);
    for (int n = 0; n < 64; ++n) {
        forward.input()[n] = std::polar(1.0f, static_cast<float>(2.0 * M_PI * 5 * n / 64));
    }
    forward.execute();
    BOOST_CHECK_MESSAGE(std::abs(forward.output()[5] - 64.0f) < 1e-4f &&
                            std::abs(forward.output()[6]) < 1e-4f,
                        "Fourier transform of a carrier");
}

BOOST_AUTO_TEST_CASE(format)
{
    for (const int size : { 64, 128, 256, 512, 1024 }) {
        const BurstFormat one(size, size / 4);
        const std::string name = "FFT " + std::to_string(size) + ": ";
        BOOST_CHECK_MESSAGE(one.used_carriers() == 13 * size / 16, name + "used carriers");
        BOOST_CHECK_MESSAGE(one.header_symbols() * one.data_carriers() == HEADER_QPSK_SYMBOLS,
                            name + "the header fills its OFDM symbols");
        std::vector<int> visits(one.used_carriers(), 0);
        for (int symbol = 0; symbol < BurstFormat::GROUP; ++symbol) {
            std::vector<int> positions = one.pilot_positions(symbol);
            positions.insert(positions.end(),
                             one.data_positions(symbol).begin(),
                             one.data_positions(symbol).end());
            std::sort(positions.begin(), positions.end());
            bool all = static_cast<int>(positions.size()) == one.used_carriers();
            for (std::size_t u = 0; all && u < positions.size(); ++u) {
                all = positions[u] == static_cast<int>(u);
            }
            BOOST_CHECK_MESSAGE(all, name + "each carrier is pilot or data");
            for (const int position : one.pilot_positions(symbol)) {
                ++visits[position];
            }
        }
        BOOST_CHECK_MESSAGE(std::all_of(visits.begin(), visits.end(), [](int n) { return n == 1; }),
                            name + "each carrier is a pilot once in 13 symbols");
        BOOST_CHECK_MESSAGE(one.carrier(0) == -one.used_carriers() / 2 &&
                                one.carrier(one.used_carriers() / 2) == 1 &&
                                one.bin(0) == size - one.used_carriers() / 2,
                            name + "no carrier at 0");
    }
    BOOST_CHECK_EXCEPTION(BurstFormat(100, 16), std::invalid_argument, says("100"));
    BOOST_CHECK_EXCEPTION(BurstFormat(64, 7), std::invalid_argument, says("7"));
    BOOST_CHECK_EXCEPTION(BurstFormat(64, 33), std::invalid_argument, says("33"));
}

BurstHeader make_header_1(int bits_per_symbol, int code_rate, int payload_bits)
{
    BurstHeader header = make_header(bits_per_symbol, code_rate, payload_bits);
    header.frame.version = 1;
    header.frame.session = 0;
    header.frame.block_bits = 0;
    return header;
}

// A field out of range with a right CRC, as another implementation may send it.
ReceivedHeader with_field(const BurstHeader& header, std::size_t first, int length, unsigned value)
{
    auto bits = pack_header(header);
    for (int i = 0; i < length; ++i) {
        bits[first + i] = value >> (length - 1 - i) & 1;
    }
    const std::size_t fields = bits.size() - 24;
    crc24a().append(bits.data(), fields, bits.data() + fields);
    return unpack_header(bits);
}

BOOST_AUTO_TEST_CASE(headers)
{
    struct Case {
        std::size_t first;
        int length;
        unsigned value;
        const char* part;
    };
    const std::vector<Case> cases_1 = { { 0, 8, 3, "version 3" },
                                        { 8, 4, 3, "bits_per_symbol is 8" },
                                        { 12, 4, 4, "code_rate is 4" },
                                        { 16, 16, 0, "payload_bits is 0" },
                                        { 64, 16, 0, "width is 0" },
                                        { 80, 16, 0, "height is 0" },
                                        { 96, 24, 15, "first_block is 960" } };
    const std::vector<Case> cases_2 = { { 0, 8, 1, "version 1" },
                                        { 8, 4, 3, "burst_profile is 3" },
                                        { 12, 4, 3, "bits_per_symbol is 8" },
                                        { 16, 4, 4, "code_rate is 4" },
                                        { 30, 16, 0, "payload_bits is 0" },
                                        { 110, 16, 0, "width is 0" },
                                        { 126, 16, 0, "height is 0" },
                                        { 142, 24, 760, "first_block is 760" },
                                        { 182, 1, 1, "mean nothing" },
                                        { 215, 1, 1, "mean nothing" } };
    for (const int version : { 1, 2 }) {
        const auto make = version == 1 ? make_header_1 : make_header;
        const BurstHeader header = make(6, 3, 20032);
        auto bits = pack_header(header);
        BOOST_CHECK_MESSAGE(bits.size() == (version == 1 ? 152 : 240), "bits of a header");
        const auto received = unpack_header(bits);
        BOOST_CHECK_MESSAGE(received.crc_ok && received.error.empty() &&
                                same(received.header, header),
                            "a header comes back");
        bits[77] ^= 1;
        BOOST_CHECK_MESSAGE(!unpack_header(bits).crc_ok, "a damaged header is seen");
        for (const Case& one : version == 1 ? cases_1 : cases_2) {
            const auto result = with_field(make(4, 0, 20032), one.first, one.length, one.value);
            BOOST_CHECK_MESSAGE(result.crc_ok && result.error.find(one.part) != std::string::npos,
                                "'" + result.error + "' should contain '" + one.part + "'");
        }

        BurstHeaderCodec codec;
        const auto sent = codec.encode(header);
        std::vector<float> llrs;
        for (const auto bit : sent) {
            llrs.push_back(bit ? 2.0f : -2.0f);
        }
        CodedHeader again{};
        const auto decoded = codec.decode(llrs.data(), again);
        BOOST_CHECK_MESSAGE(decoded.crc_ok && same(decoded.header, header) && again == sent,
                            "a coded header of version " + std::to_string(version) + " comes back");
        std::fill(llrs.begin(), llrs.end(), 0.0f);
        BOOST_CHECK_MESSAGE(!codec.decode(llrs.data(), again).crc_ok,
                            "no header where nothing is known");
    }
    BurstHeader repeated = make_header(4, 0, 20032);
    repeated.redundancy_version = 3;
    repeated.uep_profile = 200;
    BOOST_CHECK_MESSAGE(same(unpack_header(pack_header(repeated)).header, repeated),
                        "profile and redundancy version come back");
    BurstHeader old = make_header_1(4, 0, 20032);
    old.frame.session = 5;
    BOOST_CHECK_EXCEPTION(
        pack_header(old), std::invalid_argument, says("version 1 knows no session"));

    const TransportBlocks blocks = { { 3648, 21888 }, { 16384, 38208 } };
    BOOST_CHECK_MESSAGE(uep_profile_id({}) == 0 && uep_profile_id({ { 20032, 60096 } }) == 0,
                        "one transport block needs no profile");
    const int id = uep_profile_id(blocks);
    BOOST_CHECK_MESSAGE(id == 135 && id != uep_profile_id({ blocks.blocks[1], blocks.blocks[0] }),
                        "id of transport blocks: " + std::to_string(id));
    BOOST_CHECK_MESSAGE(make_burst_header(20032, 4, "1/3").coded_bits() == 60096 &&
                            make_burst_header(7616, 4, "1/3").coded_bits() == 22848 &&
                            make_burst_header(100, 6, "2/3").coded_bits() == 150 &&
                            make_burst_header(101, 6, "3/4").coded_bits() == 138,
                        "coded bits");
    BOOST_CHECK_EXCEPTION(
        make_burst_header(0, 4, "1/3"), std::invalid_argument, says("payload_bits is 0"));
    BOOST_CHECK_EXCEPTION(make_burst_header(65536, 4, "1/3"), std::invalid_argument, says("65536"));
    BOOST_CHECK_EXCEPTION(
        make_burst_header(10, 3, "1/3"), std::invalid_argument, says("bits_per_symbol is 3"));
    BOOST_CHECK_EXCEPTION(make_burst_header(10, 4, "7/8"), std::invalid_argument, says("7/8"));
}

} // namespace
