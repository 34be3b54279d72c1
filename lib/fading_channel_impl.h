/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/channel/fading_channel.h"
#include <gnuradio/vqdeepsc/fading_channel.h>

namespace gr {
namespace vqdeepsc {

class fading_channel_impl final : public fading_channel
{
public:
    fading_channel_impl(const std::string& kind,
                        double snr_db,
                        double rician_factor,
                        int64_t block_length,
                        uint64_t seed);

    void set_kind(const std::string& kind) override;
    void set_snr_db(double snr_db) override;
    void set_rician_factor(double rician_factor) override;
    void set_block_length(int64_t block_length) override;
    std::string kind() const override;
    double snr_db() const override;
    double rician_factor() const override;
    int64_t block_length() const override;
    uint64_t seed() const override;

    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    mutable gr::thread::mutex d_parameters;
    kernel::FadingChannel d_channel;
};

} // namespace vqdeepsc
} // namespace gr
