/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_BURST_HEADER_H
#define INCLUDED_VQDEEPSC_KERNEL_BURST_HEADER_H

#include "kernels/ldpc/ldpc_frame.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Code rates of a payload, in the order of their numbers in the header. */
extern const std::array<const char*, 4> CODE_RATES;

/*! Number of a code rate such as "1/3".
 * \throws std::invalid_argument naming any other value
 */
int code_rate_from_name(const std::string& name);

constexpr std::size_t MAX_PAYLOAD_BITS = 65535;

/*! How the header names the transport blocks of a payload: 0 for one or none, else 1 to 255, by
 * which a receiver sees that it was told the same list (docs/air-interface.md).
 */
int protection_number(const TransportBlocks& transport_blocks);

/*! What is sent of one region before its payload: how it is coded and what it is. */
struct BurstHeader {
    int bits_per_symbol = 4; //!< 2, 4 or 6
    int code_rate = 0;       //!< index to CODE_RATES
    int payload_bits = 1;    //!< 1 to 65,535
    int model = 0;           //!< 16-bit id of the codebooks
    int picture = 0;         //!< 16 bits
    int width = 1;           //!< of the whole picture, 1 to 65,535 pixels
    int height = 1;          //!< 1 to 65,535 pixels
    int region = 0;          //!< place in raster order of the 128x128 regions
    int protection = 0;      //!< protection_number() of the payload's transport blocks

    /*! Coded bits of the payload, a multiple of bits_per_symbol. */
    std::size_t coded_bits() const;
    std::size_t qam_symbols() const { return coded_bits() / bits_per_symbol; }

    /*! Says what is out of range, in one sentence, or nothing. */
    std::string fault() const;
};

/*! Bits of a packed header without parity. */
constexpr std::size_t HEADER_BITS = 128;
/*! The same with CRC24A. */
constexpr std::size_t PROTECTED_HEADER_BITS = HEADER_BITS + 24;

/*! Fields, MSB first, and CRC24A.
 * \throws std::invalid_argument with what fault() says
 */
std::array<std::uint8_t, PROTECTED_HEADER_BITS> pack_header(const BurstHeader& header);

/*! A header that came over the air. */
struct ReceivedHeader {
    bool crc_ok = false;
    std::string fault = "the header is damaged"; //!< empty where all fields are in range
    BurstHeader header;
};

ReceivedHeader unpack_header(const std::array<std::uint8_t, PROTECTED_HEADER_BITS>& bits);

/*! A header for frames of payload_bits bits that are coded so; the rest is as in BurstHeader().
 * \throws std::invalid_argument naming the value that is out of range
 */
BurstHeader make_burst_header(std::size_t payload_bits,
                              int bits_per_symbol,
                              const std::string& code_rate);

} // namespace gr::vqdeepsc::kernel

#endif
