/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_EXPECTED_HEADERS_H
#define INCLUDED_VQDEEPSC_KERNEL_EXPECTED_HEADERS_H

#include "burst_header.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace gr::vqdeepsc::kernel {

/*! Headers that may follow the last one that was received, for one that a fade hides.
 *
 * A transmitter sends the regions of an image in their order, then its copies and the next images,
 * all coded alike. So a header is nearly known, and telling which of a few it is takes far less
 * SNR than decoding it. An object serves one thread at a time.
 */
class ExpectedHeaders
{
public:
    /*! Most headers that are expected. */
    static constexpr std::size_t MOST = 64;

    struct Candidate {
        BurstHeader header;
        CodedHeader coded; //!< not scrambled
    };

    /*! Notes a header that was received. */
    void heard(const BurstHeader& header);

    /*! Begins anew. */
    void reset();

    /*! The rest of the image, its next copy and the images behind it; none before heard(). */
    const std::vector<Candidate>& candidates();

private:
    bool expect(const BurstHeader& header);

    BurstHeaderCodec d_codec;
    std::optional<BurstHeader> d_last;
    bool d_known = true; //!< whether d_candidates are those of d_last
    std::vector<Candidate> d_candidates;
};

} // namespace gr::vqdeepsc::kernel

#endif
