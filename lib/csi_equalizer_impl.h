/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/vqdeepsc/csi_equalizer.h>

namespace gr {
namespace vqdeepsc {

class csi_equalizer_impl final : public csi_equalizer
{
public:
    explicit csi_equalizer_impl(double snr_db);

    void set_snr_db(double snr_db) override;
    double snr_db() const override;

    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    mutable gr::thread::mutex d_parameters;
    double d_snr_db = 0.0;
    float d_noise_density = 1.0f;
};

} // namespace vqdeepsc
} // namespace gr
