/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_UEP_PROFILE_H
#define INCLUDED_VQDEEPSC_KERNEL_UEP_PROFILE_H

#include "ldpc_frame.h"

#include <cstddef>
#include <string>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Unequal error protection of the parts of a frame (docs/air-interface.md). */
struct UepProfile {
    /*! How factors that hold at rate 1/3 become those of another rate. */
    enum class Scaling {
        NONE,       //!< they hold at any rate
        CODED_BITS, //!< in proportion to the coded bits of the frame
        REDUNDANCY, //!< what they have above 1 in proportion to that of the frame: always fits
    };

    /*! Coded bits for each payload bit of the first parts, coarse first; those without a factor,
     * one at least, get what is left. Five digits behind the point count. */
    std::vector<double> factors;
    Scaling scaling = Scaling::NONE;
    bool on_strong_bits = false; //!< as in TransportBlocks

    /*! Says what is out of range, in one sentence, or nothing: factors are 1 to below 10,000,
     * scaled ones to below 100. */
    std::string error() const;
};

/*! Parts of a frame whose bits are an embedded code. */
inline constexpr std::size_t EMBEDDED_PARTS = 7;

/*! Payload bits of each part of such a frame: shares that depend on nothing else, so that sender
 * and receiver agree. A frame of fewer than 2,504 bits is too short for parts and has a single one.
 */
std::vector<std::size_t> embedded_part_bits(std::size_t payload_bits);

/*! The transport blocks of a frame with such parts; neighbours with equal factors share one, and
 * so do the parts without a factor.
 * \param part_bits       payload bits of each part, in order
 * \param coded_bits      of the frame
 * \param bits_per_symbol 1, 2, 4, 6 or 8; blocks of scaled factors are the same for all
 * \throws std::invalid_argument naming what is out of range or does not fit
 */
TransportBlocks uep_transport_blocks(const std::vector<std::size_t>& part_bits,
                                     std::size_t coded_bits,
                                     int bits_per_symbol,
                                     const UepProfile& profile);

} // namespace gr::vqdeepsc::kernel

#endif
