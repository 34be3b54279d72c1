/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_demodulator_impl.h"

#include "burst_dictionary.h"
#include "kernels/detection/burst_detector.h"
#include <algorithm>
#include <cstdio>
#include <gnuradio/io_signature.h>
#include <numeric>
#include <stdexcept>

namespace gr {
namespace vqdeepsc {

namespace {

constexpr int DELAY = kernel::BurstDetector::DECISION_DELAY;

} // namespace

burst_demodulator::sptr burst_demodulator::make(
    int fft_size, int cyclic_prefix, int model, int payload_bits, double sample_rate)
{
    if (model < -1 || model > 65535) {
        throw std::invalid_argument("model is " + std::to_string(model) +
                                    ", must be 0 to 65535, or -1 for all");
    }
    if (payload_bits < 0 || payload_bits > static_cast<int>(kernel::MAX_PAYLOAD_BITS)) {
        throw std::invalid_argument("payload_bits is " + std::to_string(payload_bits) +
                                    ", must be 1 to 65535, or 0 for all");
    }
    auto block = gnuradio::make_block_sptr<burst_demodulator_impl>(
        kernel::BurstDemodulator(kernel::BurstFormat(fft_size, cyclic_prefix)),
        model,
        payload_bits);
    block->set_sample_rate(sample_rate);
    return block;
}

burst_demodulator_impl::burst_demodulator_impl(kernel::BurstDemodulator&& demodulator,
                                               int model,
                                               int payload_bits)
    : gr::block("burst_demodulator",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(1, 1, sizeof(float))),
      d_demodulator(std::move(demodulator)),
      d_model(model),
      d_payload_bits(payload_bits),
      d_symbols_port(pmt::intern("symbols")),
      d_sample_rate(1e6)
{
    // A burst begins before its tag.
    set_history(DELAY + 1);
    set_tag_propagation_policy(TPP_DONT);
    message_port_register_out(d_symbols_port);
}

void burst_demodulator_impl::set_sample_rate(double sample_rate)
{
    if (!(sample_rate > 0.0)) {
        throw std::invalid_argument("sample_rate is " + std::to_string(sample_rate) +
                                    ", must be above 0");
    }
    d_sample_rate = sample_rate;
}

bool burst_demodulator_impl::start()
{
    // A flowgraph that is run again counts its items from the beginning.
    if (nitems_read(0) == 0) {
        d_bursts.clear();
        d_buffer.clear();
        d_first = 0;
        d_header_known = false;
        d_sent = d_llrs.size();
    }
    return gr::block::start();
}

void burst_demodulator_impl::forecast(int, gr_vector_int& required)
{
    required[0] = sending() ? 0 : DELAY + 1;
}

// Notes the bursts that are marked in the next samples.
void burst_demodulator_impl::find_bursts(int samples)
{
    std::vector<gr::tag_t> tags;
    get_tags_in_window(tags, 0, 0, samples, pmt::intern("burst"));
    std::sort(tags.begin(), tags.end(), gr::tag_t::offset_compare);
    for (const auto& tag : tags) {
        const auto cfo = pmt::is_dict(tag.value)
                             ? pmt::dict_ref(tag.value, pmt::intern("cfo"), pmt::PMT_NIL)
                             : pmt::PMT_NIL;
        if (tag.offset < DELAY || !pmt::is_real(cfo)) {
            d_logger->warn("a tag 'burst' that burst_detector did not make was passed over");
            continue;
        }
        const auto dc = pmt::dict_ref(tag.value, pmt::intern("dc"), pmt::from_complex(0.0));
        const auto mirrored = pmt::dict_ref(tag.value, pmt::intern("mirrored"), pmt::PMT_F);
        const auto whitening = pmt::dict_ref(tag.value, pmt::intern("whitening"), pmt::PMT_NIL);
        Burst burst{ tag.offset - DELAY,
                     pmt::to_double(cfo),
                     pmt::is_number(dc) ? gr_complex(pmt::to_complex(dc)) : gr_complex(),
                     pmt::is_true(mirrored),
                     {} };
        if (pmt::is_c32vector(whitening) && pmt::length(whitening) > 0) {
            burst.whitening = pmt::c32vector_elements(whitening);
            const auto gain =
                std::accumulate(burst.whitening.begin(), burst.whitening.end(), gr_complex(0.0f));
            burst.dc *= burst.mirrored ? std::conj(gain) : gain;
        }
        d_bursts.push_back(std::move(burst));
    }
}

int burst_demodulator_impl::general_work(int noutput_items,
                                         gr_vector_int& ninput_items,
                                         gr_vector_const_void_star& input_items,
                                         gr_vector_void_star& output_items)
{
    if (!sending()) {
        const int samples = ninput_items[0] - DELAY;
        // The history comes first, so this is the sample DELAY before the next one.
        const auto* input = static_cast<const gr_complex*>(input_items[0]);
        find_bursts(samples);
        if (!d_bursts.empty()) {
            const uint64_t end = nitems_read(0) + samples;
            if (d_buffer.empty()) {
                d_origin = d_bursts.front().start;
                d_first = 0;
            }
            const uint64_t wanted = d_origin + d_buffer.size();
            // No earlier than the history reaches: input[0] is sample nitems_read(0) - DELAY.
            const auto* from = input + DELAY + static_cast<int64_t>(wanted - nitems_read(0));
            d_buffer.insert(d_buffer.end(), from, from + (end - wanted));
        }
        consume(0, samples);
    }
    // Every burst that is complete is received now, for no further call may come.
    auto* output = static_cast<float*>(output_items[0]);
    int produced = 0;
    while (sending() || (!d_bursts.empty() && receive())) {
        if (produced == noutput_items) {
            break;
        }
        if (d_sent == 0) {
            add_item_tag(0, nitems_written(0) + produced, d_key, d_dictionary);
        }
        const size_t items = std::min<size_t>(d_llrs.size() - d_sent, noutput_items - produced);
        std::copy_n(d_llrs.begin() + d_sent, items, output + produced);
        d_sent += items;
        produced += static_cast<int>(items);
    }
    return produced;
}

// Receives the first burst, well or not; returns false while samples of it are missing.
bool burst_demodulator_impl::receive()
{
    const auto& format = d_demodulator.format();
    const Burst& burst = d_bursts.front();
    const size_t present = d_buffer.size() - d_first;
    if (!d_header_known) {
        const size_t needed = format.training_and_header_samples();
        if (present < needed) {
            return false;
        }
        const auto received =
            d_demodulator.receive_header(first_samples(needed), burst.cfo, burst.dc);
        const std::string error =
            received.error.empty() ? refusal(received.header) : received.error;
        if (!error.empty()) {
            const auto known =
                received.crc_ok ? frame_dictionary(received.header.frame) : pmt::make_dict();
            refuse(error, known);
            return true;
        }
        d_header = received.header;
        d_header_known = true;
    }
    const size_t count =
        format.samples_after_preamble(d_header.qam_symbols(), d_header.burst_profile);
    if (present < count) {
        return false;
    }
    const auto* samples = first_samples(count);
    if (!d_demodulator.has_payload(d_header, samples)) {
        refuse("no payload follows the header", frame_dictionary(d_header.frame));
        return true;
    }
    d_llrs.resize(d_header.coded_bits());
    d_sent = 0;
    d_demodulator.receive_payload(d_header, samples, d_llrs.data());
    publish_symbols();
    d_key = pmt::intern("frame");
    d_dictionary = Dictionary(described(frame_dictionary(d_header.frame)))
                       .add("payload_bits", pmt::from_long(d_header.payload_bits))
                       .add("coded_bits", pmt::from_long(static_cast<long>(d_header.coded_bits())))
                       .add("bits_per_symbol", pmt::from_long(d_header.bits_per_symbol))
                       .add("code_rate", pmt::intern(kernel::CODE_RATES[d_header.code_rate]))
                       .add("uep_profile", pmt::from_long(d_header.uep_profile))
                       .add("redundancy_version", pmt::from_long(d_header.redundancy_version))
                       .add("burst_profile", pmt::from_long(d_header.burst_profile))
                       .get();
    // Where a transmitter stopped halfway, the next burst begins inside this one.
    next_burst(burst.start + 1);
    return true;
}

// The first samples of the first burst, as they were sent, interference filtered out.
const gr_complex* burst_demodulator_impl::first_samples(size_t count)
{
    const auto first = d_buffer.begin() + d_first;
    const Burst& burst = d_bursts.front();
    if (!burst.mirrored && burst.whitening.empty()) {
        return &*first;
    }
    d_changed.assign(first, first + count);
    if (!burst.whitening.empty()) {
        kernel::filter_samples(burst.whitening, &*first, count, d_changed.data());
    }
    if (burst.mirrored) {
        for (auto& sample : d_changed) {
            sample = std::conj(sample);
        }
    }
    return d_changed.data();
}

// Sends one LLR that says of a burst which is not received, and why.
void burst_demodulator_impl::refuse(const std::string& error, const pmt::pmt_t& known)
{
    d_llrs.assign(1, 0.0f);
    d_sent = 0;
    d_key = pmt::intern("refused");
    d_dictionary = Dictionary(described(known)).add("error", pmt::intern(error)).get();
    next_burst(d_bursts.front().start + 1);
}

void burst_demodulator_impl::publish_symbols()
{
    if (pmt::is_null(message_subscribers(d_symbols_port))) {
        return;
    }
    const auto& symbols = d_demodulator.last_symbols();
    message_port_pub(
        d_symbols_port,
        pmt::cons(pmt::make_dict(), pmt::init_c32vector(symbols.size(), symbols.data())));
}

// Goes on with the first burst that begins at or after a sample.
void burst_demodulator_impl::next_burst(uint64_t from)
{
    d_header_known = false;
    while (!d_bursts.empty() && d_bursts.front().start < from) {
        d_bursts.pop_front();
    }
    const uint64_t keep = d_bursts.empty() ? d_origin + d_buffer.size() : d_bursts.front().start;
    d_first = keep - d_origin;
    // Seldom, so that little is moved.
    if (2 * d_first >= d_buffer.size()) {
        d_buffer.erase(d_buffer.begin(), d_buffer.begin() + d_first);
        d_origin = keep;
        d_first = 0;
    }
}

std::string burst_demodulator_impl::refusal(const kernel::BurstHeader& header) const
{
    if (d_model >= 0 && header.frame.model != static_cast<uint32_t>(d_model)) {
        char text[80];
        std::snprintf(text,
                      sizeof(text),
                      "the burst is of model %04x, received is model %04x",
                      header.frame.model,
                      d_model);
        return text;
    }
    if (d_payload_bits > 0 && header.payload_bits != d_payload_bits) {
        return "the burst has " + std::to_string(header.payload_bits) +
               " payload bits, received are " + std::to_string(d_payload_bits);
    }
    return {};
}

pmt::pmt_t burst_demodulator_impl::described(const pmt::pmt_t& dictionary) const
{
    const auto quality = d_demodulator.quality();
    const uint64_t start = d_bursts.front().start;
    return Dictionary(dictionary)
        .add("offset", pmt::from_long(static_cast<long>(start) - kernel::PREAMBLE_SAMPLES))
        .add("cfo", pmt::from_double(quality.cfo))
        .add("cfo_hz", pmt::from_double(quality.cfo * d_sample_rate))
        .add("clock_offset_ppm", pmt::from_double(quality.clock_offset_ppm))
        .add("snr_db", pmt::from_double(quality.snr_db))
        .add("evm_db", pmt::from_double(quality.evm_db))
        .add("mirrored", pmt::from_bool(d_bursts.front().mirrored))
        .get();
}

} // namespace vqdeepsc
} // namespace gr
