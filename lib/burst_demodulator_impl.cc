/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_demodulator_impl.h"

#include "burst_dictionary.h"
#include "kernels/detection/burst_detector.h"
#include <algorithm>
#include <gnuradio/io_signature.h>
#include <numeric>
#include <stdexcept>

namespace gr {
namespace vqdeepsc {

namespace {

constexpr int DELAY = kernel::BurstDetector::DECISION_DELAY;
// Of a burst that ends early, one in so many of its samples is worth a decoder's time.
constexpr size_t SMALLEST_SHARE = 4;

} // namespace

burst_demodulator::sptr burst_demodulator::make(
    int fft_size,
    int cyclic_prefix,
    int model,
    int payload_bits,
    double sample_rate,
    int64_t session,
    const std::vector<std::pair<int, std::string>>& formats)
{
    auto block = gnuradio::make_block_sptr<burst_demodulator_impl>(
        kernel::BurstFormat(fft_size, cyclic_prefix),
        kernel::BurstFilter(model, payload_bits, session, formats));
    block->set_sample_rate(sample_rate);
    return block;
}

burst_demodulator_impl::burst_demodulator_impl(const kernel::BurstFormat& format,
                                               const kernel::BurstFilter& filter)
    : gr::block("burst_demodulator",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(1, 1, sizeof(float))),
      d_demodulator(std::make_unique<kernel::BurstDemodulator>(format)),
      d_newcomer(std::make_unique<kernel::BurstDemodulator>(format)),
      d_filter(filter),
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
        d_filter.reset();
        d_expected.reset();
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
            d_logger->warn("a tag 'burst' that burst_detector did not make was skipped");
            continue;
        }
        const auto dc = pmt::dict_ref(tag.value, pmt::intern("dc"), pmt::from_complex(0.0));
        const auto mirrored = pmt::dict_ref(tag.value, pmt::intern("mirrored"), pmt::PMT_F);
        const auto whitening = pmt::dict_ref(tag.value, pmt::intern("whitening"), pmt::PMT_NIL);
        Burst burst{ tag.offset - DELAY,
                     pmt::to_double(cfo),
                     pmt::is_number(dc) ? gr_complex(pmt::to_complex(dc)) : gr_complex(),
                     pmt::is_true(mirrored),
                     {},
                     false,
                     nullptr };
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
    const auto& format = d_demodulator->format();
    Burst& burst = d_bursts.front();
    if (!d_header_known) {
        if (present(burst) < format.training_and_header_samples()) {
            return false;
        }
        if (!burst.refused) {
            receive_header(*d_demodulator, burst, d_header, &d_expected);
        }
        if (burst.refused) {
            refuse(burst.refused);
            next_burst(burst.start + 1);
            return true;
        }
        d_filter.accept(d_header);
        d_expected.heard(d_header);
        d_header_known = true;
    }
    const size_t count =
        format.samples_after_preamble(d_header.qam_symbols(), d_header.burst_profile);
    if (ends_early(count)) {
        return true;
    }
    if (present(burst) < count) {
        return false;
    }
    const auto* samples = samples_of(burst, count);
    if (d_demodulator->has_payload(d_header, samples)) {
        receive_payload(samples, false);
    } else {
        refuse(Dictionary(log_entry(*d_demodulator, burst, frame_dictionary(d_header.frame)))
                   .add("error", pmt::intern("no payload follows the header"))
                   .get());
    }
    // Where another transmitter was on the air too, its burst begins inside this one.
    next_burst(burst.start + 1);
    return true;
}

// Receives a header; notes in the burst why it is refused, if it is.
void burst_demodulator_impl::receive_header(kernel::BurstDemodulator& demodulator,
                                            Burst& burst,
                                            kernel::BurstHeader& header,
                                            kernel::ExpectedHeaders* expected)
{
    const size_t needed = demodulator.format().training_and_header_samples();
    const auto received =
        demodulator.receive_header(samples_of(burst, needed), burst.cfo, burst.dc, expected);
    header = received.header;
    burst.tried = true;
    const std::string error =
        received.error.empty() ? d_filter.refusal(received.header) : received.error;
    if (!error.empty()) {
        const auto known =
            received.crc_ok ? frame_dictionary(received.header.frame) : pmt::make_dict();
        burst.refused =
            Dictionary(log_entry(demodulator, burst, known)).add("error", pmt::intern(error)).get();
    }
}

// Whether a burst with a right header begins within the first one, count samples long, which is not
// seen any more from there on: its transmitter stopped, or another one is far stronger. Then the
// first one ends there, and the other is the first.
bool burst_demodulator_impl::ends_early(size_t count)
{
    const size_t needed = d_demodulator->format().training_and_header_samples();
    const size_t training = d_demodulator->format().training_samples();
    Burst& burst = d_bursts.front();
    for (size_t i = 1; i < d_bursts.size(); ++i) {
        Burst& other = d_bursts[i];
        const size_t begins = other.start - burst.start;
        if (begins + needed > count || present(other) < needed) {
            break;
        }
        if (other.tried) {
            continue;
        }
        kernel::BurstHeader header;
        // Not one that is only expected: it would end a burst that is sure.
        receive_header(*d_newcomer, other, header, nullptr);
        if (other.refused ||
            d_demodulator->payload_goes_on(
                d_header, samples_of(burst, begins + needed), begins + training, begins + needed)) {
            continue;
        }
        const size_t payload = count - needed;
        const size_t end = begins - std::min<size_t>(begins, kernel::PREAMBLE_SAMPLES);
        if (end > needed && SMALLEST_SHARE * (end - needed) >= payload) {
            const auto* samples = samples_of(burst, end);
            d_unfinished.assign(samples, samples + end);
            d_unfinished.resize(count);
            receive_payload(d_unfinished.data(), true);
        } else {
            refuse(Dictionary(log_entry(*d_demodulator, burst, frame_dictionary(d_header.frame)))
                       .add("error", pmt::intern("another burst begins in it"))
                       .get());
        }
        next_burst(other.start);
        std::swap(d_demodulator, d_newcomer);
        d_header = header;
        d_header_known = true;
        d_filter.accept(d_header);
        d_expected.heard(d_header);
        return true;
    }
    return false;
}

// Makes LLRs of the first burst, whose header is known; interrupted: some samples are missing.
void burst_demodulator_impl::receive_payload(const gr_complex* samples, bool interrupted)
{
    d_llrs.resize(d_header.coded_bits());
    d_sent = 0;
    d_demodulator->receive_payload(d_header, samples, d_llrs.data());
    publish_symbols();
    d_key = pmt::intern("frame");
    d_dictionary =
        Dictionary(log_entry(*d_demodulator, d_bursts.front(), frame_dictionary(d_header.frame)))
            .add("payload_bits", pmt::from_long(d_header.payload_bits))
            .add("coded_bits", pmt::from_long(static_cast<long>(d_header.coded_bits())))
            .add("bits_per_symbol", pmt::from_long(d_header.bits_per_symbol))
            .add("code_rate", pmt::intern(kernel::CODE_RATES[d_header.code_rate]))
            .add("uep_profile", pmt::from_long(d_header.uep_profile))
            .add("redundancy_version", pmt::from_long(d_header.redundancy_version))
            .add("burst_profile", pmt::from_long(d_header.burst_profile))
            .add("interrupted", pmt::from_bool(interrupted))
            .get();
}

size_t burst_demodulator_impl::present(const Burst& burst) const
{
    return d_buffer.size() - (burst.start - d_origin);
}

// The first samples of a burst, as they were sent, interference filtered out; valid until the next
// call.
const gr_complex* burst_demodulator_impl::samples_of(const Burst& burst, size_t count)
{
    const gr_complex* first = d_buffer.data() + (burst.start - d_origin);
    if (!burst.mirrored && burst.whitening.empty()) {
        return first;
    }
    d_changed.assign(first, first + count);
    if (!burst.whitening.empty()) {
        kernel::filter_samples(burst.whitening, first, count, d_changed.data());
    }
    if (burst.mirrored) {
        for (auto& sample : d_changed) {
            sample = std::conj(sample);
        }
    }
    return d_changed.data();
}

// Sends one LLR that says of a burst which is not received, and why.
void burst_demodulator_impl::refuse(const pmt::pmt_t& dictionary)
{
    d_llrs.assign(1, 0.0f);
    d_sent = 0;
    d_key = pmt::intern("refused");
    d_dictionary = dictionary;
}

void burst_demodulator_impl::publish_symbols()
{
    if (pmt::is_null(message_subscribers(d_symbols_port))) {
        return;
    }
    const auto& symbols = d_demodulator->last_symbols();
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

pmt::pmt_t burst_demodulator_impl::log_entry(const kernel::BurstDemodulator& demodulator,
                                             const Burst& burst,
                                             const pmt::pmt_t& dictionary) const
{
    const auto quality = demodulator.quality();
    return Dictionary(dictionary)
        .add("offset", pmt::from_long(static_cast<long>(burst.start) - kernel::PREAMBLE_SAMPLES))
        .add("cfo", pmt::from_double(quality.cfo))
        .add("cfo_hz", pmt::from_double(quality.cfo * d_sample_rate))
        .add("clock_offset_ppm", pmt::from_double(quality.clock_offset_ppm))
        .add("snr_db", pmt::from_double(quality.snr_db))
        .add("evm_db", pmt::from_double(quality.evm_db))
        .add("mirrored", pmt::from_bool(burst.mirrored))
        .get();
}

} // namespace vqdeepsc
} // namespace gr
