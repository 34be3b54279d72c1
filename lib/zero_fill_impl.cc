/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zero_fill_impl.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <gnuradio/io_signature.h>

namespace gr {
namespace vqdeepsc {

namespace {

// A burst that arrives waits behind no more zeros than these and the sink's buffer.
constexpr int64_t zeros_at_a_time = 1024;
constexpr auto idle_wait = std::chrono::milliseconds(1);

const pmt::pmt_t& start_of_burst()
{
    static const auto key = pmt::intern("tx_sob");
    return key;
}

const pmt::pmt_t& end_of_burst()
{
    static const auto key = pmt::intern("tx_eob");
    return key;
}

int64_t checked(int64_t count, const char* name)
{
    if (count < 0) {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(count) +
                                    " samples, but must be at least 0");
    }
    return count;
}

} // namespace

zero_fill::sptr zero_fill::make(bool continuous, int64_t gap, int64_t tail)
{
    return gnuradio::make_block_sptr<zero_fill_impl>(continuous, gap, tail);
}

zero_fill_impl::zero_fill_impl(bool continuous, int64_t gap, int64_t tail)
    : gr::block("zero_fill",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      d_continuous(continuous),
      d_gap(checked(gap, "gap")),
      d_tail(checked(tail, "tail"))
{
    set_tag_propagation_policy(TPP_CUSTOM);
}

bool zero_fill_impl::start()
{
    d_in_burst = false;
    d_gap_left = 0;
    d_tail_left = d_tail;
    return gr::block::start();
}

void zero_fill_impl::forecast(int, gr_vector_int& ninput_items_required)
{
    // Outside bursts the block must run without input, to fill and to notice the input's end.
    ninput_items_required[0] = d_in_burst ? 1 : 0;
}

bool zero_fill_impl::input_has_ended()
{
    // Asked in this order, because the last items come before the end is declared.
    const auto& input = detail()->input(0);
    return input->done() && input->items_available() == 0;
}

int zero_fill_impl::copy(const gr_complex* in, gr_complex* out, int available)
{
    std::vector<gr::tag_t> tags;
    get_tags_in_window(tags, 0, 0, available);
    std::sort(tags.begin(), tags.end(), gr::tag_t::offset_compare);
    const auto last = std::find_if(tags.begin(), tags.end(), [](const gr::tag_t& tag) {
        return pmt::equal(tag.key, end_of_burst());
    });
    int count = available;
    if (last != tags.end()) {
        count = static_cast<int>(last->offset - nitems_read(0)) + 1;
    }
    for (auto& tag : tags) {
        if (tag.offset >= nitems_read(0) + count) {
            break;
        }
        if (pmt::equal(tag.key, start_of_burst())) {
            d_in_burst = true;
        }
        tag.offset += nitems_written(0) - nitems_read(0);
        add_item_tag(0, tag);
    }
    if (last != tags.end()) {
        d_in_burst = false;
        d_gap_left = d_gap;
    }
    std::copy_n(in, count, out);
    consume(0, count);
    return count;
}

int zero_fill_impl::general_work(int noutput_items,
                                 gr_vector_int& ninput_items,
                                 gr_vector_const_void_star& input_items,
                                 gr_vector_void_star& output_items)
{
    auto* out = static_cast<gr_complex*>(output_items[0]);
    int64_t zeros = std::min<int64_t>(noutput_items, zeros_at_a_time);
    if (d_gap_left > 0) {
        zeros = std::min(zeros, d_gap_left);
        d_gap_left -= zeros;
    } else if (ninput_items[0] > 0) {
        return copy(static_cast<const gr_complex*>(input_items[0]),
                    out,
                    std::min(noutput_items, ninput_items[0]));
    } else if (input_has_ended()) {
        zeros = std::min(zeros, d_tail_left);
        d_tail_left -= zeros;
        if (zeros == 0) {
            return WORK_DONE;
        }
    } else if (!d_continuous || d_in_burst) {
        // Called without input, the scheduler would call again at once.
        std::this_thread::sleep_for(idle_wait);
        return 0;
    }
    std::fill_n(out, zeros, gr_complex(0.0f, 0.0f));
    return static_cast<int>(zeros);
}

} // namespace vqdeepsc
} // namespace gr
