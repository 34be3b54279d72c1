/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_BURST_HEADER_H
#define INCLUDED_VQDEEPSC_KERNEL_BURST_HEADER_H

#include "burst_format.h"
#include "kernels/base/frame_header.h"
#include "kernels/ldpc/ldpc_frame.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Code rates of a payload, in the order of their numbers in the header. */
inline constexpr std::array<const char*, 4> CODE_RATES = { "1/3", "1/2", "2/3", "3/4" };

/*! Number of a code rate such as "1/3".
 * \throws std::invalid_argument naming any other value
 */
int code_rate_from_name(const std::string& name);

/*! Bits of a symbol that a payload may have: QPSK, 16-QAM, 64-QAM. */
constexpr std::array<int, 3> BURST_BITS_PER_SYMBOL = { 2, 4, 6 };

constexpr std::size_t MAX_PAYLOAD_BITS = 65535;

/*! The id of a profile of unequal error protection: 0 for one transport block or none, else 1 to
 * 255, by which a receiver sees that it was given the same list (docs/air-interface.md).
 */
int uep_profile_id(const TransportBlocks& transport_blocks);

/*! What is sent of one frame before its payload: how it is coded and what it is. */
struct BurstHeader {
    FrameHeader frame;
    int bits_per_symbol = 4;    //!< 2, 4 or 6
    int code_rate = 0;          //!< index to CODE_RATES
    int payload_bits = 1;       //!< 1 to 65,535
    int uep_profile = 0;        //!< uep_profile_id() of the payload's transport blocks
    int redundancy_version = 0; //!< 0 to 3; 0 in version 1
    int burst_profile = 0;      //!< index to BURST_PROFILES; 0 in version 1

    /*! Coded bits of the payload, a multiple of bits_per_symbol. */
    std::size_t coded_bits() const;
    std::size_t qam_symbols() const { return coded_bits() / bits_per_symbol; }

    /*! Says what is out of range, in one sentence, or nothing. */
    std::string error() const;

    /*! Whether the payloads of two headers are coded alike, but for the redundancy version. */
    bool coded_as(const BurstHeader& other) const;
};

/*! Fields of the header's version and CRC24A, MSB first: 152 bits (version 1) or 240 (version 2).
 * \throws std::invalid_argument with what error() says
 */
std::vector<std::uint8_t> pack_header(const BurstHeader& header);

/*! A header that came over the air. */
struct ReceivedHeader {
    bool crc_ok = false;
    std::string error = "the header is damaged"; //!< empty where all fields are in range
    BurstHeader header;
};

/*! The inverse of pack_header(); the number of bits is that of the version. */
ReceivedHeader unpack_header(const std::vector<std::uint8_t>& bits);

using CodedHeader = std::array<std::uint8_t, CODED_HEADER_BITS>;

/*! Headers of both versions to coded bits and back. An object serves one thread at a time. */
class BurstHeaderCodec
{
public:
    BurstHeaderCodec();

    /*! \throws std::invalid_argument as pack_header() */
    CodedHeader encode(const BurstHeader& header);

    /*! The version is not known before: it is the one whose CRC holds.
     * \param llrs  CODED_HEADER_BITS values LLR = ln P(1) / P(0)
     * \param coded the bits that were sent, where the CRC holds
     */
    ReceivedHeader decode(const float* llrs, CodedHeader& coded);

private:
    struct Version {
        explicit Version(std::size_t bits);
        std::vector<std::uint8_t> bits;
        TransportEncoder encoder;
        TransportDecoder decoder;
    };

    std::array<Version, 2> d_versions; //!< version 2 and version 1, as they are tried
};

/*! A header for frames of payload_bits bits that are coded so; the rest is as in BurstHeader().
 * \throws std::invalid_argument naming the value that is out of range
 */
BurstHeader make_burst_header(std::size_t payload_bits,
                              int bits_per_symbol,
                              const std::string& code_rate);

} // namespace gr::vqdeepsc::kernel

#endif
