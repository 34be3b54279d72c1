/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/vqdeepsc/zero_fill.h>

namespace gr {
namespace vqdeepsc {

class zero_fill_impl final : public zero_fill
{
public:
    zero_fill_impl(bool continuous, int64_t gap, int64_t tail);

    bool start() override;
    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

private:
    bool input_has_ended();
    int copy(const gr_complex* in, gr_complex* out, int available);

    const bool d_continuous;
    const int64_t d_gap;
    const int64_t d_tail;
    bool d_in_burst = false;
    int64_t d_gap_left = 0;
    int64_t d_tail_left = 0;
};

} // namespace vqdeepsc
} // namespace gr
