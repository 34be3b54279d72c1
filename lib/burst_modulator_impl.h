/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "frame_block.h"
#include "kernels/ofdm/burst_modulator.h"
#include <gnuradio/vqdeepsc/burst_modulator.h>
#include <mutex>

namespace gr {
namespace vqdeepsc {

class burst_modulator_impl final : public frame_block<burst_modulator>
{
public:
    burst_modulator_impl(kernel::BurstModulator&& modulator, const kernel::BurstHeader& header);

    size_t coded_bits() const override { return d_header.coded_bits(); }
    size_t burst_samples() const override { return d_modulator.burst_samples(d_header); }
    void set_amplitude(float amplitude) override;
    float amplitude() const override;
    void set_peak(float peak) override;
    float peak() const override;

private:
    void process_frame(const char* input, char* output, std::vector<gr::tag_t>& tags) override;
    void frame_sent(uint64_t last) override;

    mutable std::mutex d_mutex; // guards d_modulator, whose levels may change while running
    kernel::BurstModulator d_modulator;
    kernel::BurstHeader d_header;
};

} // namespace vqdeepsc
} // namespace gr
