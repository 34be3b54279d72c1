/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <gnuradio/sync_block.h>
#include <gnuradio/vqdeepsc/api.h>
#include <gnuradio/vqdeepsc/transport_blocks.h>
#include <utility>
#include <vector>

namespace gr {
namespace vqdeepsc {

/*!
 * \brief Decodes the frames of burst_demodulator, each as its header says, and publishes them.
 *
 * Input: frames of LLRs with the tags of burst_demodulator. The message port "regions" publishes
 * for each frame a pair of a dictionary with the fields of a frame header and an
 * f32vector with the a-posteriori LLR = ln P(1)/P(0) of each payload bit; the dictionary also has
 * the redundancy_version and snr_db of the frame's tag and decoded, seconds of the steady clock;
 * "log" publishes the frame's whole dictionary with header_ok, block_errors, blocks and iterations,
 * or what the tag of a refused burst says. A frame with block errors is kept, and its LLRs are
 * added to those of the next copy (same header, same bits) where that has errors too; both
 * dictionaries say in copies over how many frames the LLRs were added, and in block_errors how many
 * code blocks failed. While backlog regions wait at a block behind "regions", no more samples are
 * taken, for messages alone hold nothing back.
 */
class VQDEEPSC_API burst_decoder : virtual public gr::sync_block
{
public:
    using sptr = std::shared_ptr<burst_decoder>;

    /*!
     * \param iterations most iterations of a code block, 1 to 1,000
     * \param transport_blocks those that a header may name, each as at the burst_modulator
     * \param backlog regions that may wait, at least 1
     * \param uep_profiles of progressive models, whose frames have any length: coded bits for each
     * payload bit of the first of seven parts, and whether these hold at rate 1/3 and change
     * with the rate
     */
    static sptr make(int iterations = 20,
                     const std::vector<TransportBlocks>& transport_blocks = {},
                     size_t backlog = 1024,
                     const std::vector<std::pair<std::vector<double>, bool>>& uep_profiles = {});

    //! Takes effect at the next frame.
    virtual void set_iterations(int iterations) = 0;
    virtual int iterations() const = 0;
};

} // namespace vqdeepsc
} // namespace gr
