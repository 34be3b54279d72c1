/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_modulator_impl.h"

#include "burst_dictionary.h"
#include <gnuradio/io_signature.h>
#include <stdexcept>

namespace gr {
namespace vqdeepsc {

burst_modulator::sptr burst_modulator::make(size_t payload_bits,
                                            int bits_per_symbol,
                                            const std::string& code_rate,
                                            int fft_size,
                                            int cyclic_prefix,
                                            float amplitude,
                                            float peak,
                                            const TransportBlocks& transport_blocks,
                                            int burst_profile)
{
    kernel::BurstModulator modulator(kernel::BurstFormat(fft_size, cyclic_prefix));
    modulator.set_amplitude(amplitude);
    modulator.set_peak(peak);
    auto header = kernel::make_burst_header(payload_bits, bits_per_symbol, code_rate);
    header.burst_profile = burst_profile;
    if (const auto error = header.error(); !error.empty()) {
        throw std::invalid_argument(error);
    }
    header.uep_profile = kernel::uep_profile_id(
        kernel::frame_blocks(payload_bits, header.coded_bits(), bits_per_symbol, transport_blocks));
    return gnuradio::make_block_sptr<burst_modulator_impl>(std::move(modulator), header);
}

burst_modulator_impl::burst_modulator_impl(kernel::BurstModulator&& modulator,
                                           const kernel::BurstHeader& header)
    : gr::block("burst_modulator",
                gr::io_signature::make(1, 1, sizeof(uint8_t)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      frame_block<burst_modulator>(header.coded_bits(),
                                   sizeof(uint8_t),
                                   modulator.burst_samples(header),
                                   sizeof(gr_complex),
                                   "frame"),
      d_modulator(std::move(modulator)),
      d_header(header)
{
    set_relative_rate(burst_samples(), coded_bits());
}

void burst_modulator_impl::set_amplitude(float amplitude)
{
    const std::lock_guard<std::mutex> lock(d_mutex);
    d_modulator.set_amplitude(amplitude);
}

float burst_modulator_impl::amplitude() const
{
    const std::lock_guard<std::mutex> lock(d_mutex);
    return d_modulator.amplitude();
}

void burst_modulator_impl::set_peak(float peak)
{
    const std::lock_guard<std::mutex> lock(d_mutex);
    d_modulator.set_peak(peak);
}

float burst_modulator_impl::peak() const
{
    const std::lock_guard<std::mutex> lock(d_mutex);
    return d_modulator.peak();
}

void burst_modulator_impl::process_frame(const char* input,
                                         char* output,
                                         std::vector<gr::tag_t>& tags)
{
    std::string error = "the frame has no dictionary";
    for (const auto& tag : tags) {
        if (pmt::eq(tag.key, frame_tag())) {
            error = read_frame(tag.value, d_header.frame);
        }
    }
    if (error.empty()) {
        d_header.redundancy_version = 0;
        error = read_redundancy_version(tags, frame_tag(), d_header.redundancy_version);
    }
    if (error.empty()) {
        error = d_header.error();
    }
    if (!error.empty()) {
        d_logger->error("a frame was not sent: {:s}", error);
        drop_frame();
        return;
    }
    {
        const std::lock_guard<std::mutex> lock(d_mutex);
        d_modulator.modulate(d_header,
                             reinterpret_cast<const uint8_t*>(input),
                             reinterpret_cast<gr_complex*>(output));
    }
    gr::tag_t begin;
    begin.key = pmt::intern("tx_sob");
    begin.value = pmt::PMT_T;
    tags.push_back(begin);
}

void burst_modulator_impl::frame_sent(uint64_t last)
{
    add_item_tag(0, last, pmt::intern("tx_eob"), pmt::PMT_T);
}

} // namespace vqdeepsc
} // namespace gr
