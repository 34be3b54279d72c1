/* SPDX-License-Identifier: GPL-3.0-or-later */
// Headers of any bits, with a right checksum most of the time.
#include "input.h"
#include "kernels/base/crc.h"
#include "kernels/ofdm/burst_header.h"

using namespace gr::vqdeepsc::kernel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    const unsigned choice = input.take<std::uint8_t>();
    const bool right = choice % 8 != 0;
    // As many as version 1 or 2 has.
    std::vector<std::uint8_t> bits(choice & 8 ? 240 : 152);
    for (std::size_t i = 0; i < bits.size(); i += 8) {
        const auto byte = input.take<std::uint8_t>();
        for (std::size_t j = i; j < std::min(i + 8, bits.size()); ++j) {
            bits[j] = byte >> (7 - (j - i)) & 1;
        }
    }
    if (right) {
        crc24a().append(bits.data(), bits.size() - 24, bits.data() + bits.size() - 24);
    }
    const ReceivedHeader received = unpack_header(bits);
    require(received.crc_ok || !received.error.empty());
    if (received.error.empty()) {
        // What is accepted is in range, says how long the burst is, and is sent as it came.
        require(received.header.error().empty());
        const std::size_t coded = received.header.coded_bits();
        require(coded >= static_cast<std::size_t>(received.header.payload_bits));
        require(coded <= 3 * MAX_PAYLOAD_BITS + 6);
        require(coded % received.header.bits_per_symbol == 0);
        require(pack_header(received.header) == bits);
    }
    return 0;
}
