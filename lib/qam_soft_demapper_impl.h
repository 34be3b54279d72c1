/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/qam/qam_demapper.h"
#include <gnuradio/vqdeepsc/qam_soft_demapper.h>

namespace gr {
namespace vqdeepsc {

class qam_soft_demapper_impl final : public qam_soft_demapper
{
public:
    qam_soft_demapper_impl(int bits_per_symbol,
                           float noise,
                           const std::string& method,
                           bool noise_input,
                           bool quantised,
                           float steps_per_nat,
                           int saturation);

    void set_noise(float noise) override;
    float noise() const override;
    void set_method(const std::string& method) override;
    std::string method() const override;

    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    // Noise is one density or a pointer to those of all symbols.
    template <typename Noise>
    void demap(const gr_complex* symbols, int count, Noise noise, void* output) const;

    mutable gr::thread::mutex d_parameters;
    kernel::QamDemapper d_demapper;
    float d_noise;
    const bool d_quantised;
    const float d_steps_per_nat;
    const int d_saturation;
};

} // namespace vqdeepsc
} // namespace gr
