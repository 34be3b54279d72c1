/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qam_soft_demapper_impl.h"

#include "kernels/qam/qam_constellation.h"
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
        throw std::invalid_argument("noise is " + std::to_string(noise) + ", must be at least 0");
    }
}

} // namespace

qam_soft_demapper::sptr qam_soft_demapper::make(int bits_per_symbol,
                                                float noise,
                                                const std::string& method,
                                                bool noise_input,
                                                bool quantised,
                                                float steps_per_nat,
                                                int saturation)
{
    return gnuradio::make_block_sptr<qam_soft_demapper_impl>(
        bits_per_symbol, noise, method, noise_input, quantised, steps_per_nat, saturation);
}

qam_soft_demapper_impl::qam_soft_demapper_impl(int bits_per_symbol,
                                               float noise,
                                               const std::string& method,
                                               bool noise_input,
                                               bool quantised,
                                               float steps_per_nat,
                                               int saturation)
    : gr::sync_interpolator(
          "qam_soft_demapper",
          gr::io_signature::make2(noise_input ? 2 : 1, 2, sizeof(gr_complex), sizeof(float)),
          gr::io_signature::make(1, 1, quantised ? sizeof(std::int8_t) : sizeof(float)),
          checked_bits(bits_per_symbol)),
      d_demapper(bits_per_symbol, kernel::demapper_method_from_name(method)),
      d_noise(noise),
      d_quantised(quantised),
      d_steps_per_nat(steps_per_nat),
      d_saturation(saturation)
{
    check_noise(noise);
    kernel::check_quantisation(steps_per_nat, saturation);
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

template <typename Noise>
void qam_soft_demapper_impl::demap(const gr_complex* symbols,
                                   int count,
                                   Noise noise,
                                   void* output) const
{
    if (d_quantised) {
        d_demapper.demap(symbols,
                         count,
                         noise,
                         static_cast<std::int8_t*>(output),
                         d_steps_per_nat,
                         d_saturation);
    } else {
        d_demapper.demap(symbols, count, noise, static_cast<float*>(output));
    }
}

int qam_soft_demapper_impl::work(int noutput_items,
                                 gr_vector_const_void_star& input_items,
                                 gr_vector_void_star& output_items)
{
    const auto* symbols = static_cast<const gr_complex*>(input_items[0]);
    gr::thread::scoped_lock lock(d_parameters);
    const int bits = d_demapper.bits_per_symbol();
    const int count = noutput_items / bits;
    if (input_items.size() > 1) {
        demap(symbols, count, static_cast<const float*>(input_items[1]), output_items[0]);
    } else {
        demap(symbols, count, d_noise, output_items[0]);
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
