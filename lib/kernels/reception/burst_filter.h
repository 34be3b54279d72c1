/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INCLUDED_VQDEEPSC_KERNEL_BURST_FILTER_H
#define INCLUDED_VQDEEPSC_KERNEL_BURST_FILTER_H

#include "kernels/ofdm/burst_header.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gr::vqdeepsc::kernel {

//! Which bursts a receiver takes, by their headers.
class BurstFilter
{
public:
    static constexpr std::int64_t ALL = -1;
    static constexpr std::int64_t FIRST = -2;

    /*! \param model the only id of codebooks, 0 to 65,535, or ALL
     *  \param payload_bits the only length of frames, 1 to 65,535, or 0 for all
     *  \param session the only session, 0 to 2^32 - 1, ALL, or FIRST for the first that comes
     *  \param formats the only (bits_per_symbol, code_rate), or none for all
     *  \throws std::invalid_argument naming the value that is out of range
     */
    BurstFilter(std::int64_t model,
                std::int64_t payload_bits,
                std::int64_t session,
                const std::vector<std::pair<int, std::string>>& formats);

    //! Why a burst is not taken, in words, or nothing.
    std::string refusal(const BurstHeader& header) const;

    //! Notes that a burst was taken.
    void accept(const BurstHeader& header);

    //! Begins anew.
    void reset() { d_heard = d_session; }

private:
    std::int64_t d_model;
    std::int64_t d_payload_bits;
    std::int64_t d_session;
    std::int64_t d_heard;                       // d_session, or the session that came first
    std::vector<std::pair<int, int>> d_formats; // bits per symbol, number of the code rate
};

} // namespace gr::vqdeepsc::kernel

#endif
