/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fading_channel_impl.h"

#include <gnuradio/io_signature.h>

namespace gr {
namespace vqdeepsc {

fading_channel::sptr fading_channel::make(const std::string& kind,
                                          double snr_db,
                                          double rician_factor,
                                          int64_t block_length,
                                          uint64_t seed)
{
    return gnuradio::make_block_sptr<fading_channel_impl>(
        kind, snr_db, rician_factor, block_length, seed);
}

fading_channel_impl::fading_channel_impl(const std::string& kind,
                                         double snr_db,
                                         double rician_factor,
                                         int64_t block_length,
                                         uint64_t seed)
    : gr::sync_block("fading_channel",
                     gr::io_signature::make(1, 1, sizeof(gr_complex)),
                     gr::io_signature::make(1, 2, sizeof(gr_complex))),
      d_channel(kernel::fading_kind_from_name(kind), snr_db, rician_factor, block_length, seed)
{
}

void fading_channel_impl::set_kind(const std::string& kind)
{
    const auto parsed = kernel::fading_kind_from_name(kind);
    gr::thread::scoped_lock lock(d_parameters);
    d_channel.set_kind(parsed);
}

void fading_channel_impl::set_snr_db(double snr_db)
{
    gr::thread::scoped_lock lock(d_parameters);
    d_channel.set_snr_db(snr_db);
}

void fading_channel_impl::set_rician_factor(double rician_factor)
{
    gr::thread::scoped_lock lock(d_parameters);
    d_channel.set_rician_factor(rician_factor);
}

void fading_channel_impl::set_block_length(int64_t block_length)
{
    gr::thread::scoped_lock lock(d_parameters);
    d_channel.set_block_length(block_length);
}

std::string fading_channel_impl::kind() const
{
    gr::thread::scoped_lock lock(d_parameters);
    return kernel::fading_kind_name(d_channel.kind());
}

double fading_channel_impl::snr_db() const
{
    gr::thread::scoped_lock lock(d_parameters);
    return d_channel.snr_db();
}

double fading_channel_impl::rician_factor() const
{
    gr::thread::scoped_lock lock(d_parameters);
    return d_channel.rician_factor();
}

int64_t fading_channel_impl::block_length() const
{
    gr::thread::scoped_lock lock(d_parameters);
    return d_channel.block_length();
}

uint64_t fading_channel_impl::seed() const
{
    return d_channel.seed();
}

int fading_channel_impl::work(int noutput_items,
                              gr_vector_const_void_star& input_items,
                              gr_vector_void_star& output_items)
{
    const auto* x = static_cast<const gr_complex*>(input_items[0]);
    auto* y = static_cast<gr_complex*>(output_items[0]);
    auto* h = output_items.size() > 1 ? static_cast<gr_complex*>(output_items[1]) : nullptr;
    gr::thread::scoped_lock lock(d_parameters);
    d_channel.apply(x, noutput_items, y, h);
    return noutput_items;
}

} // namespace vqdeepsc
} // namespace gr
