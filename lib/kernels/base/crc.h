/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_CRC_H
#define INCLUDED_VQDEEPSC_KERNEL_CRC_H

#include <array>
#include <cstddef>
#include <cstdint>

namespace gr::vqdeepsc::kernel {

/*! Cyclic redundancy check over bits, one per byte, first bit first (3GPP TS 38.212 §5.1).
 * The register starts at zero; neither end is reflected or inverted. Objects are immutable.
 */
class Crc
{
public:
    /*! \param length parity bits, 8 to 32
     *  \param polynomial generator without its leading term, the most significant bit first
     */
    Crc(int length, std::uint32_t polynomial);

    int length() const { return d_length; }

    /*! Parity of bits[0..count), each 0 or 1; the first parity bit is the most significant. */
    std::uint32_t compute(const std::uint8_t* bits, std::size_t count) const;

    /*! Writes the length() parity bits of bits[0..count) to parity. */
    void append(const std::uint8_t* bits, std::size_t count, std::uint8_t* parity) const;

    /*! True if the last length() of count bits are the parity of those before them. */
    bool check(const std::uint8_t* bits, std::size_t count) const;

private:
    int d_length;
    std::uint32_t d_polynomial;
    std::array<std::array<std::uint32_t, 256>, 4> d_table;
};

/*! D^24 + D^23 + D^18 + D^17 + D^14 + D^11 + D^10 + D^7 + D^6 + D^5 + D^4 + D^3 + D + 1 */
const Crc& crc24a();
/*! D^24 + D^23 + D^6 + D^5 + D + 1 */
const Crc& crc24b();
/*! D^16 + D^12 + D^5 + 1 */
const Crc& crc16();

} // namespace gr::vqdeepsc::kernel

#endif
