/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/qam_demapper.h"
#include <gnuradio/vqdeepsc/qam_soft_demapper.h>

namespace gr {
namespace vqdeepsc {

class qam_soft_demapper_impl : public qam_soft_demapper
{
public:
    qam_soft_demapper_impl(int bits_per_symbol,
                           float noise,
                           const std::string& method,
                           bool noise_input);

    void set_noise(float noise) override;
    float noise() const override;
    void set_method(const std::string& method) override;
    std::string method() const override;

    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    mutable gr::thread::mutex d_parameters;
    kernel::QamDemapper d_demapper;
    float d_noise;
};

} // namespace vqdeepsc
} // namespace gr
