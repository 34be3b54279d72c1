/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "csi_equalizer_impl.h"

#include "kernels/base/snr.h"
#include "kernels/channel/csi_equalizer.h"
#include <gnuradio/io_signature.h>

namespace gr {
namespace vqdeepsc {

csi_equalizer::sptr csi_equalizer::make(double snr_db)
{
    return gnuradio::make_block_sptr<csi_equalizer_impl>(snr_db);
}

csi_equalizer_impl::csi_equalizer_impl(double snr_db)
    : gr::sync_block("csi_equalizer",
                     gr::io_signature::make(2, 2, sizeof(gr_complex)),
                     gr::io_signature::make2(1, 2, sizeof(gr_complex), sizeof(float)))
{
    set_snr_db(snr_db);
    // The coefficients carry copies of the symbols' tags, which must not appear twice.
    set_tag_propagation_policy(TPP_CUSTOM);
}

void csi_equalizer_impl::set_snr_db(double snr_db)
{
    const auto density = static_cast<float>(kernel::noise_density(snr_db));
    gr::thread::scoped_lock lock(d_parameters);
    d_snr_db = snr_db;
    d_noise_density = density;
}

double csi_equalizer_impl::snr_db() const
{
    gr::thread::scoped_lock lock(d_parameters);
    return d_snr_db;
}

int csi_equalizer_impl::work(int noutput_items,
                             gr_vector_const_void_star& input_items,
                             gr_vector_void_star& output_items)
{
    const auto* y = static_cast<const gr_complex*>(input_items[0]);
    const auto* h = static_cast<const gr_complex*>(input_items[1]);
    auto* estimate = static_cast<gr_complex*>(output_items[0]);
    auto* noise = output_items.size() > 1 ? static_cast<float*>(output_items[1]) : nullptr;
    gr::thread::scoped_lock lock(d_parameters);
    const float density = d_noise_density;
    lock.unlock();
    kernel::csi_equalize(y, h, noutput_items, density, estimate, noise);

    std::vector<gr::tag_t> tags;
    get_tags_in_window(tags, 0, 0, noutput_items);
    for (const auto& tag : tags) {
        for (size_t output = 0; output < output_items.size(); ++output) {
            add_item_tag(output, tag);
        }
    }
    return noutput_items;
}

} // namespace vqdeepsc
} // namespace gr
