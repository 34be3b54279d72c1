/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>

#include <gnuradio/block.h>
#include <gnuradio/vqdeepsc/api.h>

namespace gr {
namespace vqdeepsc {

/*!
 * \brief Puts zeros between bursts, for sinks that know no end of burst.
 *
 * Input and output: complex samples. A burst lasts from the sample tagged tx_sob to the one
 * tagged tx_eob and is never interrupted. Tags keep their samples.
 */
class VQDEEPSC_API zero_fill : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<zero_fill>;

    /*!
     * \param continuous whether zeros go out as long as there is no burst, at the sink's pace
     * \param gap zeros after each burst, at least 0
     * \param tail zeros after the input's end, at least 0
     */
    static sptr make(bool continuous = true, int64_t gap = 0, int64_t tail = 0);
};

} // namespace vqdeepsc
} // namespace gr
