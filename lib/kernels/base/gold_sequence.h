/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_GOLD_SEQUENCE_H
#define INCLUDED_VQDEEPSC_KERNEL_GOLD_SEQUENCE_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! The first bits, each 0 or 1, of the pseudo-random sequence of 3GPP TS 38.211 §5.2.1.
 *
 * \param initial c_init, 31 bits
 * \param length  bits to return
 */
std::vector<std::uint8_t> gold_sequence(std::uint32_t initial, std::size_t length);

} // namespace gr::vqdeepsc::kernel

#endif
