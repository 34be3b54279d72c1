/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qam_soft_demapper_impl.h"

#include "kernels/qam_constellation.h"
#include <gnuradio/io_signature.h>
#include <stdexcept>

namespace gr {
namespace vqdeepsc {

namespace {

// The base class would refuse a wrong number with a message about interpolation.
int checked_bits(int bits_per_symbol)
{
    kernel::check_bits_per_symbol(bits_per_symbol);
    return bits_per_symbol;
}

void check_noise(float noise)
{
    if (!(noise >= 0.0f)) {
        throw std::invalid_argument("noise is " + std::to_string(noise) +
                                    ", must be at least 0");
    }
}

} // namespace

qam_soft_demapper::sptr qam_soft_demapper::make(int bits_per_symbol,
                                                float noise,
                                                const std::string& method,
                                                bool noise_input)
{
    return gnuradio::make_block_sptr<qam_soft_demapper_impl>(
        bits_per_symbol, noise, method, noise_input);
}

qam_soft_demapper_impl::qam_soft_demapper_impl(int bits_per_symbol,
                                               float noise,
                                               const std::string& method,
                                               bool noise_input)
    : gr::sync_interpolator("qam_soft_demapper",
                            gr::io_signature::make2(
                                noise_input ? 2 : 1, 2, sizeof(gr_complex), sizeof(float)),
                            gr::io_signature::make(1, 1, sizeof(float)),
                            checked_bits(bits_per_symbol)),
      d_demapper(bits_per_symbol, kernel::demapper_method_from_name(method)),
      d_noise(noise)
{
    check_noise(noise);
    // The noise input carries copies of the symbols' tags, which must not appear twice.
    set_tag_propagation_policy(TPP_CUSTOM);
}

void qam_soft_demapper_impl::set_noise(float noise)
{
    check_noise(noise);
    gr::thread::scoped_lock lock(d_parameters);
    d_noise = noise;
}

float qam_soft_demapper_impl::noise() const
{
    gr::thread::scoped_lock lock(d_parameters);
    return d_noise;
}

void qam_soft_demapper_impl::set_method(const std::string& method)
{
    const auto parsed = kernel::demapper_method_from_name(method);
    gr::thread::scoped_lock lock(d_parameters);
    d_demapper = kernel::QamDemapper(d_demapper.bits_per_symbol(), parsed);
}

std::string qam_soft_demapper_impl::method() const
{
    gr::thread::scoped_lock lock(d_parameters);
    return kernel::demapper_method_name(d_demapper.method());
}

int qam_soft_demapper_impl::work(int noutput_items,
                                 gr_vector_const_void_star& input_items,
                                 gr_vector_void_star& output_items)
{
    const auto* symbols = static_cast<const gr_complex*>(input_items[0]);
    auto* llr = static_cast<float*>(output_items[0]);
    gr::thread::scoped_lock lock(d_parameters);
    const int bits = d_demapper.bits_per_symbol();
    const int count = noutput_items / bits;
    if (input_items.size() > 1) {
        d_demapper.demap(symbols, count, static_cast<const float*>(input_items[1]), llr);
    } else {
        d_demapper.demap(symbols, count, d_noise, llr);
    }
    lock.unlock();

    std::vector<gr::tag_t> tags;
    get_tags_in_window(tags, 0, 0, count);
    for (auto& tag : tags) {
        tag.offset *= bits;
        add_item_tag(0, tag);
    }
    return noutput_items;
}

} // namespace vqdeepsc
} // namespace gr
