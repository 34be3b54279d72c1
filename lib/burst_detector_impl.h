/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/detection/burst_detector.h"
#include <gnuradio/vqdeepsc/burst_detector.h>

namespace gr {
namespace vqdeepsc {

class burst_detector_impl final : public burst_detector
{
public:
    burst_detector_impl(float threshold, bool remove_dc, double largest_cfo, int whitening);

    bool start() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    const float d_threshold;
    const bool d_remove_dc;
    const double d_largest_cfo;
    const int d_whitening;
    kernel::BurstDetector d_detector;
    std::vector<kernel::BurstDetection> d_found; // tags that lie ahead
};

} // namespace vqdeepsc
} // namespace gr
