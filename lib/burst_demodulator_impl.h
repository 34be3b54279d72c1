/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/detection/interference_whitener.h"
#include "kernels/ofdm/burst_demodulator.h"
#include "kernels/reception/burst_filter.h"
#include <atomic>
#include <deque>
#include <gnuradio/vqdeepsc/burst_demodulator.h>
#include <memory>
#include <vector>

namespace gr {
namespace vqdeepsc {

class burst_demodulator_impl final : public burst_demodulator
{
public:
    burst_demodulator_impl(const kernel::BurstFormat& format, const kernel::BurstFilter& filter);

    void set_sample_rate(double sample_rate) override;
    double sample_rate() const override { return d_sample_rate; }

    bool start() override;
    void forecast(int noutput_items, gr_vector_int& required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

private:
    struct Burst {
        uint64_t start; // number of the first sample of the training
        double cfo;
        gr_complex dc;
        bool mirrored; // I and Q are swapped; cfo and dc are those of the conjugate samples
        kernel::FilterTaps whitening; // against interference
        bool tried;                   // whether its header was looked at
        pmt::pmt_t refused;           // what is said of it where it is refused
    };

    bool sending() const { return d_sent < d_llrs.size(); }
    void find_bursts(int samples);
    bool receive();
    void receive_header(kernel::BurstDemodulator& demodulator,
                        Burst& burst,
                        kernel::BurstHeader& header,
                        kernel::ExpectedHeaders* expected);
    bool ends_early(size_t count);
    void receive_payload(const gr_complex* samples, bool interrupted);
    size_t present(const Burst& burst) const;
    const gr_complex* samples_of(const Burst& burst, size_t count);
    void next_burst(uint64_t from);
    void refuse(const pmt::pmt_t& dictionary);
    void publish_symbols();
    pmt::pmt_t log_entry(const kernel::BurstDemodulator& demodulator,
                         const Burst& burst,
                         const pmt::pmt_t& dictionary) const;

    std::unique_ptr<kernel::BurstDemodulator> d_demodulator; // of the first burst
    std::unique_ptr<kernel::BurstDemodulator> d_newcomer;    // of one that begins within it
    kernel::BurstFilter d_filter;
    kernel::ExpectedHeaders d_expected;
    const pmt::pmt_t d_symbols_port;
    std::atomic<double> d_sample_rate;    // may change while running
    std::deque<Burst> d_bursts;           // marked and not yet received
    std::vector<gr_complex> d_buffer;     // samples from the first burst on, where there is one
    std::vector<gr_complex> d_changed;    // the first burst's, filtered or conjugate
    std::vector<gr_complex> d_unfinished; // of a burst that ended early, and zeros
    uint64_t d_origin = 0;                // number of the first sample in d_buffer
    size_t d_first = 0;                   // position in d_buffer of the first burst
    bool d_header_known = false;
    kernel::BurstHeader d_header;
    std::vector<float> d_llrs;
    size_t d_sent = 0;
    pmt::pmt_t d_key, d_dictionary; // of the tag at the first LLR
};

} // namespace vqdeepsc
} // namespace gr
